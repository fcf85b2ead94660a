package gofer

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/gofer/wire"
)

// Programs that go through a tree (find, cp, grep, git) list a directory and then look up
// its entries in the order of the list: all of them, or directories only. Once two look-ups
// have come in that order, the next ones ask for more names at a time, at last for as many as
// a reply holds, and what comes early is kept until it is asked for. Only in exclusive mounts:
// in others it would be out of date.
//
// There, too, a directory that was made here or was read as a whole knows what names it has,
// and need not ask for others: those that programs are about to make, or look for along a
// search path.

// ahead is what a directory knows of its names.
type ahead struct {
	mu    sync.Mutex          // leaf; the gofer is not asked under it
	known map[string]struct{} // all names; nil: not known
	gen   int                 // counts changes

	list  []wire.Entry
	next  int              // where in list the next look-up is expected
	last  string           // what was looked up last
	byIno bool             // list is in the order of inode numbers, as cp and others look up
	batch int              // how many names to ask for
	dirs  bool             // only directories are looked up
	tree  bool             // by a program that goes through a tree
	early map[string]found // looked up, not asked for yet

	whole  *wholeList // come with the look-up of the directory, if it did
	hint   bool       // the directory was looked up by a program that goes through a tree,
	hinted bool       // in the order of inode numbers
}

// Where directories are looked up in order, their own lists are asked for at the same time: find, cp and
// their like are going to read them. That is given up where programs do not, or too late.
const (
	listTime   = int64(time.Second)
	mostUnread = 64
	mostLists  = wire.MaxNames
	mostKept   = 512 // lists that nobody has read yet, of a mount: some megabytes
)

// wholeList is all entries of a directory.
type wholeList struct {
	entries atomic.Pointer[[]wire.Entry] // nil once it was read, or there were too many lists
	asked   int64                        // when, on the client's clock
	lost    uint64                       // the mount's at that time
}

// keepList makes a list that goes when there are too many younger ones.
func (m *mount) keepList(entries []wire.Entry, asked int64, lost uint64) *wholeList {
	l := &wholeList{asked: asked, lost: lost}
	l.entries.Store(&entries)
	k := &m.kept
	k.Lock()
	defer k.Unlock()
	if old := k.ring[k.next]; old != nil && old.entries.Swap(nil) != nil {
		m.unread.Add(1)
	}
	k.ring[k.next] = l
	k.next = (k.next + 1) % mostKept
	return l
}

// hold keeps the list of the directory that came with its look-up, unless it has been changed here.
func (a *ahead) hold(m *mount, f *found) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.hint, a.hinted = true, f.byIno
	if f.list != nil && a.gen == 0 && m.lost.Load() == f.list.lost {
		a.whole = f.list
	}
}

// held returns that list, once, if it is not old.
func (a *ahead) held(m *mount) (list []wire.Entry, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.whole
	a.whole = nil
	if l == nil {
		return nil, false
	}
	entries := l.entries.Swap(nil)
	if entries == nil || m.c.now()-l.asked > listTime {
		return nil, false
	}
	m.wasRead(2)
	return *entries, true
}

// wasRead counts a directory that was read.
func (m *mount) wasRead(n int32) {
	if m.unread.Load() > 0 {
		m.unread.Add(-n)
	}
}

const (
	firstBatch = 4
	mostNames  = 28  // of any type, in one request
	window     = 512 // how far from the expected place a name is searched for
	mostKnown  = 10_000
)

// isNew says that the directory has just been made.
func (a *ahead) isNew() { a.known = make(map[string]struct{}) }

// generation is for listed.
func (a *ahead) generation() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.gen
}

// listed notes the part of the list that a program has just read. whole says that these are
// all names of generation gen.
func (a *ahead) listed(d *dir, part []wire.Entry, whole bool, gen int) {
	if !d.fs.exclusive {
		return
	}
	a.clear(d)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.list, a.next, a.batch, a.dirs, a.tree, a.byIno, a.last = part, 0, 0, true, a.hint, false, ""
	if a.hint {
		if a.batch = mostLists; a.hinted {
			a.sort()
		}
	}
	if whole && a.known == nil && gen == a.gen {
		a.known = make(map[string]struct{}, len(part))
		for _, e := range part {
			a.known[e.Name] = struct{}{}
		}
	}
}

// clear drops what came early.
func (a *ahead) clear(d *dir) {
	a.mu.Lock()
	early := a.early
	a.list, a.early = nil, nil
	a.mu.Unlock()
	for _, f := range early {
		f.drop(d.fs.c.conn)
	}
}

