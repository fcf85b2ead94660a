package gofer

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// ordered lists a directory in order, without the dots.
func (x *tree) ordered(name string) (all []string) {
	x.Helper()
	f := x.open(name, 0, 0)
	defer f.Put()
	if errno := f.Readdir(x.ctx, func(d vfs.Dirent) bool {
		if d.Name != "." && d.Name != ".." {
			all = append(all, d.Name)
		}
		return true
	}); errno != 0 {
		x.Fatal(errno)
	}
	return all
}

func (x *tree) requests() uint32 {
	c := &baseOf(x.sb.Root().Inode()).fs.c.conn.calls
	c.Lock()
	defer c.Unlock()
	return c.last
}

func TestAhead(t *testing.T) {
	x := exclusive(t)
	for i := range 300 {
		x.put(fmt.Sprint("f", i), fmt.Sprint(i))
		if i%3 == 0 {
			os.Mkdir(x.host(fmt.Sprint("d", i)), 0o755)
		}
	}
	before := x.requests()
	names := x.ordered("/")
	for _, name := range names {
		if a := x.stat(name); (a.Mode&linux.S_IFMT == linux.S_IFDIR) != (name[0] == 'd') {
			t.Errorf("%s: %+v", name, a)
		}
	}
	if n := x.requests() - before; len(names) != 400 || n > 60 {
		t.Errorf("%d requests for %d names", n, len(names))
	}
	for _, name := range names {
		if name[0] == 'f' && x.content(name) != name[1:] {
			t.Errorf("%s: %q", name, x.content(name))
		}
	}
}

func TestAheadDirectories(t *testing.T) {
	x := exclusive(t)
	for i := range 300 {
		x.put(fmt.Sprint("f", i), "")
		os.Mkdir(x.host(fmt.Sprint("d", i)), 0o755)
	}
	before := x.requests()
	for _, name := range x.ordered("/") {
		if name[0] == 'd' {
			x.stat(name)
		}
	}
	if n := x.requests() - before; n > 30 {
		t.Errorf("%d requests", n)
	}
	d := x.sb.Root().Inode().Ops.(*dir)
	for name := range d.ahead.early {
		if name[0] == 'f' {
			t.Errorf("%s was asked for", name)
		}
	}
}

// TestAheadChanges: what came early does not outlive a change.
func TestAheadChanges(t *testing.T) {
	x := exclusive(t)
	for i := range 100 {
		x.put(fmt.Sprint("f", i), "old")
	}
	x.put("other", "other")
	names := x.ordered("/")
	for _, n := range names[:6] {
		x.stat(n)
	}
	d := x.sb.Root().Inode().Ops.(*dir)
	if len(d.ahead.early) < 3 {
		t.Fatalf("%d names came early", len(d.ahead.early))
	}
	for _, n := range names[6:9] {
		x.want("unlink", vfs.Unlink(x.ctx, x.at, n, false), 0)
		x.want("gone", x.openErr(n, 0), linux.ENOENT)
		f := x.open(n, linux.O_CREAT|linux.O_EXCL|linux.O_RDWR, 0o644)
		x.write(f, "new")
		f.Put()
		if s := x.content(n); s != "new" {
			t.Errorf("%s: %q", n, s)
		}
	}
	x.want("rename", vfs.Rename(x.ctx, x.at, "other", x.at, names[9], 0), 0)
	if s := x.content(names[9]); s != "other" {
		t.Errorf("%s: %q", names[9], s)
	}
	for _, n := range names[10:] {
		if n != "other" && x.content(n) != "old" {
			t.Errorf("%s: %q", n, x.content(n))
		}
	}
}

// TestKnown: a directory made here, or read as a whole, knows its names.
func TestKnown(t *testing.T) {
	x := exclusive(t)
	x.put("a", "")
	x.ordered("/")
	x.want("mkdir", vfs.Mkdir(x.ctx, x.at, "d", 0o755), 0)
	x.open("d/f", linux.O_CREAT|linux.O_RDWR, 0o644).Put()
	x.open("d/g", linux.O_CREAT|linux.O_RDWR, 0o644).Put()
	p := x.walk("d/f")
	x.want("link", vfs.Link(x.ctx, p, x.at, "d/h"), 0)
	p.Put()
	x.want("unlink", vfs.Unlink(x.ctx, x.at, "d/g", false), 0)
	x.want("rename", vfs.Rename(x.ctx, x.at, "d/h", x.at, "h", 0), 0)
	before := x.requests()
	for _, n := range []string{"b", "d/a", "d/g", "d/h", "d/x"} {
		x.want(n, x.openErr(n, 0), linux.ENOENT)
	}
	if n := x.requests() - before; n != 0 {
		t.Errorf("%d requests for names that are not there", n)
	}
	root := x.sb.Root().Inode().Ops.(*dir)
	d := x.inode("d").Ops.(*dir)
	for _, c := range []struct {
		in   *dir
		name string
		want linux.Errno
	}{
		{root, "a", 0}, {root, "h", 0}, {root, "d", 0}, {root, "b", linux.ENOENT},
		{d, "f", 0}, {d, "g", linux.ENOENT}, {d, "h", linux.ENOENT},
	} {
		i, errno := c.in.Lookup(x.ctx, c.name)
		x.want(c.name, errno, c.want)
		if errno == 0 {
			i.Put()
		}
	}
	// A failed change of unknown extent is asked about.
	os.WriteFile(x.host("d/new"), nil, 0o644)
	if _, errno := d.Create(x.ctx, "new", vfs.CreateArgs{Mode: linux.S_IFREG | 0o644}); errno != linux.EEXIST {
		t.Error(errno)
	}
	x.want("appeared", x.openErr("d/new", 0), 0)
}

