package kernel

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/arch"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// What is lent to an application so that it need not call: bytes and room of sockets, datagrams, files that it opens (platform.Lender).

// Borrows is vfs.Borrower's.
func (t *Task) Borrows() bool {
	l, ok := t.ctx.(platform.Lender)
	if !ok {
		return false
	}
	l.Return()
	t.run.borrowed, t.run.polls = false, true
	return t.run.answers && t.quiet()
}

// Full is vfs.Borrower's.
func (t *Task) Full() bool { return t.ctx.(platform.Lender).Full() }

// settle makes good what the application has done with what was lent to it.
func (t *Task) settle(trap *platform.Trap) {
	fd := int32(-1)
	if r := &t.run.regs; trap.Kind == platform.Syscall {
		switch r.OrigRax {
		case linux.SYS_WRITE, linux.SYS_WRITEV, linux.SYS_SENDTO, linux.SYS_SENDMSG, linux.SYS_SENDFILE, linux.SYS_CLOSE, linux.SYS_SHUTDOWN:
			fd = int32(r.Rdi)
		}
	}
	l := t.ctx.(platform.Lender)
	if l.Settle(fd) {
		t.run.replies = true
	}
	if l, ok := l.(platform.FileLender); ok {
		for _, fd := range l.Closed(trap.Kind != platform.Syscall || !keepsFiles(&t.run.regs, l)) {
			t.Files().Close(t, fd)
			t.run.closes.seen()
		}
	}
	if !t.quiet() {
		l.Return()
		t.run.borrowed = false
	}
}

// HasRead is called when the application has read from f, which fd stands for. If it is a connection and those before were answered,
// what it needs to answer is lent.
func (t *Task) HasRead(f *vfs.File, fd int32) {
	t.run.asked = fd + 1
	if t.run.replies {
		t.run.replies = false // until it is seen again
		t.lend(f, fd, true)
	}
}

// HasReceived is called when it has received a datagram: those behind it are lent.
func (t *Task) HasReceived(f *vfs.File, fd int32) { t.lend(f, fd, false) }

// HasWritten is called when it has written.
func (t *Task) HasWritten(fd int32) { t.run.replies = t.run.asked == fd+1 }

// HasAccepted is called when it has accepted a connection: what has come by it meanwhile is lent.
func (t *Task) HasAccepted(f *vfs.File, fd int32) { t.lend(f, fd, false) }

// lend lends what one file has. What was lent before is over, but for that which epoll_wait has lent.
func (t *Task) lend(f *vfs.File, fd int32, empty bool) {
	l, ok := f.Ops.(vfs.Lender)
	if !ok || !t.run.answers || !t.quiet() {
		return
	}
	p, ok := t.ctx.(platform.Lender)
	if !ok {
		return
	}
	if !t.run.polls {
		p.Return()
		t.run.borrowed = false
	}
	l.Lend(t, f, fd, empty)
}

// BorrowPackets is vfs.Borrower's.
func (t *Task) BorrowPackets(fd int32, next func() (data, name []byte, ok bool), from platform.Lent) *platform.Loan {
	p, ok := t.ctx.(platform.PacketLender)
	if !ok {
		return nil
	}
	l := p.LendPackets(fd, next, from)
	t.run.borrowed = t.run.borrowed || l != nil
	return l
}

