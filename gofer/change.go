package main

import (
	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/gofer/wire"
)

func (s *server) create(m *wire.CreateReq, r *reply) linux.Errno {
	dir, errno := s.getDir(m.Dir, true)
	if errno != 0 {
		return errno
	}
	defer dir.put()
	uid, errno := s.uids.in(m.UID)
	if errno != 0 {
		return errno
	}
	gid, errno := s.gids.in(m.GID)
	if errno != 0 {
		return errno
	}
	mode, heir := settle(dir, m.Mode, m.Umask)
	m.Mode = mode
	fd, open, errno := s.make(dir, m)
	if errno != 0 {
		return errno
	}
	if heir {
		m.Mode = permsOf(fd, m.Mode)
	}
	if open >= 0 {
		if m.Flags&(wire.OpenRead|wire.OpenWrite) != 0 {
			r.attachFD(open)
		} else {
			defer closeFD(open)
		}
	}
	var st unix.Statx_t
	if errno = own(fd, m.Mode, uid, gid, &st); errno != 0 {
		closeFD(fd)
		if m.Flags&wire.CreateTmp == 0 {
			unlink(dir.fd, m.Name, m.Mode&linux.S_IFMT == linux.S_IFDIR)
		}
		return errno
	}
	var out wire.CreateReply
	in := dir
	if m.Flags&wire.CreateTmp != 0 {
		in = nil
	}
	n, errno := s.enterStat(fd, dir.at, in, m.Name, &st, &out.Node)
	if errno != 0 {
		return errno
	}
	n.put()
	out.Dir = s.attrOf(dir.fd)
	if out.Dir.Mode == 0 {
		return linux.EIO
	}
	out.Put(&r.Encoder)
	return 0
}

// permsOf are the permission bits that the host gave a new file in place of those asked for.
func permsOf(fd int, mode uint32) uint32 {
	var st unix.Statx_t
	if statx(fd, &st) != 0 {
		return mode
	}
	return mode&^0o777 | uint32(st.Mode)&0o777
}

// make makes the file and returns it opened with O_PATH, and for a regular file opened for
// reading and writing as well, else -1.
func (s *server) make(dir *node, m *wire.CreateReq) (fd, open int, errno linux.Errno) {
	switch typ := m.Mode & linux.S_IFMT; {
	case m.Flags&wire.CreateTmp != 0 && typ == linux.S_IFREG:
		open, errno = createTmp(dir.fd, m.Mode, m.Flags&wire.CreateTmpExcl != 0)
		return alsoPath(dir, "", open, errno)
	case m.Flags&wire.CreateTmp != 0:
		errno = linux.EINVAL
	case typ == linux.S_IFREG:
		open, errno = createFile(dir.fd, m.Name, m.Mode)
		return alsoPath(dir, m.Name, open, errno)
	case typ == linux.S_IFDIR:
		errno = mkdir(dir.fd, m.Name, m.Mode)
	case typ == linux.S_IFLNK:
		errno = symlink(m.Target, dir.fd, m.Name)
	case typ == linux.S_IFIFO, typ == linux.S_IFSOCK, typ == linux.S_IFCHR: // 0/0, a whiteout of overlay
		errno = mknod(dir.fd, m.Name, m.Mode)
	default:
		errno = linux.EPERM
	}
	if errno != 0 {
		return -1, -1, errno
	}
	// Somebody else may have put another file in its place: it must at least be of the type.
	if fd, errno = lookup(dir.fd, m.Name, false); errno != 0 {
		return -1, -1, errno
	}
	var st unix.Statx_t
	if errno = statx(fd, &st); errno == 0 && uint32(st.Mode)&linux.S_IFMT != m.Mode&linux.S_IFMT {
		errno = linux.ESTALE
	}
	if errno != 0 {
		closeFD(fd)
	}
	return fd, -1, errno
}

