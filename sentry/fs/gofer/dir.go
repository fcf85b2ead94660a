package gofer

import (
	"strings"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/gofer/wire"
	"github.com/seed-7423c386/runsc/platform/host"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// dir is a directory.
type dir struct {
	inode

	// credit says whether a look-up asks for the file to be opened as well: as long as it is
	// more than 0. Each such descriptor costs one, each open of a file here gives two. So it
	// is done where files are opened, and not where they are only looked at.
	credit atomic.Int32

	ahead ahead
}

const (
	firstCredit = 4
	maxCredit   = 16
)

// spend takes one of the credit, if there is any.
func (d *dir) spend() bool {
	n := d.credit.Load()
	return n > 0 && d.credit.CompareAndSwap(n, n-1)
}

// earn adds to it.
func (d *dir) earn() {
	if n := d.credit.Load(); n < maxCredit {
		d.credit.CompareAndSwap(n, n+2)
	}
}

// found is what the gofer said of a name.
type found struct {
	node wire.Node
	gone bool // there is no such name
	fd   int  // of a regular file, if it was asked for and could be opened, else -1
	bare bool // it has no extended attributes

	evicted uint64 // the mount's when it was asked for

	tree  bool    // it was looked up for a program that goes through a tree,
	byIno bool    // in the order of inode numbers
	list  *kept   // what the directory has, if that came along,
	in    []inner // and of these names

	next *onward
}

// inner is a name of a directory that was found.
type inner struct {
	name string
	found
}

// onward is what is looked up next on a path: in the directory that was found, or where the link leads.
type onward struct {
	found
	name string
	gen  int    // of the directory that the link is in
	lost uint64 // of the mount
}

// drop gives back what found holds.
func (f *found) drop(c *conn) {
	if !f.gone {
		c.forget(f.node.ID, false)
	}
	if f.fd >= 0 {
		host.Close(f.fd)
		c.early.Add(-1)
	}
	if f.next != nil {
		f.next.drop(c)
	}
	for i := range f.in {
		f.in[i].drop(c)
	}
}

// setByIno sets byIno of all that came.
func (f *found) setByIno(byIno bool) {
	f.byIno = byIno
	for i := range f.in {
		f.in[i].setByIno(byIno)
	}
}

// steps asks for names, which are entries of d, or each of the one before.
func (d *dir) steps(names []string, flags uint32) ([]found, []linux.Errno, linux.Errno) {
	c := d.fs.c.conn
	var reply wire.WalkReply
	lost, evicted, asked, gen := d.fs.lists.lost.Load(), d.fs.evicted.Load(), d.fs.c.now(), d.ahead.generation()
	fds, errno := c.request(wire.OpWalk, &wire.WalkReq{Dir: d.id, Flags: flags, Names: names}, &reply)
	if errno != 0 {
		return nil, nil, errno
	}
	take := func(f *wire.File) found {
		got := found{node: f.Node, fd: -1, bare: f.Bare, evicted: evicted}
		if f.Open && len(fds) > 0 {
			got.fd, fds = fds[0], fds[1:]
			c.early.Add(1)
		}
		return got
	}
	step := func(s *wire.Step) found {
		f := take(&s.File)
		f.tree = flags&wire.List != 0
		if s.Listed {
			f.list = newKept(&s.Entries, &s.Node.Attr, asked, lost)
			d.fs.lists.addEarly(f.list)
		}
		if s.Leads {
			f.next = &onward{take(&s.To), s.Node.Target, gen, lost}
		}
		return f
	}
	all, errnos := make([]found, len(reply.Steps)), make([]linux.Errno, len(reply.Steps))
	under, roots, at := make([]inner, len(reply.Under)), reply.Roots(), 0
	for i := range all {
		s := &reply.Steps[i]
		if errnos[i] = s.Errno; s.Errno != 0 {
			all[i] = found{gone: true, fd: -1}
			continue
		}
		all[i] = step(s)
		for ; at < len(under) && roots[at] <= i; at++ {
			under[at] = inner{reply.Under[at].Name, step(&reply.Under[at].Step)}
		}
	}
	closeAll(fds)
	for i := len(under) - 1; i >= 0; i-- { // what is in a directory comes behind it
		in := int(reply.Under[i].In)
		f := &all[min(in, len(all)-1)]
		if in >= len(all) {
			f = &under[in-len(all)].found
		}
		f.in = append(f.in, under[i])
	}
	if len(all) == 0 || len(all) > len(names) {
		for i := range all {
			all[i].drop(c)
		}
		return nil, nil, linux.EIO
	}
	return all, errnos, 0
}

// walk asks for entries of d. The first is answered; of the others those that are there may
// be in more.
func (d *dir) walk(names []string, flags uint32) (first found, more []found, errno linux.Errno) {
	all, errnos, errno := d.steps(names, flags|wire.Siblings)
	if errno != 0 {
		return found{gone: true, fd: -1}, nil, errno
	}
	return all[0], all[1:], errnos[0]
}

// mostAhead is how many names of a path are looked up at a time.
const mostAhead = 16

// LookAhead is vfs.PathLooker's: in an exclusive mount one request looks up all names of a path.
func (d *dir) LookAhead(_ vfs.Ctx, name, after string) {
	if !d.fs.exclusive || d.ahead.absent(name) || d.ahead.here(name) {
		return
	}
	names := []string{name}
	for part := range strings.SplitSeq(after, "/") {
		if len(names) == mostAhead || part != "" && !wire.ValidName(part) {
			break
		}
		if part != "" {
			names = append(names, part)
		}
	}
	gen, lost := d.ahead.generation(), d.fs.lists.lost.Load()
	all, errnos, errno := d.steps(names, d.openFlags())
	if errno != 0 {
		return
	}
	for i := len(all) - 1; i >= 0; i-- {
		f := &all[i]
		if errnos[i] != 0 && errnos[i] != linux.ENOENT {
			all = all[:i]
			continue
		}
		if i+1 < len(all) {
			f.next = &onward{all[i+1], names[i+1], 0, lost}
		}
	}
	if len(all) > 0 {
		d.ahead.put(d, name, all[0], gen)
	}
}

// holds reports whether what was found of the file is so yet, if no inode of it is there: else it may have been
// changed by another of its names.
func (f *found) holds(m *mount) bool {
	a := &f.node.Attr
	return a.Nlink == 1 || a.Mode&linux.S_IFMT == linux.S_IFDIR || f.evicted == m.evicted.Load()
}

// Lookup is vfs.DirOps's.
func (d *dir) Lookup(_ vfs.Ctx, name string) (*vfs.Inode, linux.Errno) {
	f, errno := d.find(name)
	if errno != 0 {
		return nil, errno
	}
	i := d.fs.inode(&f, d)
	if f.fd >= 0 {
		d.spend()
		d.fs.c.conn.early.Add(-1)
		give(i, f.fd, false)
	}
	sub, isDir := i.Ops.(*dir)
	if isDir && f.tree {
		if f.list != nil {
			sub.touched.Store(true) // the attributes are of a time after it was read
		}
		sub.ahead.hold(sub, &f)
		for _, in := range f.in {
			if f.list.lost != d.fs.lists.lost.Load() {
				in.drop(d.fs.c.conn)
				continue
			}
			sub.ahead.put(sub, in.name, in.found, 0)
		}
	}
	switch next := f.next; {
	case next == nil:
	case next.lost != d.fs.lists.lost.Load():
		next.drop(d.fs.c.conn)
	case isDir:
		sub.ahead.put(sub, next.name, next.found, 0)
	default:
		d.ahead.put(d, next.name, next.found, next.gen)
	}
	return i, 0
}

// mostOpen is how many descriptors may have come with names that are not asked for yet, before no more are
// asked for.
const mostOpen = 512

// openFlags says whether a look-up asks for a descriptor as well.
func (d *dir) openFlags() uint32 {
	if d.credit.Load() > 0 && d.fs.c.conn.early.Load() < mostOpen {
		return wire.OpenRead
	}
	return 0
}

// give hands a descriptor to the regular file i.
func give(i *vfs.Inode, fd int, writable bool) {
	if f, ok := i.Ops.(*file); ok {
		f.give(fd, writable)
		return
	}
	host.Close(fd)
}

// Valid is vfs.Revalidator's, where others change names.
func (d *dir) Valid(_ vfs.Ctx, name string, child *vfs.Inode) bool {
	f, _, errno := d.walk([]string{name}, 0) // without flags no link is followed
	if errno != 0 {
		return errno == linux.ENOENT && child == nil
	}
	n := &f.node
	f.drop(d.fs.c.conn)
	if child == nil {
		return false
	}
	i := baseOf(child)
	if i.key != (key{n.Attr.Dev, n.Attr.Ino}) || i.Type() != n.Attr.Mode&linux.S_IFMT {
		return false
	}
	i.refresh(&n.Attr)
	return true
}

// Create is vfs.DirOps's.
func (d *dir) Create(_ vfs.Ctx, name string, a vfs.CreateArgs) (*vfs.Inode, linux.Errno) {
	flags := uint32(0)
	if a.OpenFlags != 0 {
		flags = wire.OpenWrite
	}
	return d.create(name, a, flags)
}

// Tmpfile is vfs.Tmpfiler's.
func (d *dir) Tmpfile(_ vfs.Ctx, a vfs.CreateArgs) (*vfs.Inode, linux.Errno) {
	flags := wire.OpenWrite | wire.CreateTmp
	if a.OpenFlags&linux.O_EXCL != 0 {
		flags |= wire.CreateTmpExcl
	}
	return d.create("-", a, flags)
}

func (d *dir) create(name string, a vfs.CreateArgs, flags uint32) (*vfs.Inode, linux.Errno) {
	if typ := a.Mode & linux.S_IFMT; typ == linux.S_IFBLK || typ == linux.S_IFCHR && a.Rdev != 0 {
		return nil, linux.EPERM // 0/0 is no device, but overlay's sign for a name that is gone
	}
	if len(a.Target) >= linux.PATH_MAX {
		return nil, linux.ENAMETOOLONG
	}
	req := wire.CreateReq{
		Dir: d.id, Name: name, Mode: a.Mode, UID: uint32(a.UID), GID: uint32(a.GID), Target: a.Target, Flags: flags, Umask: a.Umask,
	}
	var reply wire.CreateReply
	evicted := d.fs.evicted.Load()
	d.ahead.changing(d, name)
	fds, errno := d.fs.c.conn.request(wire.OpCreate, &req, &reply)
	if flags&wire.CreateTmp == 0 {
		d.ahead.changed(name, true, errno)
	}
	if errno != 0 {
		return nil, errno
	}
	if reply.Node.Attr.Mode&linux.S_IFMT != a.Mode&linux.S_IFMT {
		closeAll(fds)
		d.fs.c.conn.forget(reply.Node.ID, true)
		return nil, linux.EIO
	}
	d.refresh(&reply.Dir)
	i := d.fs.inode(&found{node: reply.Node, evicted: evicted}, d)
	if len(fds) > 0 {
		give(i, fds[0], true)
	}
	if made, ok := i.Ops.(*dir); ok && d.fs.exclusive {
		made.ahead.isNew()
	}
	return i, 0
}

// attrs takes the reply to a change: the attributes of each, in order.
func attrs(reply *wire.Attrs, of ...*inode) {
	for n, i := range of {
		if i == nil {
			continue
		}
		if n < len(reply.List) {
			i.refresh(&reply.List[n])
		} else {
			i.stale.Store(true)
		}
	}
}

// Link is vfs.DirOps's.
func (d *dir) Link(_ vfs.Ctx, name string, target *vfs.Inode) linux.Errno {
	t := baseOf(target)
	d.ahead.changing(d, name)
	var reply wire.Attrs
	_, errno := d.fs.c.conn.request(wire.OpLink, &wire.LinkReq{ID: t.id, Dir: d.id, Name: name}, &reply)
	d.ahead.changed(name, true, errno)
	if errno != 0 {
		return errno
	}
	attrs(&reply, t, &d.inode)
	return 0
}

// Unlink is vfs.DirOps's.
func (d *dir) Unlink(_ vfs.Ctx, name string, child *vfs.Inode) linux.Errno {
	c := baseOf(child)
	d.ahead.changing(d, name)
	req := wire.UnlinkReq{Dir: d.id, Name: name, ID: c.id, IsDir: child.IsDir()}
	var reply wire.Attrs
	_, errno := d.fs.c.conn.request(wire.OpUnlink, &req, &reply)
	if errno != linux.ENOTEMPTY {
		d.ahead.changed(name, false, errno)
	}
	if errno != 0 {
		return errno
	}
	attrs(&reply, &d.inode, c)
	return 0
}

// Rename is vfs.DirOps's.
func (d *dir) Rename(_ vfs.Ctx, name string, child *vfs.Inode, newDir *vfs.Inode, newName string, replaced *vfs.Inode, flags uint32) linux.Errno {
	to, ok := newDir.Ops.(*dir)
	if !ok {
		return linux.ENOTDIR
	}
	c := baseOf(child)
	d.ahead.changing(d, name)
	to.ahead.changing(to, newName)
	req := wire.RenameReq{Dir: d.id, Name: name, NewDir: to.id, NewName: newName, Flags: flags, ID: c.id}
	var over *inode
	if replaced != nil {
		over = baseOf(replaced)
		req.Replaced = over.id
	}
	var reply wire.Attrs
	_, errno := d.fs.c.conn.request(wire.OpRename, &req, &reply)
	d.ahead.changed(name, flags&(linux.RENAME_EXCHANGE|linux.RENAME_WHITEOUT) != 0, errno)
	to.ahead.changed(newName, true, errno)
	if errno != 0 {
		return errno
	}
	attrs(&reply, &d.inode, &to.inode, c, over)
	return 0
}

// Evict is vfs.Evicter's.
func (d *dir) Evict() {
	if d.ahead.generation() > 0 {
		d.fs.lists.lost.Add(1) // lists that are on their way may be older than the changes
	}
	d.ahead.clear(d)
	d.ahead.forget(d.fs)
	d.inode.Evict()
}

// Open is vfs.InodeOps's.
func (d *dir) Open(vfs.Ctx, *vfs.File) (vfs.FileOps, linux.Errno) { return &listing{dir: d}, 0 }
