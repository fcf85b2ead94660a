package main

import (
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/gofer/wire"
)

// idMap translates user or group ids; without lines they stay the same.
type idMap []wire.IDMap

// out maps an id of the host to the container's, the overflow id if it has none.
func (m idMap) out(id uint32) uint32 {
	if len(m) == 0 {
		return id
	}
	for _, e := range m {
		if id >= e.Outside && id-e.Outside < e.Count {
			return e.Inside + (id - e.Outside)
		}
	}
	return overflowID
}

// in maps an id of the container to the host's: EINVAL if it has none.
func (m idMap) in(id uint32) (int, linux.Errno) {
	if len(m) == 0 && id != ^uint32(0) {
		return int(id), 0
	}
	for _, e := range m {
		if id >= e.Inside && id-e.Inside < e.Count {
			return int(e.Outside + (id - e.Inside)), 0
		}
	}
	return 0, linux.EINVAL
}

// overflowID stands for ids without a mapping (/proc/sys/kernel/overflowuid).
const overflowID = 65534

// attr translates what the host says of a file.
func (s *server) attr(st *unix.Statx_t, a *wire.Attr) {
	nano := func(t unix.StatxTimestamp) int64 { return t.Sec*1e9 + int64(t.Nsec) }
	*a = wire.Attr{
		Dev: unix.Mkdev(st.Dev_major, st.Dev_minor), Ino: st.Ino,
		Mode: uint32(st.Mode), Nlink: st.Nlink, UID: s.uids.out(st.Uid), GID: s.gids.out(st.Gid),
		Rdev: unix.Mkdev(st.Rdev_major, st.Rdev_minor),
		Size: max(int64(st.Size), 0), Blocks: max(int64(st.Blocks), 0), Blksize: st.Blksize,
		Atime: nano(st.Atime), Mtime: nano(st.Mtime), Ctime: nano(st.Ctime), Btime: nano(st.Btime),
	}
}

// attrOf is attr of a file. If it cannot be had, Mode is 0.
func (s *server) attrOf(fd int) (a wire.Attr) {
	var st unix.Statx_t
	if statx(fd, &st) == 0 {
		s.attr(&st, &a)
	}
	return a
}

func (s *server) attach(m *wire.AttachReq, r *reply) linux.Errno {
	if m.Version != wire.Version {
		return linux.EPROTO
	}
	if uint64(m.Index) >= uint64(len(s.attaches)) {
		return linux.ENOENT
	}
	at := &s.attaches[m.Index]
	fd, errno := dup(at.fd)
	if errno != 0 {
		return errno
	}
	var out wire.Node
	n, errno := s.enter(fd, at, nil, "", &out)
	if errno != 0 {
		return errno
	}
	n.put()
	out.Put(&r.Encoder)
	return 0
}

// stepRoom is more than one step of a walk takes in a frame.
const stepRoom = 2*linux.PATH_MAX + 2*listMost + 512

func (s *server) walk(m *wire.WalkReq, r *reply) linux.Errno {
	dir, errno := s.getDir(m.Dir, false)
	if errno != 0 {
		return errno
	}
	var out wire.WalkReply
	cur, room := dir, wire.MaxFrame
	defer func() { cur.put() }()
	var below *under
	if all := wire.Siblings | wire.List | wire.Below; m.Flags&all == all {
		below = &under{s: s, r: r, flags: m.Flags, room: &room}
	}
	for i, name := range m.Names {
		if room < stepRoom {
			break
		}
		var step wire.Step
		siblings, flags := m.Flags&wire.Siblings != 0, m.Flags
		if !siblings && i < len(m.Names)-1 {
			flags = 0
		}
		n, errno := s.find(cur, name, flags, r, &step.File)
		if errno == linux.ENFILE && i == 0 {
			return errno // the sentry can make room
		}
		step.Errno = errno
		if errno == 0 && n.typ == linux.S_IFLNK && flags&(wire.OpenRead|wire.OpenWrite) != 0 && !(siblings && len(m.Names) > 1) && wire.ValidName(step.Node.Target) {
			if to, errno := s.find(cur, step.Node.Target, flags, r, &step.To); errno == 0 {
				step.Leads = true
				to.put()
			}
		}
		if errno == 0 && m.Flags&wire.List != 0 {
			s.list(n, &step)
		}
		room -= step.Size()
		out.Steps = append(out.Steps, step)
		full := step.Listed && below != nil && !below.enter(n, uint32(i), step.Entries)
		if siblings {
			release(n)
			if full {
				break // what is below the next name comes with it
			}
			continue
		}
		if errno != 0 {
			break
		}
		cur.put()
		if cur = n; n.typ != linux.S_IFDIR {
			break
		}
	}
	if below != nil {
		out.Under = below.found(len(out.Steps))
	}
	out.Put(&r.Encoder)
	return 0
}