// alsoPath opens a file that was just created as name, and opened, with O_PATH as well.
func alsoPath(dir *node, name string, open int, errno linux.Errno) (fd, same int, _ linux.Errno) {
	if errno != 0 {
		return -1, -1, errno
	}
	if name != "" {
		if fd, errno = lookup(dir.fd, name, false); errno == 0 {
			if sameFile(fd, open) {
				return fd, open, 0
			}
			closeFD(fd)
		}
	}
	if fd, errno = reopen(open, unix.O_PATH); errno != 0 {
		closeFD(open)
	}
	return fd, open, errno
}

// own gives a file that was just made the owner and permissions it shall have; st is then what
// it is.
func own(fd int, mode uint32, uid, gid int, st *unix.Statx_t) linux.Errno {
	if errno := statx(fd, st); errno != 0 {
		return errno
	}
	changed := st.Uid != uint32(uid) || st.Gid != uint32(gid)
	if changed {
		if errno := chown(fd, uid, gid); errno == linux.EINVAL {
			return linux.EPERM // the id does not exist in the gofer's user namespace
		} else if errno != 0 {
			return errno
		}
	}
	// chown(2) may have cleared these bits.
	differs := uint32(st.Mode)&0o7777 != mode&0o7777 || changed && mode&(linux.S_ISUID|linux.S_ISGID) != 0
	if differs && mode&linux.S_IFMT != linux.S_IFLNK {
		changed = true
		if errno := chmod(fd, mode&0o7777); errno != 0 {
			return errno
		}
	}
	if !changed {
		return 0
	}
	return statx(fd, st)
}

// attrsOf is attrOf of several files, for the reply of a change.
func (s *server) attrsOf(r *reply, nodes ...*node) {
	out := wire.Attrs{List: make([]wire.Attr, len(nodes))}
	for i, n := range nodes {
		if n != nil {
			out.List[i] = s.attrOf(n.fd)
		}
	}
	out.Put(&r.Encoder)
}

// known is get of an id that may be 0, or gone: then nil.
func (s *server) known(id uint64) *node {
	if id == 0 {
		return nil
	}
	n, _ := s.get(id)
	return n
}

func release(n *node) {
	if n != nil {
		n.put()
	}
}

func (s *server) link(m *wire.LinkReq, r *reply) linux.Errno {
	n, errno := s.getChange(m.ID)
	if errno != 0 {
		return errno
	}
	defer n.put()
	dir, errno := s.getDir(m.Dir, true)
	if errno != 0 {
		return errno
	}
	defer dir.put()
	if n.typ == linux.S_IFDIR {
		return linux.EPERM
	}
	if errno := link(n.fd, dir.fd, m.Name); errno != 0 {
		return errno
	}
	s.attrsOf(r, n, dir)
	return 0
}

func (s *server) unlink(m *wire.UnlinkReq, r *reply) linux.Errno {
	dir, errno := s.getDir(m.Dir, true)
	if errno != 0 {
		return errno
	}
	defer dir.put()
	n := s.known(m.ID)
	defer release(n)
	if errno := unlink(dir.fd, m.Name, m.IsDir); errno != 0 {
		return errno
	}
	s.attrsOf(r, dir, n)
	return 0
}

func (s *server) rename(m *wire.RenameReq, r *reply) linux.Errno {
	dir, errno := s.getDir(m.Dir, true)
	if errno != 0 {
		return errno
	}
	defer dir.put()
	newDir, errno := s.getDir(m.NewDir, true)
	if errno != 0 {
		return errno
	}
	defer newDir.put()
	if m.Flags&^(linux.RENAME_NOREPLACE|linux.RENAME_EXCHANGE) != 0 {
		return linux.EINVAL
	}
	n, replaced := s.known(m.ID), s.known(m.Replaced)
	defer release(n)
	defer release(replaced)
	if errno := rename(dir.fd, m.Name, newDir.fd, m.NewName, m.Flags); errno != 0 {
		return errno
	}
	s.attrsOf(r, dir, newDir, n, replaced)
	return 0
}