// changing says that name is about to change. What is known of it is dropped.
func (a *ahead) changing(d *dir, name string) {
	a.mu.Lock()
	f, ok := a.early[name]
	delete(a.early, name)
	a.whole = nil
	a.gen++
	a.mu.Unlock()
	if ok {
		f.drop(d.fs.c.conn)
	}
}

// changed says how a change has ended: whether name is there now.
func (a *ahead) changed(name string, there bool, errno linux.Errno) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case errno != 0 || len(a.known) > mostKnown:
		a.known = nil // it may have been done in part
	case a.known == nil:
	case there:
		a.known[name] = struct{}{}
	default:
		delete(a.known, name)
	}
}

// absent reports whether there is certainly no such name.
func (a *ahead) absent(name string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.known == nil {
		return false
	}
	_, there := a.known[name]
	return !there
}

// take returns what came early for name, or else the names to ask for, name first; no more
// than most if there are files among them.
func (a *ahead) take(name string, most int) (f found, ok bool, names []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	at := a.search(name)
	if at < 0 && len(a.list) > 0 && !a.byIno {
		a.sort()
		at = a.search(name)
	}
	a.last = name
	if at >= 0 {
		for _, e := range a.list[min(a.next, at):at] {
			a.dirs = a.dirs && e.Type != linux.DT_DIR // a directory was left out
		}
		a.dirs = a.dirs && a.list[at].Type == linux.DT_DIR
	}
	if f, ok = a.early[name]; ok {
		delete(a.early, name)
		a.next = max(a.next, at+1)
		return f, true, nil
	}
	names = []string{name}
	if at < 0 {
		a.batch = 0
		return f, false, names
	}
	inOrder := at >= a.next && (a.next > 0 || a.tree)
	a.next = at + 1
	if !inOrder {
		a.batch = 0
		return f, false, names
	}
	a.batch = max(firstBatch, min(2*a.batch, mostLists))
	if a.dirs {
		most = mostLists
	}
	for _, e := range a.list[at+1:] {
		if len(names) == min(a.batch, most) {
			break
		}
		if _, have := a.early[e.Name]; !have && (!a.dirs || e.Type == linux.DT_DIR) {
			names = append(names, e.Name)
		}
	}
	return f, false, names
}

// lists reports whether to ask for the lists of directories that are looked up.
func (a *ahead) lists(m *mount) (_, byIno bool) {
	if m.unread.Load() > mostUnread {
		return false, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.list != nil && (a.batch > 0 || a.tree), a.byIno
}

// sort puts the list in the order of inode numbers, and expects what comes there behind the last name
// that was looked up.
func (a *ahead) sort() {
	a.list = slices.Clone(a.list)
	slices.SortFunc(a.list, func(x, y wire.Entry) int { return cmp.Compare(x.Ino, y.Ino) })
	a.byIno, a.next = true, 0
	if a.last != "" {
		a.next = 1 + slices.IndexFunc(a.list, func(e wire.Entry) bool { return e.Name == a.last })
	}
}

// search returns the place of name in the list, -1 if it is not near the expected one.
func (a *ahead) search(name string) int {
	for i := a.next; i < len(a.list) && i < a.next+window; i++ {
		if a.list[i].Name == name {
			return i
		}
	}
	return -1
}

// keep stores what came early. A file with several names may change by another one.
func (a *ahead) keep(c *conn, names []string, more []found) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, f := range more {
		if f.node.ID == 0 {
			continue
		}
		_, have := a.early[names[i]]
		single := f.node.Attr.Nlink == 1 || f.node.Attr.Mode&linux.S_IFMT == linux.S_IFDIR
		if have || !single || a.list == nil {
			f.drop(c)
			continue
		}
		if a.early == nil {
			a.early = make(map[string]found)
		}
		a.early[names[i]] = f
	}
}

// find looks up a name, and others that will follow.
func (d *dir) find(name string) (found, linux.Errno) {
	if d.ahead.absent(name) {
		return found{}, linux.ENOENT
	}
	flags := d.openFlags()
	most := mostNames
	if flags != 0 {
		most = wire.MaxFDs
	}
	f, ok, names := d.ahead.take(name, most)
	if ok {
		return f, 0
	}
	lists, byIno := d.ahead.lists(d.fs)
	if lists {
		flags |= wire.List
	}
	f, more, errno := d.walk(names, flags)
	f.byIno = byIno
	for n := range more {
		more[n].byIno = byIno
	}
	d.ahead.keep(d.fs.c.conn, names[1:], more)
	return f, errno
}