// keepsFiles reports whether a call changes nothing about who might notice that a file is closed a moment late: it makes no
// threads, processes or locks, closes no descriptor, and gives none of the file to others; a server may send messages.
func keepsFiles(r *arch.Registers, l platform.FileLender) bool {
	switch r.OrigRax {
	case linux.SYS_OPEN, linux.SYS_OPENAT, linux.SYS_STAT, linux.SYS_NEWFSTATAT, linux.SYS_FSTAT, linux.SYS_LSEEK, linux.SYS_READ, linux.SYS_READV, linux.SYS_PREAD64,
		linux.SYS_FADVISE64, linux.SYS_MMAP, linux.SYS_SENDFILE, linux.SYS_WRITE, linux.SYS_WRITEV, linux.SYS_SENDTO, linux.SYS_RECVFROM,
		linux.SYS_SETSOCKOPT, linux.SYS_GETDENTS64, linux.SYS_LSTAT, linux.SYS_STATX, linux.SYS_ACCESS, linux.SYS_FACCESSAT, linux.SYS_FACCESSAT2,
		linux.SYS_READLINK, linux.SYS_READLINKAT, linux.SYS_FSTATFS, linux.SYS_BRK, linux.SYS_FCHDIR:
		return true
	case linux.SYS_SENDMSG:
		return l.LendsFiles()
	case linux.SYS_FCNTL:
		switch uint32(r.Rsi) {
		case linux.F_DUPFD, linux.F_DUPFD_CLOEXEC, linux.F_GETFD, linux.F_SETFD, linux.F_GETFL:
			return true
		}
	}
	return false
}

// LendsFile reports whether a server that has just opened f may close it without a call, and know its attributes, since nobody
// else can tell.
func (t *Task) LendsFile(f *vfs.File) bool {
	if !t.run.borrowed || !f.Plain() || f.Inode.IsDir() || t.Files().Shared() {
		return false
	}
	l, ok := t.ctx.(platform.FileLender)
	return ok && l.LendsFiles()
}

// habit counts how often an application did something that it may be spared: after a few times it is, and now and then it is looked
// whether it does so still.
type habit int8

const (
	few  habit = 4
	many habit = 16
)

// seen counts another time.
func (h *habit) seen() {
	if *h++; *h >= few {
		*h = few + many
	}
}

// spared reports whether it is to be spared the next time.
func (h *habit) spared() bool {
	if *h <= few {
		return false
	}
	*h--
	return true
}

// HasClosed is called when it has closed a file by a call.
func (t *Task) HasClosed() { t.run.closes.seen() }

// HasStat is called when it has asked for the attributes of fd.
func (t *Task) HasStat(fd int32) {
	if t.run.opened == fd+1 {
		t.run.stats.seen()
	}
}

// LendsOpen lets an application that has just opened f as fd, or duplicated it, close it without a call, if nobody can tell. stat says that it
// had better know the attributes, too.
func (t *Task) LendsOpen(f *vfs.File, fd int32) (lends, stat bool) {
	t.run.opened = fd + 1
	if !t.run.answers || !f.Plain() || t.Files().Shared() || !t.unfiltered(linux.SYS_FCNTL) || !t.run.closes.spared() {
		return false, false
	}
	if l, ok := t.ctx.(platform.FileLender); !ok || !l.LendClose(fd) {
		return false, false
	}
	t.run.borrowed = true
	return true, t.run.stats.spared()
}

// unfiltered reports whether no seccomp filter wants to see call nr.
func (t *Task) unfiltered(nr uint64) bool {
	if !t.run.seccomp {
		return true
	}
	f := t.seccomp.filter.Load()
	return f != nil && f.allows(nr)
}

// LendOpen lets it know of that; stat is nil, or what it may know unless there was a change since changes were counted.
func (t *Task) LendOpen(f *vfs.File, fd int32, stat *linux.Stat, cloexec bool, changes uint64) {
	var known []byte
	switch {
	case stat == nil:
	case t.run.knows:
		known = usermem.View(stat)
	default:
		t.run.knows = true
		vfs.TellChanges(t, true) // what happened before was not counted
	}
	t.ctx.(platform.FileLender).LendOpen(fd, known, f.Flags(), cloexec)
	if known != nil && vfs.Changes() != changes {
		t.FilesChanged(false)
	}
}

// LendClose lets it close fd, another descriptor of f, without a call.
func (t *Task) LendClose(f *vfs.File, fd int32) {
	t.LendsOpen(f, fd)
	t.run.opened = 0
}

