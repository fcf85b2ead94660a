package proc

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/fs/eventfd"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// fds are the entries of /proc/PID/fd, or with info of fdinfo.
type fds struct {
	f    *FS
	t    *kernel.Task
	info bool
}

// fileOf returns the open file behind a descriptor of t with a reference: ENOENT.
func fileOf(t *kernel.Task, nr int32) (*vfs.File, linux.Errno) {
	files := t.Files()
	if files == nil {
		return nil, linux.ENOENT
	}
	f, errno := files.File(nr)
	if errno != 0 {
		return nil, linux.ENOENT
	}
	return f, 0
}

func (p fds) lookup(_ vfs.Ctx, d *dir, name string) (*vfs.Inode, linux.Errno) {
	nr, ok := number(name)
	if !ok {
		return nil, linux.ENOENT
	}
	file, errno := fileOf(p.t, nr)
	if errno != 0 {
		return nil, errno
	}
	mode := file.Mode
	file.Put()
	if p.info {
		return reg(name, 0o444, &spec{dead: linux.ENOENT, text: func(c *call) (string, linux.Errno) { return fdinfo(c, nr) }}).make(d, d.join(name)), 0
	}
	l := &magicLink{path: func(t *kernel.Task) (vfs.Path, linux.Errno) {
		f, errno := fileOf(t, nr)
		if errno != 0 {
			return vfs.Path{}, errno
		}
		defer f.Put()
		f.Path.Get()
		return f.Path, 0
	}}
	perm := uint32(linux.S_IFLNK)
	if mode&vfs.ModeRead != 0 {
		perm |= 0o500
	}
	if mode&vfs.ModeWrite != 0 {
		perm |= 0o300
	}
	l.init(l, p.f, d.join(name), perm, p.t)
	l.Update(func(a *vfs.Attr) { a.Size = 64 })
	return &l.Inode, 0
}

func (p fds) list(_ vfs.Ctx, from int64) (es []numbered) {
	files := p.t.Files()
	if files == nil || from > 1<<30 {
		return nil
	}
	typ := uint8(linux.DT_LNK)
	if p.info {
		typ = linux.DT_REG
	}
	for _, fd := range files.List(int32(from)) {
		if len(es) == listed {
			break
		}
		es = append(es, numbered{int64(fd), strconv.Itoa(int(fd)), typ})
	}
	return es
}

// fdinfo is /proc/PID/fdinfo/N.
func fdinfo(c *call, fd int32) (string, linux.Errno) {
	f, errno := fileOf(c.t, fd)
	if errno != 0 {
		return "", errno
	}
	defer f.Put()
	flags := f.Flags()
	if files := c.t.Files(); files != nil {
		if on, _ := files.Cloexec(fd); on {
			flags |= linux.O_CLOEXEC
		}
	}
	s := fmt.Sprintf("pos:\t%d\nflags:\t0%o\nmnt_id:\t%d\nino:\t%d\n", max(f.Pos(), 0), flags, f.Path.Mount.ID, f.Inode.Ino)
	switch o := f.Ops.(type) {
	case *eventfd.Counter:
		s += o.Info()
	case *kernel.Signalfd:
		s += fmt.Sprintf("sigmask:\t%016x\n", uint64(o.Mask()))
	case *kernel.Timerfd:
		s += o.Info()
	case *vfs.Epoll:
		s += o.Info()
	case *vfs.Inotify:
		s += o.Info()
	case *kernel.Pidfd:
		s += pidfdInfo(c, o)
	}
	if files := c.t.Files(); files != nil {
		for i, l := range f.Locks(files) {
			s += fmt.Sprintf("lock:\t%d: %s\n", i+1, l.Text(c.fs.lockPID(&l)))
		}
	}
	return s, 0
}

// pidfdInfo shows the numbers in the namespaces from the mount's down (pidfd_show_fdinfo).
func pidfdInfo(c *call, o *kernel.Pidfd) string {
	p := o.Task(c.fs.k)
	if p == nil {
		return "Pid:\t-1\nNSpid:\t-1\n"
	}
	nrs := p.Group().ID().Numbers(c.fs.ns)
	if p.Group().PIDIn(c.fs.ns) == 0 || len(nrs) == 0 {
		return "Pid:\t0\nNSpid:\t0\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Pid:\t%d\nNSpid:", nrs[0])
	for _, nr := range nrs {
		fmt.Fprintf(&b, "\t%d", nr)
	}
	return b.String() + "\n"
}
