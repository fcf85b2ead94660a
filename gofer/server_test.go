package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/gofer/wire"
	"github.com/seed-7423c386/runsc/platform/host"
)

// client is the near end of a server that runs in the test, not isolated.
type client struct {
	testing.TB
	fd   int
	in   *wire.Stream
	tag  uint32
	done chan struct{}
	s    *server
}

// serveDir starts a server for a directory.
func serveDir(t testing.TB, dir string, readonly bool) *client {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(&wire.Config{Conn: pair[1], LogFD: -1, Attach: make([]wire.Attach, 1)})
	s.attaches = []attach{{fd: fd, readonly: readonly, cross: true}}
	c := &client{TB: t, fd: pair[0], done: make(chan struct{}), s: s}
	c.in = wire.NewStream(func(p []byte, fds []int, wait bool) (int, int, linux.Errno) {
		flags := 0
		if !wait {
			flags = unix.MSG_DONTWAIT
		}
		n, nfds, _, errno := host.Recvmsg(pair[0], p, fds, flags)
		return n, nfds, errno
	}, wire.MaxFDs)
	go func() {
		s.serve()
		close(c.done)
	}()
	t.Cleanup(func() {
		unix.Close(pair[0])
		select {
		case <-c.done:
		case <-time.After(10 * time.Second):
			t.Error("the server does not end with the connection")
		}
		unix.Close(pair[1])
		unix.Close(fd)
	})
	return c
}

// send sends a frame as it is.
func (c *client) send(op wire.Op, body []byte) {
	c.tag++
	var e wire.Encoder
	start := e.Begin(op, c.tag)
	e.B = append(e.B, body...)
	e.Finish(start, 0, 0)
	host.Sendmsg(c.fd, e.B, nil, 0)
}

// ask sends a request and waits for its reply. Descriptors that come are closed.
func (c *client) ask(op wire.Op, req, reply wire.Message) linux.Errno {
	c.Helper()
	var e wire.Encoder
	req.Put(&e)
	c.send(op, e.B)
	f, err := c.in.Next()
	if err != nil {
		c.Fatal(err)
	}
	for _, fd := range f.FDs {
		unix.Close(fd)
	}
	if f.Tag != c.tag || f.Op != op {
		c.Fatalf("reply %+v to request %d", f, c.tag)
	}
	if f.Errno == 0 && !wire.Parse(f.Body, reply) {
		c.Fatalf("malformed reply %x to request %d", f.Body, op)
	}
	return f.Errno
}

func (c *client) root() uint64 {
	var n wire.Node
	if errno := c.ask(wire.OpAttach, &wire.AttachReq{Version: wire.Version}, &n); errno != 0 {
		c.Fatal(errno)
	}
	return n.ID
}

func TestWalkMany(t *testing.T) {
	dir := t.TempDir()
	os.MkdirAll(filepath.Join(dir, "a/b"), 0o755)
	os.WriteFile(filepath.Join(dir, "a/b/c"), nil, 0o644)
	os.Symlink("/etc", filepath.Join(dir, "a/l"))
	c := serveDir(t, dir, false)
	root := c.root()
	for _, x := range []struct {
		flags uint32
		names []string
		want  []linux.Errno
	}{
		{wire.OpenRead, []string{"a", "b", "c"}, []linux.Errno{0, 0, 0}},
		{0, []string{"a", "b", "x", "y"}, []linux.Errno{0, 0, linux.ENOENT}},
		{0, []string{"a", "l", "passwd"}, []linux.Errno{0, 0}}, // links are not followed
		{0, []string{"a", "b", "c", "d"}, []linux.Errno{0, 0, 0}},
		{wire.Siblings, []string{"a", "b", "a"}, []linux.Errno{0, linux.ENOENT, 0}},
		{0, nil, nil},
	} {
		var r wire.WalkReply
		if errno := c.ask(wire.OpWalk, &wire.WalkReq{Dir: root, Flags: x.flags, Names: x.names}, &r); errno != 0 {
			t.Errorf("%v: %v", x.names, errno)
			continue
		}
		ok := len(r.Steps) == len(x.want)
		for i := range r.Steps {
			ok = ok && r.Steps[i].Errno == x.want[i]
		}
		if !ok {
			t.Errorf("%v: %+v", x.names, r.Steps)
		}
	}
}

func TestStale(t *testing.T) {
	c := serveDir(t, t.TempDir(), false)
	root := c.root()
	var a wire.Attr
	if errno := c.ask(wire.OpGetattr, &wire.IDReq{ID: 77}, &a); errno != linux.ESTALE {
		t.Error(errno)
	}
	var e wire.Encoder
	(&wire.ForgetReq{IDs: []uint64{root, root, 99}}).Put(&e)
	c.send(wire.OpForget, e.B)
	if errno := c.ask(wire.OpGetattr, &wire.IDReq{ID: root}, &a); errno != linux.ESTALE {
		t.Error(errno)
	}
}