// HasListed is called when it has read all of the directory fd, at a time when so many changes were counted: if it is its own, it may know
// that there is no more.
func (t *Task) HasListed(fd int32, changes uint64) {
	if !t.run.borrowed || !t.run.knows {
		return
	}
	t.ctx.(platform.FileLender).LendEnd(fd)
	if vfs.Changes() != changes {
		t.FilesChanged(false)
	}
}

// opening is the call that the application makes, if it opens a file and does nothing else. The path is read once more: who changes
// it meanwhile deceives nobody but itself, since it has the file open.
func (t *Task) opening() (o platform.Opening) {
	const plain = linux.O_NONBLOCK | linux.O_CLOEXEC | linux.O_LARGEFILE | linux.O_NOCTTY
	r := &t.run.regs
	if r.OrigRax != linux.SYS_OPENAT || uint32(r.Rdx)&^plain != 0 {
		return o
	}
	path, errno := t.Space().CopyInString(usermem.Addr(r.Rsi), platform.MostPath)
	if errno != 0 {
		return o
	}
	return platform.Opening{Dir: int32(r.Rdi), Flags: uint32(r.Rdx), Path: path}
}

// HasSent is called when it has sent a file by sendfile(2).
func (t *Task) HasSent() { t.run.sends = true }

// FilesChanged is vfs.Knower's.
func (t *Task) FilesChanged(names bool) {
	if l, ok := t.ctx.(platform.FileLender); ok {
		l.FilesChanged()
	}
	if names {
		t.forgetPaths()
	}
}

// forgetPaths has the application ask again whether paths lead to links.
func (t *Task) forgetPaths() {
	if l, ok := t.ctx.(platform.PathLender); ok {
		l.PathsChanged()
	}
}

// NoLink is called when the application has asked what the link is that path leads to, and p, where it leads, is none; it was walked at
// a time when so many changes were counted. One that asks often may know it, if path begins with p's name, and is not another way there.
func (t *Task) NoLink(path []byte, p vfs.Path, changes uint64) {
	l, ok := t.ctx.(platform.PathLender)
	if !ok || !t.run.answers || !t.unfiltered(linux.SYS_READLINK) {
		return
	}
	if t.run.links < few {
		t.run.links++
		return
	}
	if !t.run.knows {
		t.run.knows = true
		vfs.TellChanges(t, true)
		return // what happened before was not counted
	}
	name, ok, deleted := p.Name(t.FS().Here().Root)
	if !ok || deleted || len(name) > len(path) || string(path[:len(name)]) != name {
		return
	}
	l.LendPath(name)
	if vfs.Changes() != changes {
		l.PathsChanged()
	}
}

// LendFile lets it do so; stat is what it may know, unless there was a change since changes were counted. If it sends what it opens, the
// bytes of a short file are lent, too.
func (t *Task) LendFile(f *vfs.File, fd int32, stat *linux.Stat, changes uint64) {
	if !t.run.knows {
		t.run.knows = true
		vfs.TellChanges(t, true)
		return // what happened before was not counted
	}
	var data []byte
	if t.run.sends && stat.Size > 0 && stat.Size <= platform.MostFile {
		if t.run.file == nil {
			t.run.file = make([]byte, platform.MostFile)
		}
		dst := usermem.Bytes(t.run.file[:stat.Size])
		if n, _ := f.ReadAt(t, &dst, 0, false); int64(n) == stat.Size {
			data = t.run.file[:n]
		}
	}
	if t.ctx.(platform.FileLender).LendFile(fd, usermem.View(stat), data, t.opening()) {
		t.run.sends = false
	}
	if vfs.Changes() != changes {
		t.FilesChanged(false)
	}
}

// Holds is vfs.Borrower's.
func (t *Task) Holds(fd int32, f *vfs.File) bool { return t.Files().Holds(fd, f) }

// Borrow is vfs.Borrower's.
func (t *Task) Borrow(fd int32, data []byte, room int, from platform.Lent) *platform.Loan {
	l := t.ctx.(platform.Lender).Lend(fd, data, room, from)
	t.run.borrowed = t.run.borrowed || l != nil
	return l
}