// list adds the entries of n to its step if it is a directory with few of them.
func (s *server) list(n *node, step *wire.Step) {
	if n.typ != linux.S_IFDIR {
		return
	}
	if step.Entries, step.Listed = listAll(n.fd); step.Listed {
		if a := s.attrOf(n.fd); a.Mode != 0 {
			step.Node.Attr.Atime = a.Atime
		}
	}
}

// find looks name up in dir, describes it in out and opens it, if it is a regular file, as flags say. The caller
// gets a reference.
func (s *server) find(dir *node, name string, flags uint32, r *reply, out *wire.File) (*node, linux.Errno) {
	fd, errno := lookup(dir.fd, name, dir.at.cross)
	if errno != 0 {
		return nil, errno
	}
	n, errno := s.enter(fd, dir.at, dir, name, &out.Node)
	if errno != 0 || n.typ != linux.S_IFREG {
		return n, errno
	}
	if flags&wire.Xattrs != 0 {
		size, errno := listxattr(fd, nil)
		out.Bare = size == 0 && errno == 0
	}
	if len(r.fds) >= wire.MaxFDs {
		return n, 0
	}
	if open, errno := reopenFile(n, flags); errno == 0 && open >= 0 {
		r.attachFD(open)
		out.Open = true
		out.Bare = out.Bare || out.Node.Attr.Mode&0o111 != 0 && bare(open) // execve asks for those of a program
	}
	return n, 0
}

// listMost bounds the bytes of entries that come with a step of a walk.
const listMost = 16 << 10

// lister is what listing a directory needs and can be used again.
type lister struct {
	buf  [listMost]byte
	list wire.EntryList
}

var listers = sync.Pool{New: func() any { return new(lister) }}

// listAll lists the directory at fd if it has few entries.
func listAll(fd int) (_ wire.Entries, all bool) {
	open, errno := openDir(fd)
	if errno != 0 {
		return wire.Entries{}, false
	}
	defer closeFD(open)
	l := listers.Get().(*lister)
	defer listers.Put(l)
	l.list.Reset()
	for {
		more, errno := getdents(open, l.buf[:], func(d dirent) { l.list.Add(d.name, d.ino, d.typ) })
		switch {
		case errno != 0, l.list.Size() > listMost:
			return wire.Entries{}, false
		case !more:
			return l.list.Entries(), true
		}
	}
}

// reopenFile opens a regular file as flags say; -1 if they say nothing.
func reopenFile(n *node, flags uint32) (int, linux.Errno) {
	switch {
	case flags&wire.OpenWrite != 0:
		if n.at.readonly {
			return -1, linux.EROFS
		}
		return n.open(unix.O_RDWR)
	case flags&wire.OpenRead != 0:
		return n.open(unix.O_RDONLY)
	}
	return -1, 0
}

// open opens a regular file.
func (n *node) open(flags int) (int, linux.Errno) {
	if n.dir != nil {
		if fd, errno := openName(n.dir.fd, n.name, flags); errno == 0 {
			if n.is(fd) {
				return fd, 0
			}
			closeFD(fd)
		}
	}
	return reopen(n.fd, flags|unix.O_NONBLOCK)
}

// is reports whether fd is of the same file.
func (n *node) is(fd int) bool {
	var st unix.Statx_t
	return statx(fd, &st) == 0 && st.Ino == n.ino && unix.Mkdev(st.Dev_major, st.Dev_minor) == n.dev
}

func (s *server) open(m *wire.OpenReq, r *reply) linux.Errno {
	n, errno := s.get(m.ID)
	if errno != 0 {
		return errno
	}
	defer n.put()
	if n.typ != linux.S_IFREG || m.Flags&(wire.OpenRead|wire.OpenWrite) == 0 {
		return linux.EINVAL
	}
	fd, errno := reopenFile(n, m.Flags)
	if errno != 0 {
		return errno
	}
	r.attachFD(fd)
	return 0
}

