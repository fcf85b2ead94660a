package gofer

import (
	"strings"
	"sync"

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
// search path. Others remember some names that they do not have: an overlay asks for them again and again.

// ahead is what a directory knows of its names.
type ahead struct {
	mu    sync.Mutex          // before that of lists; the gofer is not asked under it
	known map[string]struct{} // all names; nil: look at whole
	whole *kept               // all entries, if they are kept
	gen   int                 // counts changes

	missing map[string]struct{} // some that it does not have

	list  *kept            // what was read last, in the order that look-ups are expected in
	next  int              // where in list the next look-up is expected
	last  string           // what was looked up last
	batch int              // how many names to ask for
	byIno bool             // list is in the order of inode numbers, as cp and others look up
	dirs  bool             // only directories are looked up
	tree  bool             // by a program that goes through a tree
	early map[string]found // looked up, not asked for yet
	used  int64            // the mount's, when the list was read

	hint   bool // the directory was looked up by a program that goes through a tree,
	hinted bool // in the order of inode numbers
}

// Where directories are looked up in order, their own lists are asked for at the same time: find, cp and
// their like are going to read them. So are what these have, once a program goes from one directory into the
// next: the names there, and what is below. That is given up where programs do not read them, or too late.

// hold keeps the list of the directory that came with its look-up, unless it has been changed here.
func (a *ahead) hold(d *dir, f *found) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.hint, a.hinted = true, f.byIno
	if f.list != nil && a.gen == 0 && a.whole == nil && d.fs.lists.lost.Load() == f.list.lost {
		f.list.dir = d.id
		a.whole = f.list
	}
}

// held returns all entries of d for a program that reads them, nil if they are not known.
func (d *dir) held() *kept {
	a := &d.ahead
	a.mu.Lock()
	l := a.whole
	a.mu.Unlock()
	if l == nil || d.fs.read(l) != nil {
		return l
	}
	a.mu.Lock()
	if a.whole == l {
		a.whole = nil
	}
	a.mu.Unlock()
	return nil
}

const (
	firstBatch = 4
	mostNames  = 28  // of any type, in one request
	window     = 512 // how far from the expected place a name is searched for
	mostKnown  = 10_000
	mostMissed = 256    // missing names that a directory remembers,
	allMissed  = 20_000 // and those of a mount
	fewNames   = 16     // are looked through
	mostPut    = 256    // names of a directory that came early
	mostFull   = 16     // names at a time, if directories among them come with all that is below
	fewRead    = 6      // lists that are read before a program is taken to look up no files
	fewUsed    = 2      // lists that are read before a program is taken to go from one directory into the next
)

// isNew says that the directory has just been made.
func (a *ahead) isNew() { a.known = make(map[string]struct{}) }

// generation is for listed.
func (a *ahead) generation() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.gen
}

// listed notes what a program has just read. If it is the whole list, it is of generation gen.
func (a *ahead) listed(d *dir, l *kept, gen int) {
	if !d.fs.exclusive {
		return
	}
	if !a.along(l) {
		a.clear(d)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.list, a.next, a.batch, a.dirs, a.tree, a.byIno, a.last = l, 0, 0, true, a.hint, false, ""
	a.used = d.fs.lists.used.Load()
	if a.hint {
		if a.batch, a.dirs = mostLists, !d.fs.lists.files.Load(); a.hinted {
			a.sort(d.fs)
		}
	}
	if l.whole && gen == a.gen && a.whole != l {
		a.known, a.whole = nil, l
	}
}

// along reports whether l came with the look-up of the directory, and what is there early with it.
func (a *ahead) along(l *kept) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.whole == l && a.list == nil
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
	if _, was := a.missing[name]; was {
		delete(a.missing, name)
		d.fs.missing.Add(-1)
	}
	a.know()
	l := a.whole
	a.whole = nil
	a.gen++
	a.mu.Unlock()
	if ok {
		f.drop(d.fs.c.conn)
	}
	if l != nil {
		d.fs.lists.drop(l)
	}
}

