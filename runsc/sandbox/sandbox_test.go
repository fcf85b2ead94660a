package sandbox

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/sentry/control"
)

// TestMakeMountPoints uses a root whose links try to lead outside.
func TestMakeMountPoints(t *testing.T) {
	dir := t.TempDir()
	root := filepath.Join(dir, "root")
	for _, d := range []string{"root/real", "outside"} {
		os.MkdirAll(filepath.Join(dir, d), 0o755)
	}
	os.Symlink("/real", filepath.Join(root, "abs"))
	os.Symlink("../../outside", filepath.Join(root, "up"))
	os.Symlink(filepath.Join(dir, "outside"), filepath.Join(root, "host"))
	mounts := []control.Mount{{Destination: "/proc"}, {Destination: "/proc/below"}, {Destination: "/abs/x/y", Type: "gofer"},
		{Destination: "/abs/file", File: true}, {Destination: "/up/in"}}
	if err := makeMountPoints(root, mounts); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"proc", "real/x/y", "real/file", "outside/in"} {
		if _, err := os.Stat(filepath.Join(root, want)); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(filepath.Join(root, "proc/below")); err == nil {
		t.Error("made a mount point below another mount")
	}
	// A link that leads out leads to the same name inside the root, where there is nothing.
	if err := makeMountPoints(root, []control.Mount{{Destination: "/host/in"}}); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(filepath.Join(dir, "outside")); len(left) != 0 {
		t.Errorf("wrote outside of the root: %v", left)
	}
}

// TestGoneUnread: a sandbox that ends with a request unread is gone, as one that ends after it.
func TestGoneUnread(t *testing.T) {
	p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	c := control.NewClient(socket(p[0]))
	defer c.Close()
	if err := socket(p[0]).Send([]byte("unread"), nil); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(10*time.Millisecond, func() { unix.Close(p[1]) })
	if _, err := control.Call(c, control.State, control.Container{}); !errors.Is(err, control.ErrGone) {
		t.Errorf("err = %v, want ErrGone", err)
	}
}

// TestLongPath uses a control socket whose path is longer than an address can be.
func TestLongPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 40))
	os.Mkdir(dir, 0o755)
	if _, err := Dial(dir, 0); err != control.ErrGone {
		t.Errorf("no socket: %v", err)
	}
	l, err := Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := control.NewServer()
	got := make(chan int, 1)
	control.Handle(s, control.Exec, func(r *control.Request, a *control.ExecArgs) (control.ExecResult, error) {
		var st unix.Stat_t
		unix.Fstat(r.FDs[0], &st)
		got <- int(st.Ino)
		return control.ExecResult{PID: 5}, nil
	})
	go func() {
		fd, _, err := unix.Accept4(int(l.Fd()), unix.SOCK_CLOEXEC)
		if err == nil {
			s.Serve(socket(fd))
		}
	}()
	c, err := Dial(dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	f, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := control.Call(c, control.Exec, control.ExecArgs{ID: strings.Repeat("x", 300000)}, f)
	if err != nil || r.PID != 5 {
		t.Fatal(r, err)
	}
	var st unix.Stat_t
	unix.Fstat(int(f.Fd()), &st)
	if ino := <-got; ino != int(st.Ino) {
		t.Error("another file arrived")
	}
}
