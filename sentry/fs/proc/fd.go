package proc

import (
	"fmt"
	"strconv"

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

// CheckPermission is vfs.Permissioner's: a process may always look at its own descriptors
// (proc_fd_permission).
func (d *dir) CheckPermission(ctx vfs.Ctx, want uint32) linux.Errno {
	a := d.Attr()
	errno := vfs.CheckMode(ctx.Cred(), a.Mode, a.UID, a.GID, want)
	if _, ok := d.more.(fds); ok && errno != 0 {
		if t, ok := ctx.(*kernel.Task); ok && t.Group() == d.task.Group() {
			return 0
		}
	}
	return errno
}

func (p fds) lookup(ctx vfs.Ctx, name string) (*vfs.Inode, linux.Errno) {
	nr, err := strconv.ParseUint(name, 10, 31)
	files := p.t.Files()
	if err != nil || files == nil {
		return nil, linux.ENOENT
	}
	if !mayLook(ctx, p.t) {
		return nil, linux.EACCES
	}
	file, errno := files.File(int32(nr))
	if errno != 0 {
		return nil, linux.ENOENT
	}
	mode := file.Mode
	file.Put()
	dir := "/" + strconv.Itoa(int(p.t.TIDIn(p.f.ns)))
	get := func() (*vfs.File, linux.Errno) {
		files := p.t.Files()
		if files == nil {
			return nil, linux.ENOENT
		}
		f, errno := files.File(int32(nr))
		if errno != 0 {
			errno = linux.ENOENT
		}
		return f, errno
	}
	if p.info {
		e := p.f.ofCtl(p.t, name, 0o400, true, func(vfs.Ctx) (string, linux.Errno) { return fdinfo(p.t, int32(nr), get) }, nil)
		return e.make(dir + "/fdinfo/" + name), 0
	}
	l := &magicLink{path: func() (vfs.Path, linux.Errno) {
		f, errno := get()
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
	l.init(l, p.f, dir+"/fd/"+name, perm, p.t)
	return &l.Inode, 0
}

func (p fds) list(ctx vfs.Ctx) (es []entry) {
	files := p.t.Files()
	if files == nil || !mayLook(ctx, p.t) {
		return nil
	}
	typ := uint8(linux.DT_LNK)
	if p.info {
		typ = linux.DT_REG
	}
	for _, fd := range files.List(0) {
		es = append(es, entry{name: strconv.Itoa(int(fd)), typ: typ})
	}
	return es
}

// fdinfo is /proc/PID/fdinfo/N.
func fdinfo(t *kernel.Task, fd int32, get func() (*vfs.File, linux.Errno)) (string, linux.Errno) {
	f, errno := get()
	if errno != 0 {
		return "", errno
	}
	defer f.Put()
	flags := f.Flags()
	if on, _ := t.Files().Cloexec(fd); on {
		flags |= linux.O_CLOEXEC
	}
	s := fmt.Sprintf("pos:\t%d\nflags:\t0%o\nmnt_id:\t%d\nino:\t%d\n", max(f.Pos(), 0), flags, f.Path.Mount.ID, f.Inode.Ino)
	switch o := f.Ops.(type) {
	case *eventfd.Counter:
		s += o.Info()
	case *kernel.Signalfd:
		s += fmt.Sprintf("sigmask:\t%016x\n", uint64(o.Mask()))
	case *kernel.Timerfd:
		s += o.Info()
	case *kernel.Pidfd:
		nr := int32(-1)
		if p := o.Task(t.Kernel()); p != nil {
			nr = p.Group().PIDIn(t.PIDNS())
		}
		s += fmt.Sprintf("Pid:\t%d\nNSpid:\t%d\n", nr, nr)
	}
	for i, l := range f.Locks(t.Files()) {
		s += fmt.Sprintf("lock:\t%d: %s\n", i+1, l)
	}
	return s, 0
}
