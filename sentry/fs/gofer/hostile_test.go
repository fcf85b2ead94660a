package gofer

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/gofer/wire"
	"github.com/seed-7423c386/runsc/platform/host"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// fake is a gofer that answers the first request well, and later ones as it is told.
func fake(t testing.TB, answer func(f wire.Frame, e *wire.Encoder) (fds []int)) *Client {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer unix.Close(pair[1])
		in := wire.NewStream(func(p []byte, fds []int, wait bool) (int, int, linux.Errno) {
			flags := 0
			if !wait {
				flags = unix.MSG_DONTWAIT
			}
			n, nfds, _, errno := host.Recvmsg(pair[1], p, fds, flags)
			return n, nfds, errno
		}, 0)
		for {
			f, err := in.Next()
			if err != nil {
				return
			}
			var e wire.Encoder
			var fds []int
			if f.Op == wire.OpAttach {
				start := e.Begin(f.Op, f.Tag)
				n := wire.Node{ID: 1, Attr: wire.Attr{Dev: 1, Ino: 1, Mode: linux.S_IFDIR | 0o755, Nlink: 2}}
				n.Put(&e)
				e.Finish(start, 0, 0)
			} else {
				fds = answer(f, &e)
			}
			if _, errno := host.Sendmsg(pair[1], e.B, fds, 0); errno != 0 {
				return
			}
		}
	}()
	t.Cleanup(func() { unix.Close(pair[0]) })
	return New(pair[0])
}

// poke does a bit of everything with the root of a mount.
func poke(t testing.TB, c *Client, exclusive bool) {
	sb, errno := c.Mount(0, Options{Exclusive: exclusive})
	if errno != 0 {
		return
	}
	p := vfs.Path{Mount: vfs.NewMount(sb, 0), Dentry: sb.Root()}
	p.Get()
	x := &tree{t, vfs.KernelCtx{}, vfs.At{Root: p, Start: p}, sb, ""}
	x.openErr("f", linux.O_RDWR)
	x.openErr("g", linux.O_RDWR|linux.O_CREAT)
	if f, errno := vfs.Open(x.ctx, x.at, "/", vfs.OpenHow{}); errno == 0 {
		f.Readdir(x.ctx, func(d vfs.Dirent) bool { return true })
		f.Put()
	}
	if f, errno := vfs.Open(x.ctx, x.at, "f", vfs.OpenHow{}); errno == 0 {
		f.Inode.Stat(x.ctx)
		f.Inode.Listxattr(x.ctx)
		f.Inode.Getxattr(x.ctx, "user.a")
		vfs.Chmod(x.ctx, f.Path, 0o600)
		f.Put()
	}
	vfs.Rename(x.ctx, x.at, "f", x.at, "g", 0)
	vfs.Unlink(x.ctx, x.at, "g", false)
	sb.Statfs(x.ctx)
}

// FuzzClient: no reply makes the client panic or wait for ever.
func FuzzClient(f *testing.F) {
	node := wire.Node{ID: 9, Attr: wire.Attr{Dev: 1, Ino: 5, Mode: linux.S_IFREG | 0o644, Nlink: 1, Size: 7}}
	for _, m := range []wire.Message{
		&wire.WalkReply{Steps: []wire.Step{{File: wire.File{Node: node}}}}, &node.Attr, &wire.CreateReply{Node: node, Dir: node.Attr},
		&wire.Attrs{List: []wire.Attr{node.Attr}}, &wire.ReaddirReply{Entries: wire.MakeEntries(wire.Entry{Name: "f"}), Dir: node.Attr}, &wire.Blob{Data: []byte("user.a\x00")},
	} {
		var e wire.Encoder
		m.Put(&e)
		f.Add(e.B, e.B, uint16(0), uint8(0))
		f.Add(e.B, []byte{}, uint16(0), uint8(1))
		f.Add(e.B, e.B, uint16(512), uint8(2))
	}
	null, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, one, two []byte, errno uint16, fds uint8) {
		n := 0
		c := fake(t, func(f wire.Frame, e *wire.Encoder) (send []int) {
			body := one
			if n++; n%2 == 0 {
				body = two
			}
			start := e.Begin(f.Op, f.Tag)
			e.B = append(e.B, body...)
			e.Finish(start, linux.Errno(errno), int(fds%4))
			for range fds % 4 {
				send = append(send, null)
			}
			return send
		})
		done := make(chan struct{})
		go func() {
			poke(t, c, errno%2 == 0)
			close(done)
		}()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			t.Error("still waiting")
		}
	})
}

// TestWrongReplies: replies to other requests than were made end the connection.
func TestWrongReplies(t *testing.T) {
	for what, answer := range map[string]func(f wire.Frame, e *wire.Encoder) []int{
		"tag":       func(f wire.Frame, e *wire.Encoder) []int { e.Finish(e.Begin(f.Op, f.Tag+1), 0, 0); return nil },
		"operation": func(f wire.Frame, e *wire.Encoder) []int { e.Finish(e.Begin(f.Op+1, f.Tag), 0, 0); return nil },
		"restart":   func(f wire.Frame, e *wire.Encoder) []int { e.Finish(e.Begin(f.Op, f.Tag), 512, 0); return nil },
		"size":      func(f wire.Frame, e *wire.Encoder) []int { e.B = make([]byte, 16); return nil },
		"fds":       func(f wire.Frame, e *wire.Encoder) []int { e.Finish(e.Begin(f.Op, f.Tag), 2, 1); return []int{0} },
	} {
		c := fake(t, answer)
		sb, errno := c.Mount(0, Options{})
		if errno != 0 {
			t.Fatal(errno)
		}
		for range 2 {
			if _, errno := sb.Statfs(vfs.KernelCtx{}); errno != linux.EIO {
				t.Errorf("%s: %v", what, errno)
			}
		}
	}
}
