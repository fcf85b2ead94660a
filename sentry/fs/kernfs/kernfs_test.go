package kernfs

import (
	"testing"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// tree is a file system with a directory that may have children.
func tree() *vfs.MountNS {
	stored := "first\n"
	var group func() *Dir
	group = func() *Dir {
		d := NewDir(map[string]Node{
			"plain":     Fixed("text\n"),
			"deep/link": &Link{Target: "../plain"},
			"value": &File{Perm: 0o644, Show: func(vfs.Ctx) (string, linux.Errno) { return stored, 0 },
				Store: func(_ vfs.Ctx, s string) linux.Errno { stored = s; return 0 }},
		})
		d.Perm = 0o755
		d.Mkdir = func(vfs.Ctx, string) (*Dir, linux.Errno) { return group(), 0 }
		d.Rmdir = func(_ vfs.Ctx, name string, _ *Dir) linux.Errno {
			if name == "busy" {
				return linux.EBUSY
			}
			return 0
		}
		return d
	}
	t := New("test", 1, 0, group())
	return vfs.NewMountNS(vfs.KernelCtx{}.Cred().NS, vfs.NewMount(t.Super, 0))
}

func TestTree(t *testing.T) {
	ns := tree()
	defer ns.Put()
	root := ns.Root()
	defer root.Put()
	at, ctx := vfs.At{Root: root, Start: root}, vfs.KernelCtx{}
	read := func(path string) string {
		f, errno := vfs.Open(ctx, at, path, vfs.OpenHow{Flags: linux.O_RDONLY})
		if errno != 0 {
			return errno.Error()
		}
		defer f.Put()
		b := make([]byte, 64)
		buf := usermem.Bytes(b)
		n, errno := f.Read(ctx, &buf)
		if errno != 0 {
			return errno.Error()
		}
		return string(b[:n])
	}
	write := func(path, s string) linux.Errno {
		f, errno := vfs.Open(ctx, at, path, vfs.OpenHow{Flags: linux.O_WRONLY | linux.O_TRUNC})
		if errno != 0 {
			return errno
		}
		defer f.Put()
		buf := usermem.Bytes([]byte(s))
		_, errno = f.Write(ctx, &buf)
		return errno
	}
	want := func(what string, got, want any) {
		t.Helper()
		if got != want {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
	}
	want("plain", read("plain"), "text\n")
	want("link", read("deep/link"), "text\n")
	want("writing plain", write("plain", "x"), linux.EACCES)
	want("writing value", write("value", "second"), linux.Errno(0))
	want("value", read("value"), "second")
	want("mkdir", vfs.Mkdir(ctx, at, "sub", 0o755), linux.Errno(0))
	want("mkdir busy", vfs.Mkdir(ctx, at, "sub/busy", 0o755), linux.Errno(0))
	want("in sub", read("sub/busy/value"), "second")
	want("rmdir busy", vfs.Unlink(ctx, at, "sub/busy", true), linux.EBUSY)
	f, errno := vfs.Open(ctx, at, "sub/value", vfs.OpenHow{Flags: linux.O_RDONLY})
	want("open", errno, linux.Errno(0))
	defer f.Put()
	want("rmdir", vfs.Unlink(ctx, at, "sub", true), linux.Errno(0))
	b := usermem.Bytes(make([]byte, 8))
	_, errno = f.Read(ctx, &b)
	want("read of what is gone", errno, linux.ENODEV)
	want("unlink", vfs.Unlink(ctx, at, "plain", false), linux.EPERM)
}