// walkTree goes through a tree as find(1) does and returns how many directories there are.
func (x *tree) walkTree(name string) (n int) {
	f := x.open(name, 0, 0)
	defer f.Put()
	var dirs []string
	if errno := f.Readdir(x.ctx, func(d vfs.Dirent) bool {
		if d.Type == linux.DT_DIR && d.Name != "." && d.Name != ".." {
			dirs = append(dirs, d.Name)
		}
		return true
	}); errno != 0 {
		x.Fatal(name, errno)
	}
	for _, d := range dirs {
		n += x.walkTree(name + "/" + d)
	}
	return n + 1
}

func TestAheadTree(t *testing.T) {
	x := exclusive(t)
	for i := range 20 {
		for k := range 10 {
			os.MkdirAll(x.host(fmt.Sprint("t/", i, "/", k)), 0o755)
			x.put(fmt.Sprint("t/", i, "/", k, "/f"), "")
		}
	}
	before := x.requests()
	if n := x.walkTree("t"); n != 221 {
		t.Errorf("%d directories", n)
	}
	if n := x.requests() - before; n > 30 {
		t.Errorf("%d requests for 221 directories", n)
	}
}

// TestAheadLists: a list that came early is none the less right after changes.
func TestAheadLists(t *testing.T) {
	x := exclusive(t)
	for _, d := range []string{"a", "b", "c", "d", "e"} {
		os.MkdirAll(x.host("t/"+d+"/in"), 0o755)
	}
	names := x.ordered("t")
	for _, d := range names[:2] {
		x.stat("t/" + d) // the others' lists are here now
	}
	late := names[3]
	x.want("mkdir", vfs.Mkdir(x.ctx, x.at, "t/"+late+"/made", 0o755), 0)
	if l := x.ordered("t/" + late); len(l) != 2 {
		t.Errorf("after a change here: %v", l)
	}
	late = names[4]
	os.Mkdir(x.host("t/"+late+"/theirs"), 0o755)
	d := x.sb.Root().Inode().Ops.(*dir)
	d.fs.c.start = d.fs.c.start.Add(-2 * time.Second)
	if l := x.ordered("t/" + late); len(l) != 2 {
		t.Errorf("long after a change of the host: %v", l)
	}
}

// TestMissing: a name that is not there is asked for once, as often as it is looked up, until it is made here.
func TestMissing(t *testing.T) {
	x := exclusive(t)
	root := x.sb.Root().Inode()
	lookup := func(name string, want linux.Errno) {
		t.Helper()
		i, errno := vfs.LookupIn(x.ctx, root, name)
		if errno == 0 {
			i.Put()
		}
		x.want("look up "+name, errno, want)
	}
	before := x.requests()
	for range 10 {
		lookup("gone", linux.ENOENT)
	}
	if n := x.requests() - before; n != 1 {
		t.Errorf("%d requests", n)
	}
	x.open("gone", linux.O_CREAT|linux.O_RDWR, 0o644).Put()
	lookup("gone", 0)
	x.want("unlink", vfs.Unlink(x.ctx, x.at, "gone", false), 0)
	lookup("gone", linux.ENOENT)
	x.put("other", "")
	x.want("rename", vfs.Rename(x.ctx, x.at, "other", x.at, "gone", 0), 0)
	lookup("gone", 0)
	for i := range 3 * mostMissed {
		lookup(fmt.Sprint("no", i), linux.ENOENT)
	}
	d := root.Ops.(*dir)
	if n := len(d.ahead.missing); n == 0 || n > mostMissed || d.fs.missing.Load() != int64(n) {
		t.Errorf("%d names are kept, %d counted", n, d.fs.missing.Load())
	}
	shared := fresh(t, Options{})
	shared.want("not there", shared.openErr("late", 0), linux.ENOENT)
	shared.put("late", "")
	shared.stat("late")
}