func (s *server) getattr(m *wire.IDReq, r *reply) linux.Errno {
	n, errno := s.get(m.ID)
	if errno != 0 {
		return errno
	}
	defer n.put()
	var st unix.Statx_t
	if errno := statx(n.fd, &st); errno != 0 {
		return errno
	}
	var a wire.Attr
	s.attr(&st, &a)
	a.Put(&r.Encoder)
	return 0
}

// getattrs is getattr of several files. Those that are gone have no attributes.
func (s *server) getattrs(m *wire.ForgetReq, r *reply) linux.Errno {
	if len(m.IDs) > wire.MaxAttrs {
		return linux.EINVAL
	}
	out := wire.Attrs{List: make([]wire.Attr, len(m.IDs))}
	for i, id := range m.IDs {
		if n, errno := s.get(id); errno == 0 {
			out.List[i] = s.attrOf(n.fd)
			n.put()
		}
	}
	out.Put(&r.Encoder)
	return 0
}

// readdirRoom bounds the bytes of a reply with entries.
const readdirRoom = 64 << 10

func (s *server) readdir(m *wire.ReaddirReq, r *reply) linux.Errno {
	n, errno := s.getDir(m.ID, false)
	if errno != 0 {
		return errno
	}
	defer n.put()
	fd, errno := openDir(n.fd)
	if errno != 0 {
		return errno
	}
	defer closeFD(fd)
	if m.Off != 0 {
		if errno := seek(fd, m.Off); errno != 0 {
			return errno
		}
	}
	out := wire.ReaddirReply{Next: m.Off, Dir: s.attrOf(fd)}
	var list wire.EntryList
	buf := make([]byte, 16<<10)
	for list.Size() < readdirRoom {
		more, errno := getdents(fd, buf, func(d dirent) {
			out.Next = d.next
			list.Add(d.name, d.ino, d.typ)
		})
		if errno != 0 {
			return errno
		}
		if !more {
			out.End = true
			break
		}
	}
	after := s.attrOf(fd)
	if out.Dir.Mode == 0 || after.Mode == 0 {
		return linux.EIO
	}
	out.Dir.Atime = after.Atime
	out.Entries = list.Entries()
	out.Put(&r.Encoder)
	return 0
}

func (s *server) statfs(m *wire.IDReq, r *reply) linux.Errno {
	n, errno := s.get(m.ID)
	if errno != 0 {
		return errno
	}
	defer n.put()
	var st unix.Statfs_t
	if errno := fstatfs(n.fd, &st); errno != 0 {
		return errno
	}
	out := wire.Statfs{
		Magic: st.Type, Bsize: st.Bsize, Blocks: st.Blocks, Bfree: st.Bfree, Bavail: st.Bavail,
		Files: st.Files, Free: st.Ffree, Namelen: st.Namelen, Frsize: st.Frsize,
	}
	out.Put(&r.Encoder)
	return 0
}

// getXattrs is get of a file that can have extended attributes.
func (s *server) getXattrs(id uint64, change bool) (*node, linux.Errno) {
	get := s.get
	if change {
		get = s.getChange
	}
	n, errno := get(id)
	if errno == 0 && n.typ == linux.S_IFLNK {
		n.put()
		return nil, linux.EOPNOTSUPP
	}
	return n, errno
}

func (s *server) getxattr(m *wire.XattrReq, r *reply) linux.Errno {
	if !xattrAllowed(m.Name) {
		return linux.EOPNOTSUPP
	}
	n, errno := s.getXattrs(m.ID, false)
	if errno != 0 {
		return errno
	}
	defer n.put()
	buf := make([]byte, linux.XATTR_SIZE_MAX)
	size, errno := getxattr(n.fd, m.Name, buf)
	if errno != 0 {
		return errno
	}
	if isACL(m.Name) {
		if errno := s.aclOut(buf[:size]); errno != 0 {
			return errno
		}
	}
	(&wire.Blob{Data: buf[:size]}).Put(&r.Encoder)
	return 0
}

func (s *server) listxattr(m *wire.IDReq, r *reply) linux.Errno {
	n, errno := s.getXattrs(m.ID, false)
	if errno != 0 {
		return errno
	}
	defer n.put()
	buf := make([]byte, linux.XATTR_LIST_MAX)
	size, errno := listxattr(n.fd, buf)
	if errno != 0 {
		return errno
	}
	var names []byte
	for _, name := range strings.Split(string(buf[:size]), "\x00") {
		if xattrAllowed(name) {
			names = append(append(names, name...), 0)
		}
	}
	(&wire.Blob{Data: names}).Put(&r.Encoder)
	return 0
}