// TestMalformed: the connection ends.
func TestMalformed(t *testing.T) {
	long := wire.WalkReq{Dir: 1, Names: []string{".."}}
	var e wire.Encoder
	long.Put(&e)
	for what, send := range map[string]func(c *client){
		"operation":  func(c *client) { c.send(99, nil) },
		"short body": func(c *client) { c.send(wire.OpWalk, []byte{1}) },
		"dotdot":     func(c *client) { c.send(wire.OpWalk, e.B) },
		"size":       func(c *client) { host.Sendmsg(c.fd, make([]byte, 16), nil, 0) },
		"errno": func(c *client) {
			var e wire.Encoder
			e.Finish(e.Begin(wire.OpStatfs, 1), 5, 0)
			host.Sendmsg(c.fd, e.B, nil, 0)
		},
		"descriptor": func(c *client) {
			var e wire.Encoder
			e.Finish(e.Begin(wire.OpStatfs, 1), 0, 1)
			host.Sendmsg(c.fd, e.B, []int{0}, 0)
		},
	} {
		c := serveDir(t, t.TempDir(), false)
		send(c)
		select {
		case <-c.done:
		case <-time.After(10 * time.Second):
			t.Errorf("%s: the connection goes on", what)
		}
	}
}

// TestNoEscape: what lies behind a link or a special file is not opened.
func TestNoEscape(t *testing.T) {
	dir := t.TempDir()
	os.Symlink("/etc/passwd", filepath.Join(dir, "l"))
	unix.Mkfifo(filepath.Join(dir, "p"), 0o666)
	unix.Mknod(filepath.Join(dir, "null"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3)))
	c := serveDir(t, dir, false)
	root := c.root()
	for _, name := range []string{"l", "p", "null"} {
		var r wire.WalkReply
		if errno := c.ask(wire.OpWalk, &wire.WalkReq{Dir: root, Flags: wire.OpenRead, Names: []string{name}}, &r); errno != 0 || len(r.Steps) != 1 || r.Steps[0].Errno != 0 {
			t.Fatal(name, errno, r)
		}
		id := r.Steps[0].Node.ID
		for _, flags := range []uint32{wire.OpenRead, wire.OpenWrite} {
			if errno := c.ask(wire.OpOpen, &wire.OpenReq{ID: id, Flags: flags}, new(wire.Empty)); errno != linux.EINVAL {
				t.Errorf("open of %s: %v", name, errno)
			}
		}
		if errno := c.ask(wire.OpReaddir, &wire.ReaddirReq{ID: id}, new(wire.ReaddirReply)); errno != linux.ENOTDIR {
			t.Errorf("list of %s: %v", name, errno)
		}
	}
	for typ, want := range map[uint32]linux.Errno{linux.S_IFCHR: 0, linux.S_IFBLK: linux.EPERM} { // 0/0, a whiteout
		req := &wire.CreateReq{Dir: root, Name: "dev", Mode: typ | 0o666}
		if errno := c.ask(wire.OpCreate, req, new(wire.CreateReply)); errno != want {
			t.Error(errno)
		}
	}
}

// TestFloods: many requests at once, of which one forgets what others use.
func TestFloods(t *testing.T) {
	dir := t.TempDir()
	os.WriteFile(filepath.Join(dir, "f"), []byte("x"), 0o644)
	c := serveDir(t, dir, false)
	root := c.root()
	const n = 2000
	go func() {
		for i := range n {
			var e wire.Encoder
			switch i % 4 {
			case 0:
				(&wire.WalkReq{Dir: root, Flags: wire.OpenRead, Names: []string{"f"}}).Put(&e)
				c.send(wire.OpWalk, e.B)
			case 1:
				(&wire.IDReq{ID: uint64(i)}).Put(&e)
				c.send(wire.OpGetattr, e.B)
			case 2:
				(&wire.FsyncReq{ID: uint64(i - 1), DataOnly: true}).Put(&e)
				c.send(wire.OpFsync, e.B)
			case 3:
				(&wire.ForgetReq{IDs: []uint64{uint64(i/4 + 1)}}).Put(&e)
				c.send(wire.OpForget, e.B)
			}
		}
	}()
	for range n * 3 / 4 {
		f, err := c.in.Next()
		if err != nil {
			t.Fatal(err)
		}
		for _, fd := range f.FDs {
			unix.Close(fd)
		}
	}
}

// FuzzServer: no request makes the server panic, and all are answered or end the connection.
func FuzzServer(f *testing.F) {
	for op := range wire.Op(20) {
		f.Add(uint8(op), []byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	}
	f.Fuzz(func(t *testing.T, op uint8, body []byte) {
		h, ok := handlers[wire.Op(op)]
		if !ok {
			return
		}
		dir, err := os.MkdirTemp("/dev/shm", "fuzz-server-") // where syncfs(2) has no disk to wait for
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		os.WriteFile(filepath.Join(dir, "f"), []byte("x"), 0o644)
		os.Mkdir(filepath.Join(dir, "d"), 0o755)
		fd, err := unix.Open(dir, unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		s := newServer(&wire.Config{LogFD: -1})
		s.attaches = []attach{{fd: fd, cross: true}}
		var r reply
		s.attach(&wire.AttachReq{Version: wire.Version}, &r)
		s.walk(&wire.WalkReq{Dir: 1, Flags: wire.Siblings, Names: []string{"f", "d"}}, &r)
		h.do(s, body, &r)
		if len(r.B) > 2*wire.MaxFrame {
			t.Errorf("%d bytes", len(r.B))
		}
		r.drop()
		for _, n := range s.nodes.byID {
			n.put()
		}
	})
}