func (s *server) setattr(m *wire.SetattrReq, r *reply) linux.Errno {
	n, errno := s.getChange(m.ID)
	if errno != 0 {
		return errno
	}
	defer n.put()
	steps := []struct {
		bits uint32
		do   func(*node, *wire.SetattrReq) linux.Errno
	}{
		{wire.SetSize, s.setSize},
		{wire.SetUID | wire.SetGID, s.setOwner}, // may clear bits of the mode
		{wire.SetMode, setMode},
		{wire.SetAtime | wire.SetMtime, setTimes},
	}
	for _, step := range steps {
		if m.Mask&step.bits == 0 {
			continue
		}
		if errno := step.do(n, m); errno != 0 {
			return errno
		}
	}
	a := s.attrOf(n.fd)
	if a.Mode == 0 {
		return linux.EIO
	}
	a.Put(&r.Encoder)
	return 0
}

func (s *server) setSize(n *node, m *wire.SetattrReq) linux.Errno {
	if n.typ != linux.S_IFREG {
		return linux.EINVAL
	}
	fd, errno := n.open(unix.O_WRONLY)
	if errno != 0 {
		return errno
	}
	defer closeFD(fd)
	return truncate(fd, m.Size)
}

func (s *server) setOwner(n *node, m *wire.SetattrReq) (errno linux.Errno) {
	uid, gid := -1, -1
	if m.Mask&wire.SetUID != 0 {
		if uid, errno = s.uids.in(m.UID); errno != 0 {
			return errno
		}
	}
	if m.Mask&wire.SetGID != 0 {
		if gid, errno = s.gids.in(m.GID); errno != 0 {
			return errno
		}
	}
	return chown(n.fd, uid, gid)
}

func setMode(n *node, m *wire.SetattrReq) linux.Errno {
	if n.typ == linux.S_IFLNK {
		return linux.EOPNOTSUPP
	}
	return chmod(n.fd, m.Mode)
}

func setTimes(n *node, m *wire.SetattrReq) linux.Errno {
	times := [2]unix.Timespec{{Nsec: unix.UTIME_OMIT}, {Nsec: unix.UTIME_OMIT}}
	if m.Mask&wire.SetAtime != 0 {
		times[0] = timespec(m.Atime)
	}
	if m.Mask&wire.SetMtime != 0 {
		times[1] = timespec(m.Mtime)
	}
	return utimes(n.fd, times[0], times[1])
}

// timespec rounds down, also before 1970.
func timespec(nano int64) unix.Timespec {
	sec := nano / 1e9
	if nano%1e9 < 0 {
		sec--
	}
	return unix.Timespec{Sec: sec, Nsec: nano - sec*1e9}
}

func (s *server) fsync(m *wire.FsyncReq, _ *reply) linux.Errno {
	n, errno := s.get(m.ID)
	if errno != 0 {
		return errno
	}
	defer n.put()
	if n.typ != linux.S_IFREG && n.typ != linux.S_IFDIR {
		return linux.EINVAL
	}
	open := openDir
	if n.typ == linux.S_IFREG {
		open = func(int) (int, linux.Errno) { return n.open(unix.O_RDONLY) }
	}
	fd, errno := open(n.fd)
	if errno != 0 {
		return errno
	}
	defer closeFD(fd)
	if m.FS {
		return syncfs(fd)
	}
	return fsync(fd, m.DataOnly)
}

func (s *server) setxattr(m *wire.XattrReq, _ *reply) linux.Errno {
	if !xattrAllowed(m.Name) {
		return linux.EOPNOTSUPP
	}
	n, errno := s.getXattrs(m.ID, true)
	if errno != 0 {
		return errno
	}
	defer n.put()
	if isACL(m.Name) {
		if errno := s.aclIn(m.Value); errno != 0 {
			return errno
		}
	}
	return setxattr(n.fd, m.Name, m.Value, m.Flags&(linux.XATTR_CREATE|linux.XATTR_REPLACE))
}

func (s *server) rmxattr(m *wire.XattrReq, _ *reply) linux.Errno {
	if !xattrAllowed(m.Name) {
		return linux.EOPNOTSUPP
	}
	n, errno := s.getXattrs(m.ID, true)
	if errno != 0 {
		return errno
	}
	defer n.put()
	return removexattr(n.fd, m.Name)
}