// know makes known from the whole list, if there is one. mu is held.
func (a *ahead) know() {
	if a.known != nil || a.whole == nil {
		return
	}
	l := a.whole.entries.Load()
	if l == nil || l.Len() > mostKnown {
		return
	}
	a.known = make(map[string]struct{}, l.Len())
	for i := range l.Len() {
		a.known[l.At(i).Name] = struct{}{}
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

// lacks notes that there was no such name when the directory was of generation gen.
func (a *ahead) lacks(m *mount, name string, gen int) {
	if !m.exclusive {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, have := a.missing[name]; have || a.gen != gen || a.known != nil {
		return
	}
	if len(a.missing) == mostMissed {
		a.dropMissing(m)
	}
	if m.missing.Add(1) > allMissed {
		m.missing.Add(-1)
		return
	}
	if a.missing == nil {
		a.missing = make(map[string]struct{})
	}
	a.missing[strings.Clone(name)] = struct{}{}
}

// dropMissing forgets missing names. mu is held.
func (a *ahead) dropMissing(m *mount) {
	m.missing.Add(int64(-len(a.missing)))
	a.missing = nil
}

// absent reports whether there is certainly no such name.
func (a *ahead) absent(name string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, missing := a.missing[name]; missing {
		return true
	}
	if a.known == nil && a.whole != nil {
		if l := a.whole.entries.Load(); l != nil && l.Len() <= fewNames {
			return find(l, 0, l.Len(), name) < 0
		}
		a.know()
	}
	if a.known == nil {
		return false
	}
	_, there := a.known[name]
	return !there
}

// find returns the place of name in l, from place from on and before place to, or -1.
func find(l *wire.Entries, from, to int, name string) int {
	for i := from; i < to; i++ {
		if l.At(i).Name == name {
			return i
		}
	}
	return -1
}

// inOrder is the list in which look-ups are expected.
func (a *ahead) inOrder() *wire.Entries {
	if a.list != nil {
		if l := a.list.entries.Load(); l != nil {
			return l
		}
	}
	return new(wire.Entries)
}

// take returns what came early for name, or else the names to ask for, name first; no more
// than most if there are files among them.
func (a *ahead) take(m *mount, name string, most int) (f found, ok bool, names []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	list := a.inOrder()
	at := a.search(list, name)
	if at < 0 && list.Len() > 0 && !a.byIno {
		list = a.sort(m)
		at = a.search(list, name)
	}
	a.last = name
	if at >= 0 {
		a.learn(m, list, at)
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
	switch {
	case a.dirs && !m.lists.files.Load():
		most = mostLists
	case a.below(m):
		most = min(most, mostFull)
	}
	for i := at + 1; i < list.Len(); i++ {
		if len(names) == min(a.batch, most) {
			break
		}
		e := list.At(i)
		if _, have := a.early[e.Name]; !have && (!a.dirs || e.Type == linux.DT_DIR) {
			names = append(names, e.Name)
		}
	}
	return f, false, names
}

// learn sees from the look-up of the name at place at whether programs that go through a tree look up files
// too: a file was left out if it comes before that in the list and by its inode number, too, since they may go by either.
// mu is held.
func (a *ahead) learn(m *mount, list *wire.Entries, at int) {
	e := list.At(at)
	isDir := e.Type == linux.DT_DIR
	a.dirs = a.dirs && isDir
	if !a.tree {
		return
	}
	leftOut := false
	for i := a.next; i < at && !leftOut; i++ {
		x := list.At(i)
		leftOut = x.Type != linux.DT_DIR && x.Ino < e.Ino
	}
	if files := &m.lists.files; files.Load() == isDir && (!isDir || leftOut) {
		files.Store(!isDir)
	}
}

// below reports whether a program is likely to go from one directory that is found into the next, and it is known whether
// it looks up files: as long as none was, only after some directories. mu is held.
func (a *ahead) below(m *mount) bool {
	used := m.lists.used.Load()
	return (a.tree || used-a.used >= fewUsed) && (m.lists.files.Load() || used >= fewRead)
}

// lists returns the flags that ask for the lists of directories that are looked up, and for what is below them,
// if a program is likely to read these, and whether that is in the order of inode numbers.
func (a *ahead) lists(m *mount) (flags uint32, byIno bool) {
	if m.lists.unread.Load() > mostUnread {
		return 0, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.list == nil || a.batch == 0 && !a.tree {
		return 0, a.byIno
	}
	if flags = wire.List; a.below(m) {
		flags |= wire.Below
		if !m.lists.files.Load() {
			flags |= wire.Dirs
		}
		if a.byIno {
			flags |= wire.ByIno
		}
	}
	return flags, a.byIno
}

// sort puts the list in the order of inode numbers, and expects what comes there behind the last name
// that was looked up. mu is held.
func (a *ahead) sort(m *mount) *wire.Entries {
	sorted := a.inOrder().ByIno()
	a.list = new(kept)
	a.list.entries.Store(sorted)
	m.lists.use(a.list)
	a.byIno, a.next = true, 0
	if a.last != "" {
		a.next = 1 + find(sorted, 0, sorted.Len(), a.last)
	}
	return sorted
}

// search returns the place of name in the list, -1 if it is not near the expected one.
func (a *ahead) search(l *wire.Entries, name string) int {
	return find(l, a.next, min(l.Len(), a.next+window), name)
}

// keep stores what came early.
func (a *ahead) keep(c *conn, names []string, more []found) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, f := range more {
		_, have := a.early[names[i]]
		if have || f.gone || a.list == nil {
			f.drop(c)
			continue
		}
		a.add(names[i], f)
	}
}

// add enters what came early. mu is held.
func (a *ahead) add(name string, f found) {
	if a.early == nil {
		a.early = make(map[string]found)
	}
	a.early[name] = f
}

// here reports whether name came early.
func (a *ahead) here(name string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, ok := a.early[name]
	return ok
}

// put stores what came along with another look-up, if nothing was changed since generation gen.
func (a *ahead) put(d *dir, name string, f found, gen int) {
	a.mu.Lock()
	_, have := a.early[name]
	if a.gen == gen && !have && len(a.early) < mostPut {
		a.add(name, f)
		a.mu.Unlock()
		return
	}
	a.mu.Unlock()
	f.drop(d.fs.c.conn)
}

// find looks up a name, and others that will follow.
func (d *dir) find(name string) (found, linux.Errno) {
	if d.ahead.absent(name) {
		return found{}, linux.ENOENT
	}
	gen := d.ahead.generation()
	flags := d.openFlags()
	most := mostNames
	if flags != 0 {
		most = wire.MaxFDs
	}
	f, ok, names := d.ahead.take(d.fs, name, most)
	switch {
	case ok && f.gone:
		d.ahead.lacks(d.fs, name, gen)
		return f, linux.ENOENT
	case ok:
		return f, 0
	}
	lists, byIno := d.ahead.lists(d.fs)
	flags |= lists
	if d.fs.xattrs.Load() > 0 {
		d.fs.xattrs.Add(-1)
		flags |= wire.Xattrs
	}
	f, more, errno := d.walk(names, flags)
	f.setByIno(byIno)
	for n := range more {
		more[n].setByIno(byIno)
	}
	d.ahead.keep(d.fs.c.conn, names[1:], more)
	if errno == linux.ENOENT {
		d.ahead.lacks(d.fs, name, gen)
	}
	return f, errno
}

// forget drops the whole list, and missing names.
func (a *ahead) forget(m *mount) {
	a.mu.Lock()
	l := a.whole
	a.whole = nil
	a.dropMissing(m)
	a.mu.Unlock()
	if l != nil {
		m.lists.drop(l)
	}
}
