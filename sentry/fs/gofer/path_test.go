package gofer

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/gofer/wire"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// TestPath: one request looks up a path that was never seen, opens the file, and says where a link leads.
func TestPath(t *testing.T) {
	x := exclusive(t)
	os.MkdirAll(x.host("a/b/c/d"), 0o755)
	x.put("a/b/c/d/lib.so.1.2", "content")
	os.Symlink("lib.so.1.2", x.host("a/b/c/d/lib.so.1"))
	os.Symlink("c/d/lib.so.1", x.host("a/b/far"))
	for _, c := range []struct {
		name  string
		want  linux.Errno
		costs uint32
	}{
		{"a/b/c/d/lib.so.1", 0, 1}, {"a/b/c/d/lib.so.1.2", 0, 0}, {"a/b/far", 0, 1},
		{"a/b/no/thing", linux.ENOENT, 1}, {"a/b/no", linux.ENOENT, 0}, {"a/b/c/d/lib.so.1/x", linux.ENOTDIR, 0},
	} {
		before := x.requests()
		if c.want == 0 {
			if s := x.content(c.name); s != "content" {
				t.Errorf("%s: %q", c.name, s)
			}
		} else {
			x.want(c.name, x.openErr(c.name, 0), c.want)
		}
		if n := x.requests() - before; n != c.costs {
			t.Errorf("%s: %d requests, not %d", c.name, n, c.costs)
		}
	}
}

// TestPathCreate: that the last name is missing is known from the request that looked up the others.
func TestPathCreate(t *testing.T) {
	x := exclusive(t)
	os.MkdirAll(x.host("a/b/c"), 0o755)
	before := x.requests()
	f := x.open("a/b/c/new", linux.O_CREAT|linux.O_EXCL|linux.O_RDWR, 0o644)
	x.write(f, "mine")
	f.Put()
	if n := x.requests() - before; n != 2 {
		t.Errorf("%d requests", n)
	}
	x.want("mkdir", vfs.Mkdir(x.ctx, x.at, "a/b/d", 0o755), 0)
	if s := x.content("a/b/c/new"); s != "mine" {
		t.Errorf("%q", s)
	}
}

// TestPathChanges: what came along with a path does not outlive a change.
func TestPathChanges(t *testing.T) {
	x := exclusive(t)
	os.MkdirAll(x.host("a/b"), 0o755)
	x.put("a/b/old", "old")
	os.Symlink("old", x.host("a/b/link"))
	root := x.sb.Root().Inode()
	vfs.LookAheadIn(x.ctx, root, "a", "b/link") // is not asked for yet
	os.Remove(x.host("a/b/old"))
	a := x.inode("a").Ops.(*dir)
	b := x.inode("a/b").Ops.(*dir)
	if !b.ahead.here("link") || a.ahead.here("b") {
		t.Fatal("it is not where it should be")
	}
	f := x.open("a/b/old", linux.O_CREAT|linux.O_EXCL|linux.O_RDWR, 0o644)
	x.write(f, "new")
	f.Put()
	if s := x.content("a/b/link"); s != "new" {
		t.Errorf("%q", s)
	}
	vfs.LookAheadIn(x.ctx, root, "none", "at/all")
	x.want("mkdir", vfs.Mkdir(x.ctx, x.at, "none", 0o755), 0)
	x.want("there", x.openErr("none", 0), 0)
}

// TestAheadLinks: what came early of a file with several names does not outlive a change by another of them.
func TestAheadLinks(t *testing.T) {
	for _, forget := range []bool{false, true} {
		x := exclusive(t)
		os.Mkdir(x.host("other"), 0o755)
		os.Mkdir(x.host("d"), 0o755)
		for i := range 20 {
			x.put(fmt.Sprint("d/f", i), "")
			os.Link(x.host(fmt.Sprint("d/f", i)), x.host(fmt.Sprint("other/f", i)))
		}
		names := x.ordered("d")
		before := x.requests()
		for _, n := range names[:6] {
			x.stat("d/" + n)
		}
		if n := x.requests() - before; n > 4 {
			t.Errorf("%d requests for six names", n)
		}
		p := x.walk("other/" + names[6])
		x.want("chmod", vfs.Chmod(x.ctx, p, 0o600), 0)
		p.Put()
		if forget {
			vfs.Shrink(1<<20, func() bool { return false })
		}
		if a := x.stat("d/" + names[6]); a.Mode&0o777 != 0o600 {
			t.Errorf("forgotten %v: mode %o", forget, a.Mode)
		}
	}
}

// TestEarlyDescriptors: there is a bound to the descriptors of files that nobody has asked for.
func TestEarlyDescriptors(t *testing.T) {
	x := exclusive(t)
	const dirs, links = 60, 20
	for i := range dirs {
		os.Mkdir(x.host(fmt.Sprint("d", i)), 0o755)
		for k := range links {
			x.put(fmt.Sprintf("d%d/f%d", i, k), "")
			os.Symlink(fmt.Sprint("f", k), x.host(fmt.Sprintf("d%d/l%d", i, k)))
		}
	}
	early := &baseOf(x.sb.Root().Inode()).fs.c.conn.early
	for i := range dirs {
		for k := range links {
			p, errno := vfs.Walk(x.ctx, x.at, fmt.Sprintf("d%d/l%d", i, k), 0)
			x.want("lstat", errno, 0)
			p.Put()
		}
	}
	if n := early.Load(); n < mostOpen/2 || n > mostOpen+wire.MaxFDs {
		t.Errorf("%d descriptors came early", n)
	}
	for i := range dirs {
		for k := range links {
			x.open(fmt.Sprintf("d%d/f%d", i, k), 0, 0).Put()
		}
		x.ordered(fmt.Sprint("d", i))
	}
	if n := early.Load(); n != 0 {
		t.Errorf("%d are left", n)
	}
}

// TestAheadXattrs: programs that ask for the extended attributes of every file need not for those that have none.
func TestAheadXattrs(t *testing.T) {
	x := exclusive(t)
	const n = 200
	for i := range n {
		x.put(fmt.Sprint("f", i), "")
	}
	if err := unix.Setxattr(x.host("f7"), "user.seven", []byte("7"), 0); err != nil {
		t.Fatal(err)
	}
	before := x.requests()
	for _, name := range x.ordered("/") {
		p := x.walk(name)
		got, errno := p.Inode().Ops.(vfs.Xattrs).Listxattr(x.ctx)
		p.Put()
		if want := name == "f7"; errno != 0 || want != (len(got) == 1) {
			t.Errorf("%s: %v %v", name, got, errno)
		}
	}
	if r := x.requests() - before; r > n/4 {
		t.Errorf("%d requests for %d files", r, n)
	}
}
