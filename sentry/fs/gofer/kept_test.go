package gofer

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/gofer/wire"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// forest makes n directories with two files each, and waits until their times tell of the next change.
func (x *tree) forest(n int) {
	for i := range n {
		os.MkdirAll(x.host(fmt.Sprint("t/", i)), 0o755)
		x.put(fmt.Sprint("t/", i, "/a"), "")
		x.put(fmt.Sprint("t/", i, "/b"), "")
	}
	time.Sleep(time.Duration(settleTime) + 50*time.Millisecond)
}

// later lets time pass for what the client has read.
func (x *tree) later() {
	c := baseOf(x.sb.Root().Inode()).fs.c
	c.start = c.start.Add(-time.Minute)
}

// TestKeptLists: a tree that is read again is asked about, not read.
func TestKeptLists(t *testing.T) {
	defer func(was int64) { checkTime = was }(checkTime)
	checkTime = int64(30 * time.Second)
	x := exclusive(t)
	x.forest(200)
	x.walkTree("t")
	x.later()
	before := x.requests()
	if n := x.walkTree("t"); n != 201 {
		t.Errorf("%d directories", n)
	}
	if n := x.requests() - before; n > 10 {
		t.Errorf("%d requests to read 201 directories again", n)
	}
}

// TestKeptMany: the longer a tree is read again in the same order, the more directories are asked about at a time.
func TestKeptMany(t *testing.T) {
	defer func(was int64) { checkTime = was }(checkTime)
	checkTime = int64(30 * time.Second)
	x := exclusive(t)
	x.forest(1500)
	x.walkTree("t")
	x.later()
	before := x.requests()
	if n := x.walkTree("t"); n != 1501 {
		t.Errorf("%d directories", n)
	}
	if n := x.requests() - before; n > 8 {
		t.Errorf("%d requests to read 1501 directories again", n)
	}
	x.later()
	x.walkTree("t/7")
	if n := x.sb.Root().Inode().Ops.(*dir).fs.lists.batch; n > firstChecked {
		t.Errorf("%d directories are asked about for one", n)
	}
}

// TestKeptChanges: changes of the host's and of ours show in a directory that is read again.
func TestKeptChanges(t *testing.T) {
	x := exclusive(t)
	x.forest(20)
	x.walkTree("t")
	x.later()
	want := func(dir string, names ...string) {
		t.Helper()
		got := x.ordered(dir)
		slices.Sort(got)
		if !slices.Equal(got, names) {
			t.Errorf("%s: %v, not %v", dir, got, names)
		}
		for _, n := range names {
			x.want(n, x.openErr(dir+"/"+n, 0), 0)
		}
	}
	x.put("t/3/theirs", "")
	os.Remove(x.host("t/4/a"))
	want("t/2", "a", "b")
	want("t/3", "a", "b", "theirs")
	want("t/4", "b")
	x.open("t/5/ours", linux.O_CREAT|linux.O_RDWR, 0o644).Put()
	x.want("unlink", vfs.Unlink(x.ctx, x.at, "t/6/a", false), 0)
	x.want("rename", vfs.Rename(x.ctx, x.at, "t/7/a", x.at, "t/8/c", 0), 0)
	want("t/5", "a", "b", "ours")
	want("t/6", "b")
	want("t/7", "b")
	want("t/8", "a", "b", "c")
	x.later()
	want("t/8", "a", "b", "c")
	x.put("t/8/theirs", "")
	x.later()
	want("t/8", "a", "b", "c", "theirs")
}

// TestKeptUnsettled: times of a directory that has just changed do not tell of the next change.
func TestKeptUnsettled(t *testing.T) {
	x := exclusive(t)
	for i := range 50 {
		x.put("f", "")
		x.ordered("/")
		name := fmt.Sprint("n", i)
		x.put(name, "")
		x.later()
		if !slices.Contains(x.ordered("/"), name) {
			t.Fatalf("%s is not there", name)
		}
	}
}

// TestKeptRoom: there is a bound to the lists that are kept.
func TestKeptRoom(t *testing.T) {
	s := new(lists)
	var all []*kept
	names := make([]wire.Entry, 1000)
	for i := range names {
		names[i].Name = fmt.Sprintf("%0100d", i)
	}
	for range 400 {
		e := wire.MakeEntries(names...)
		l := newKept(&e, &wire.Attr{}, 0, 0)
		all = append(all, l)
		s.use(l)
		s.use(all[0])
	}
	held := 0
	for _, l := range all {
		if e := l.entries.Load(); e != nil {
			held += e.Size()
		}
	}
	if held > mostKept || held < mostKept/2 || s.size > mostKept {
		t.Errorf("%d bytes are held, %d counted", held, s.size)
	}
	if all[0].entries.Load() == nil || all[1].entries.Load() != nil {
		t.Error("not the one read longest ago goes first")
	}
	for _, l := range all {
		s.drop(l)
		s.drop(l)
	}
	if s.size != 0 || s.order.Len() != 0 {
		t.Errorf("%d bytes, %d lists left", s.size, s.order.Len())
	}
}

// TestKeptLarge: a directory that takes many requests to read is known as a whole, too.
func TestKeptLarge(t *testing.T) {
	x := exclusive(t)
	const n = 5000
	os.Mkdir(x.host("d"), 0o755)
	for i := range n {
		x.put(fmt.Sprintf("d/a rather long name of a file %d", i), "")
	}
	time.Sleep(time.Duration(settleTime) + 50*time.Millisecond)
	before := x.requests()
	names := x.ordered("d")
	if parts := x.requests() - before; len(names) != n || parts < 3 {
		t.Fatalf("%d names in %d requests", len(names), parts)
	}
	sorted := slices.Sorted(slices.Values(names))
	before = x.requests()
	if i := slices.Index(names, sorted[0]); i < 0 || x.openErr("d/none", 0) != linux.ENOENT {
		t.Error("it has other names")
	}
	for _, name := range names[:1000] {
		x.stat("d/" + name)
	}
	if r := x.requests() - before; r > 60 {
		t.Errorf("%d requests for 1000 names", r)
	}
	x.later()
	before = x.requests()
	if again := x.ordered("d"); !slices.Equal(again, names) {
		t.Errorf("%d names when read again", len(again))
	}
	if r := x.requests() - before; r != 1 {
		t.Errorf("%d requests to read it again", r)
	}
	x.put("d/theirs", "")
	x.later()
	if again := x.ordered("d"); len(again) != n+1 {
		t.Errorf("%d names after a change", len(again))
	}
}
