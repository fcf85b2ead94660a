package spec

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/sentry/control"
)

func TestParseOptions(t *testing.T) {
	flags, prop, data := parseOptions([]string{"nosuid", "ro", "rbind", "rw", "mode=755", "rslave", "size=64k", "noexec"})
	if flags != unix.MS_NOSUID|unix.MS_BIND|unix.MS_REC|unix.MS_NOEXEC || prop != unix.MS_SLAVE|unix.MS_REC || strings.Join(data, ",") != "mode=755,size=64k" {
		t.Errorf("%#x %#x %q", flags, prop, data)
	}
}

// TestResolve checks that the bundle's relative paths become absolute and that the caller's
// configuration is left alone.
func TestResolve(t *testing.T) {
	dir := t.TempDir()
	os.Mkdir(filepath.Join(dir, "rootfs"), 0o755)
	os.WriteFile(filepath.Join(dir, "hosts"), nil, 0o644)
	s := Template(false)
	s.Mounts = append(s.Mounts, specs.Mount{Destination: "/etc/hosts", Source: "hosts", Options: []string{"bind", "ro"}},
		specs.Mount{Destination: "/dev/null", Type: "bind", Source: "/dev/null"})
	b, err := New(dir, s)
	if err != nil {
		t.Fatal(err)
	}
	if s.Root.Path != "rootfs" {
		t.Errorf("the caller's root.path became %q", s.Root.Path)
	}
	mounts, attach, err := b.Mounts()
	if err != nil {
		t.Fatal(err)
	}
	want := []Attach{{filepath.Join(dir, "rootfs"), true, true}, {filepath.Join(dir, "hosts"), true, false}}
	if !slices.Equal(attach, want) {
		t.Errorf("attach points %+v, want %+v", attach, want)
	}
	last := mounts[len(mounts)-1]
	if last.Destination != "/etc/hosts" || last.Type != "gofer" || last.Attach != 1 || !last.File || last.Flags != unix.MS_RDONLY {
		t.Errorf("%+v", last)
	}
	if len(mounts) != len(s.Mounts)-1 {
		t.Error("the device was not left out")
	}
	for _, m := range mounts[:len(mounts)-1] {
		if m.Attach != control.NoAttach {
			t.Errorf("%+v", m)
		}
	}
	s.Mounts = []specs.Mount{{Destination: "/x", Type: "bind", Source: "/dev/zero"}}
	if b, err = New(dir, s); err == nil {
		_, _, err = b.Mounts()
	}
	if err == nil || !strings.Contains(err.Error(), "device") {
		t.Errorf("a device of the host is given away: %v", err)
	}
}

func TestPosition(t *testing.T) {
	raw := []byte("{\n\"a\": x}")
	if line, col := position(raw, 8); line != 2 || col != 6 {
		t.Errorf("%d:%d", line, col)
	}
	if line, col := position(nil, 0); line != 1 || col != 1 {
		t.Errorf("%d:%d", line, col)
	}
}

// FuzzLoad checks that no configuration makes checking it panic.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(`{"ociVersion":"1.0.0","root":{"path":"/"},"process":{"args":["a"],"cwd":"/"},"mounts":[{"destination":"a","type":"bind","source":"b"}],"linux":{"namespaces":[{"type":"pid"}]}}`))
	f.Add([]byte(`{"ociVersion":"1.0.0","root":null}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := Parse(raw, "fuzz")
		if err != nil {
			return
		}
		if b, err := New("/", s); err == nil {
			b.Mounts()
		}
	})
}
