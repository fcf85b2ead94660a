package gofer

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// early counts the names that came early to the directories that are known.
func (m *mount) early() (names int) {
	m.inodes.Lock()
	defer m.inodes.Unlock()
	for _, i := range m.inodes.byKey {
		if d, ok := i.Ops.(*dir); ok {
			names += len(d.ahead.early)
		}
	}
	return names
}

// grow makes a tree of directories, each with a file and three directories, and returns how many there are.
func (x *tree) grow(name string, depth int) (dirs int) { return x.growFile(name, depth, false) }

// growFile is grow; late files are made after the directories beside them.
func (x *tree) growFile(name string, depth int, late bool) (dirs int) {
	x.Helper()
	if err := os.Mkdir(x.host(name), 0o755); err != nil {
		x.Fatal(err)
	}
	if !late {
		x.put(name+"/f", name)
	}
	for i := range 3 {
		if depth > 0 {
			dirs += x.growFile(fmt.Sprint(name, "/", i), depth-1, late)
		}
	}
	if late {
		x.put(name+"/f", name)
	}
	return dirs + 1
}

// copyTree goes through a tree as cp(1) does and returns how many directories there are: what a directory has
// is looked up in the order of inode numbers, and files are read.
func (x *tree) copyTree(name string) (dirs int) {
	x.Helper()
	f := x.open(name, 0, 0)
	var all []vfs.Dirent
	errno := f.Readdir(x.ctx, func(d vfs.Dirent) bool {
		if !strings.HasPrefix(d.Name, ".") {
			d.Name = strings.Clone(d.Name)
			all = append(all, d)
		}
		return true
	})
	f.Put()
	x.want(name, errno, 0)
	slices.SortFunc(all, func(a, b vfs.Dirent) int { return int(a.Ino) - int(b.Ino) })
	for _, d := range all {
		path := name + "/" + d.Name
		switch x.stat(path).Mode & linux.S_IFMT {
		case linux.S_IFDIR:
			dirs += x.copyTree(path)
		default:
			if s := x.content(path); s != name {
				x.Errorf("%s: %q", path, s)
			}
		}
	}
	return dirs + 1
}

// TestUnder: a program that goes through a tree of small directories makes few requests, and nothing is looked
// up that it does not ask for.
func TestUnder(t *testing.T) {
	defer func(was int64) { listTime = was }(listTime)
	listTime = int64(time.Hour)
	for _, c := range []struct {
		name     string
		walk     func(*tree, string) int
		late     bool
		requests uint32
	}{
		{"find", (*tree).walkTree, false, 30}, {"cp", (*tree).copyTree, false, 60},
		{"find late files", (*tree).walkTree, true, 30}, {"cp late files", (*tree).copyTree, true, 60},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := exclusive(t)
			want := x.growFile("t", 5, c.late)
			before := x.requests()
			if n := c.walk(x, "t"); n != want {
				t.Errorf("%d directories of %d", n, want)
			}
			if n := x.requests() - before; n > c.requests {
				t.Errorf("%d requests for %d directories", n, want)
			}
			if n := x.sb.Root().Inode().Ops.(*dir).fs.early(); n != 0 {
				t.Errorf("%d names were looked up for nothing", n)
			}
		})
	}
}

// TestUnderWide: what is below a name comes with it, before the next name, so that a tree that does not fit in one reply
// takes few.
func TestUnderWide(t *testing.T) {
	defer func(was int64) { listTime = was }(listTime)
	listTime = int64(time.Hour)
	for name, c := range map[string]struct {
		walk     func(*tree, string) int
		requests uint32
	}{"find": {(*tree).walkTree, 20}, "cp": {(*tree).copyTree, 75}} {
		t.Run(name, func(t *testing.T) {
			x := exclusive(t)
			const wide = 1 + 40 + 40*20
			for i := range wide {
				name := "t"
				for n := i; n > 0; n = (n - 1) / 40 {
					name += fmt.Sprint("/", (n-1)%40)
				}
				os.MkdirAll(x.host(name), 0o755)
				x.put(name+"/f", name)
			}
			before := x.requests()
			if n := c.walk(x, "t"); n != wide {
				t.Errorf("%d directories of %d", n, wide)
			}
			if n := x.requests() - before; n > c.requests {
				t.Errorf("%d requests for %d directories", n, wide)
			}
			if n := x.sb.Root().Inode().Ops.(*dir).fs.early(); n != 0 {
				t.Errorf("%d names were looked up for nothing", n)
			}
		})
	}
}

// TestUnderChanges: what came from below is right after changes there.
func TestUnderChanges(t *testing.T) {
	x := exclusive(t)
	x.grow("t", 3)
	x.ordered("t")
	for _, d := range []string{"t/0", "t/0/0"} {
		x.ordered(d)
		x.stat(d + "/f")
	}
	x.ordered("t/1")
	x.stat("t/1/f") // what is below is here
	if n := x.sb.Root().Inode().Ops.(*dir).fs.early(); n == 0 {
		t.Fatal("nothing came early")
	}
	x.want("unlink", vfs.Unlink(x.ctx, x.at, "t/1/0/f", false), 0)
	x.want("gone", x.openErr("t/1/0/f", 0), linux.ENOENT)
	x.want("rename", vfs.Rename(x.ctx, x.at, "t/1/1", x.at, "t/1/0/1/x", 0), 0)
	x.want("moved", x.openErr("t/1/1/f", 0), linux.ENOENT)
	if s := x.content("t/1/0/1/x/0/f"); s != "t/1/1/0" {
		t.Errorf("below what was moved: %q", s)
	}
	f := x.open("t/1/1", linux.O_CREAT|linux.O_EXCL|linux.O_RDWR, 0o644)
	x.write(f, "file")
	f.Put()
	if s := x.content("t/1/1"); s != "file" {
		t.Errorf("in its place: %q", s)
	}
	if l := x.ordered("t/1/0"); slices.Contains(l, "f") || len(l) != 3 {
		t.Errorf("after the changes: %v", l)
	}
}
