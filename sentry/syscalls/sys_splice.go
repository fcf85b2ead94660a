package syscalls

import (
	"sync"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform/host"
	"github.com/seed-7423c386/runsc/sentry/fs/pipe"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/mm"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

func init() {
	register(rows{
		linux.SYS_SPLICE:          {"splice", "fd hex fd hex size hex", splice, "copies; no page moves"},
		linux.SYS_TEE:             {"tee", "fd fd size hex", tee, "copies"},
		linux.SYS_VMSPLICE:        {"vmsplice", "fd iov long hex", vmsplice, "copies; no page is given away"},
		linux.SYS_SENDFILE:        {"sendfile", "fd fd hex size", sendfile, ""},
		linux.SYS_COPY_FILE_RANGE: {"copy_file_range", "fd hex fd hex size hex", copyFileRange, "copies"},
	})
}

// Flags of splice(2).
const (
	spliceMove     = 1
	spliceNonblock = 2
	spliceMore     = 4
	spliceGift     = 8
	spliceAll      = 15
)

// mover copies between two files through a buffer of the kernel. An offset of nil is the file's
// position.
type mover struct {
	t        *kernel.Task
	from, to *vfs.File
	in, out  *int64
}

// moveChunk is how much is copied at a time.
const moveChunk = 64 << 10

// moveBuffers are buffers of that size: files copy what they are given.
var moveBuffers = sync.Pool{New: func() any { return new([moveChunk]byte) }}

// filler is what has room of its own for bytes that are to be written: they need not be copied to it. more says that others
// follow these.
type filler interface {
	Fill(ctx vfs.Ctx, f *vfs.File, n int, more bool, read func(dst *usermem.Buf) (int, linux.Errno)) (int, linux.Errno)
}

// pinner is a filler that can send a piece of a host file from where it is, and what is read behind it; EOPNOTSUPP if it does not.
type pinner interface {
	Pin(ctx vfs.Ctx, f *vfs.File, p usermem.Piece, n int, more bool, read func(dst *usermem.Buf) (int, linux.Errno)) (int, linux.Errno)
}

// worthPinning is how much of a file is not to be copied.
const worthPinning = 48 << 10

// pin is fill of the whole pages of what is to be sent of a host file. The rest is read, which shows whether the file is longer by now.
func (m *mover) pin(to pinner, n int) (int, linux.Errno) {
	off := uint64(*m.in)
	first, end := off&^uint64(usermem.PageMask), (off+uint64(n)-1)&^uint64(usermem.PageMask)
	if end < off+worthPinning {
		return 0, linux.EOPNOTSUPP
	}
	var a mm.MapArgs
	if m.from.Mmap(m.t, &a) != 0 || a.Mappable == nil {
		return 0, linux.EOPNOTSUPP
	}
	if _, ok := a.Mappable.(mm.HolePuncher); ok { // it is in memory
		return 0, linux.EOPNOTSUPP
	}
	b, errno := a.Mappable.Backing(first, end-first, false)
	if errno != 0 || b.Host == nil {
		return 0, linux.EOPNOTSUPP
	}
	size, errno := host.Lseek(b.Host.FD(), 0, linux.SEEK_END)
	end = min(end, first+b.Len, uint64(size)&^uint64(usermem.PageMask))
	if errno != 0 || end < off+worthPinning {
		return 0, linux.EOPNOTSUPP
	}
	p, ok := b.Host.Peek(b.Off+off-first, int(end-off))
	if !ok {
		return 0, linux.EOPNOTSUPP
	}
	defer p.Window.Put()
	rest := n - len(p.Bytes)
	put, errno := to.Pin(m.t, m.to, p, min(rest, moveChunk), rest > moveChunk, func(dst *usermem.Buf) (int, linux.Errno) {
		return m.from.ReadAt(m.t, dst, *m.in+int64(len(p.Bytes)), false)
	})
	*m.in += int64(put)
	return put, errno
}

// fill is once to a file that is a filler, from one that has a position.
func (m *mover) fill(to filler, n int) (int, linux.Errno) {
	if to, ok := to.(pinner); ok && m.in != nil && n >= worthPinning {
		if put, errno := m.pin(to, n); errno != linux.EOPNOTSUPP {
			return put, errno
		}
	}
	got := 0
	put, errno := to.Fill(m.t, m.to, n, n > moveChunk, func(dst *usermem.Buf) (_ int, errno linux.Errno) {
		if m.in != nil {
			got, errno = m.from.ReadAt(m.t, dst, *m.in, false)
		} else {
			got, errno = m.from.Read(m.t, dst)
		}
		return got, errno
	})
	switch {
	case m.in != nil:
		*m.in += int64(put)
	case put < got:
		m.from.Seek(m.t, int64(put-got), linux.SEEK_CUR)
	}
	return put, errno
}

// once copies at most n bytes: what was read but could not be written is put back by the
// position, or for a pipe kept from being read too early by first asking for room.
func (m *mover) once(n int) (int, linux.Errno) {
	if p := pipe.Of(m.to); p != nil {
		room, readers := p.Room()
		if _, errno := socket.Of(m.from); !readers && errno == 0 {
			return 0, linux.EPIPE // what is taken off a socket cannot be put back
		}
		if readers && room == 0 {
			if _, errno := m.room(p); errno != 0 {
				return 0, errno
			}
			room, _ = p.Room()
		}
		if room > 0 {
			n = min(n, room)
		}
	} else if p := pipe.Of(m.from); p != nil && m.out == nil {
		return m.fromPipe(p, min(n, moveChunk))
	}
	if to, ok := m.to.Ops.(filler); ok && m.out == nil && m.from.Inode.Type() == linux.S_IFREG {
		return m.fill(to, n)
	}
	whole := moveBuffers.Get().(*[moveChunk]byte)
	defer moveBuffers.Put(whole)
	b := whole[:min(n, moveChunk)]
	dst := usermem.Bytes(b)
	var (
		got   int
		errno linux.Errno
	)
	if m.in != nil {
		got, errno = m.from.ReadAt(m.t, &dst, *m.in, false)
	} else {
		got, errno = m.from.Read(m.t, &dst)
	}
	if got <= 0 {
		return 0, errno
	}
	src := usermem.Bytes(b[:got])
	var put int
	if m.out != nil {
		put, errno = m.to.WriteAt(m.t, &src, *m.out, false, false)
	} else {
		put, errno = m.to.Write(m.t, &src)
	}
	put = max(put, 0)
	switch {
	case m.in != nil:
		*m.in += int64(put)
	case put < got:
		m.from.Seek(m.t, int64(put-got), linux.SEEK_CUR)
	}
	if m.out != nil {
		*m.out += int64(put)
	}
	if put > 0 {
		errno = 0
	}
	return put, errno
}

// fromPipe copies from a pipe to a file that is none. What the file has no room for stays in the
// pipe.
func (m *mover) fromPipe(p *pipe.Pipe, n int) (int, linux.Errno) {
	var b []byte
	look := func() (_ int, errno linux.Errno) {
		b, errno = p.Peek(n)
		return 0, errno
	}
	_, errno := look()
	if errno == linux.EAGAIN && !m.from.NonBlocking() {
		_, errno = wait.Until(p.WaitQueue(), wait.In|wait.Hup, m.t.Waiter(), wait.Forever, look)
	}
	if errno != 0 || len(b) == 0 {
		return 0, errno
	}
	src := usermem.Bytes(b)
	put, errno := m.to.Write(m.t, &src)
	if put <= 0 {
		return 0, errno
	}
	taken := usermem.Bytes(make([]byte, put))
	for end := m.from.Ops.(vfs.FileOps); taken.Len() > 0; {
		if n, _ := end.Read(m.t, m.from, &taken, -1); n <= 0 {
			break // another reader was faster
		}
	}
	return put, 0
}

// room waits until a pipe has some.
func (m *mover) room(p *pipe.Pipe) (int, linux.Errno) {
	if m.to.NonBlocking() {
		return 0, linux.EAGAIN
	}
	return wait.Until(p.WaitQueue(), wait.Out|wait.Err, m.t.Waiter(), wait.Forever, func() (int, linux.Errno) {
		if room, readers := p.Room(); room == 0 && readers {
			return 0, linux.EAGAIN
		}
		return 0, 0
	})
}

// all copies n bytes or until the end; what was copied before an error counts.
func (m *mover) all(n uint64) (uintptr, linux.Errno) {
	total := uint64(0)
	for total < n {
		got, errno := m.once(int(min(n-total, 1<<30)))
		total += uint64(got)
		if errno != 0 && total == 0 {
			_, errno = wrote(m.t, 0, errno)
			return 0, errno
		}
		if got == 0 || errno != 0 || m.t.Waiter().Interrupted() {
			break
		}
	}
	return uintptr(total), 0
}

// two opens the two files of a call: EBADF unless from is readable and to writable.
func two(t *kernel.Task, from, to int32) (*vfs.File, *vfs.File, linux.Errno) {
	in, errno := t.File(from)
	if errno != 0 {
		return nil, nil, errno
	}
	out, errno := t.File(to)
	if errno != 0 {
		in.Put()
		return nil, nil, errno
	}
	if in.Mode&vfs.ModeRead == 0 || out.Mode&vfs.ModeWrite == 0 {
		in.Put()
		out.Put()
		return nil, nil, linux.EBADF
	}
	return in, out, 0
}

// offset copies in an offset if addr is not null.
func offset(t *kernel.Task, addr usermem.Addr) (*int64, linux.Errno) {
	if addr == 0 {
		return nil, 0
	}
	v, errno := usermem.CopyInInt[int64](t.Space(), addr)
	if errno == 0 && v < 0 {
		errno = linux.EINVAL
	}
	return &v, errno
}

// storeOffset stores it back.
func storeOffset(t *kernel.Task, addr usermem.Addr, v *int64) linux.Errno {
	if v == nil {
		return 0
	}
	return usermem.CopyOutInt(t.Space(), addr, *v)
}

// sendfile is sendfile(2).
func sendfile(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	off, errno := offset(t, a.Addr(2))
	if errno != 0 && errno != linux.EINVAL { // which comes later
		return 0, errno
	}
	in, out, errno := sent(t, a, off)
	if errno != 0 {
		return 0, errno
	}
	defer in.Put()
	defer out.Put()
	n := min(a.Size(3), usermem.MaxRW)
	p := pipe.Of(out)
	seeks := in.Pos() >= 0
	switch {
	case p == nil && (out.Flags()&linux.O_APPEND != 0 || !seeks):
		return 0, linux.EINVAL
	case n == 0:
		return 0, 0
	case in.Inode.IsDir() || !seeks && in.Inode.Type() != linux.S_IFSOCK:
		return 0, linux.EINVAL
	}
	t.HasSent()
	m := mover{t: t, from: in, to: out, in: off}
	if p != nil { // it is filled once (splice_file_to_pipe)
		if n, errno = m.fits(p, n); errno != 0 {
			return 0, errno
		}
	}
	if !seeks {
		return m.taken(n)
	}
	done, errno := m.all(n)
	if errno == 0 {
		errno = storeOffset(t, a.Addr(2), off)
	}
	return done, errno
}

// sent opens the files of sendfile(2), with the checks of what is read before there is anything to write to (do_sendfile).
func sent(t *kernel.Task, a Args, off *int64) (in, out *vfs.File, errno linux.Errno) {
	if in, errno = t.File(a.Int(1)); errno != 0 {
		return nil, nil, errno
	}
	switch {
	case in.Mode&vfs.ModeRead == 0:
		errno = linux.EBADF
	case off != nil && in.Pos() < 0:
		errno = linux.ESPIPE
	case off != nil && *off < 0 || a.Long(3) < 0:
		errno = linux.EINVAL
	default:
		out, errno = t.File(a.Int(0))
		if errno == 0 && out.Mode&vfs.ModeWrite == 0 {
			out.Put()
			errno = linux.EBADF
		}
	}
	if errno != 0 {
		in.Put()
	}
	return in, out, errno
}

// taken moves what a socket has; if the pipe does not wait for room, it is not waited for that, either.
func (m *mover) taken(n uint64) (uintptr, linux.Errno) {
	if m.to.NonBlocking() && m.from.Poll()&(wait.In|wait.Err|wait.Hup) == 0 {
		return 0, linux.EAGAIN
	}
	got, errno := m.once(int(n))
	if errno != 0 {
		return wrote(m.t, 0, errno)
	}
	return uintptr(got), 0
}

// fits is how much of n bytes a pipe has room for, when it has some.
func (m *mover) fits(p *pipe.Pipe, n uint64) (uint64, linux.Errno) {
	room, readers := p.Room()
	if readers && room == 0 {
		if _, errno := m.room(p); errno != 0 {
			return 0, errno
		}
		room, _ = p.Room()
	}
	if readers {
		n = min(n, uint64(max(room, 1)))
	}
	return n, 0
}

// splice is splice(2): at least one side is a pipe.
func splice(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	flags, n := a.Uint(5), a.Size(4)
	if flags&^spliceAll != 0 {
		return 0, linux.EINVAL
	}
	if n == 0 {
		return 0, 0
	}
	in, out, errno := two(t, a.Int(0), a.Int(2))
	if errno != 0 {
		return 0, errno
	}
	defer in.Put()
	defer out.Put()
	ip, op := pipe.Of(in), pipe.Of(out)
	switch {
	case ip == nil && op == nil, ip != nil && ip == op, in.Inode.IsDir():
		return 0, linux.EINVAL
	case ip != nil && a.Addr(1) != 0 || op != nil && a.Addr(3) != 0:
		return 0, linux.ESPIPE
	case a.Addr(1) != 0 && in.Pos() < 0 || a.Addr(3) != 0 && out.Pos() < 0:
		return 0, linux.EINVAL
	case op == nil && out.Flags()&linux.O_APPEND != 0:
		return 0, linux.EINVAL
	}
	inOff, errno := offset(t, a.Addr(1))
	if errno != 0 {
		return 0, errno
	}
	outOff, errno := offset(t, a.Addr(3))
	if errno != 0 {
		return 0, errno
	}
	if flags&spliceNonblock != 0 {
		if _, errno := socket.Of(in); errno == 0 && in.Poll()&(wait.In|wait.Err|wait.Hup) == 0 {
			return 0, linux.EAGAIN
		}
		if ip != nil {
			if b, errno := ip.Peek(1); errno != 0 || len(b) == 0 {
				return 0, errno
			}
		}
		if op != nil {
			if room, readers := op.Room(); room == 0 && readers {
				return 0, linux.EAGAIN
			}
		}
	}
	m := mover{t: t, from: in, to: out, in: inOff, out: outOff}
	got, errno := m.once(int(min(n, usermem.MaxRW)))
	if errno != 0 {
		return wrote(t, 0, errno)
	}
	if errno = storeOffset(t, a.Addr(1), inOff); errno == 0 {
		errno = storeOffset(t, a.Addr(3), outOff)
	}
	return uintptr(got), errno
}

// tee is tee(2).
func tee(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	flags := a.Uint(3)
	if flags&^spliceAll != 0 {
		return 0, linux.EINVAL
	}
	if a.Size(2) == 0 {
		return 0, 0
	}
	in, out, errno := two(t, a.Int(0), a.Int(1))
	if errno != 0 {
		return 0, errno
	}
	defer in.Put()
	defer out.Put()
	ip, op := pipe.Of(in), pipe.Of(out)
	if ip == nil || op == nil || ip == op {
		return 0, linux.EINVAL
	}
	nonblock := flags&spliceNonblock != 0 || in.NonBlocking() || out.NonBlocking()
	var b []byte
	look := func() (int, linux.Errno) {
		room, readers := op.Room()
		if !readers {
			return 0, linux.EPIPE
		}
		if room == 0 {
			return 0, linux.EAGAIN
		}
		var errno linux.Errno
		b, errno = ip.Peek(int(min(a.Size(2), uint64(room))))
		return len(b), errno
	}
	for {
		_, errno = look()
		if errno != linux.EAGAIN || nonblock {
			break
		}
		q := ip.WaitQueue()
		if room, _ := op.Room(); room == 0 {
			q = op.WaitQueue()
		}
		if _, errno = wait.Until(q, wait.All, t.Waiter(), wait.Forever, look); errno != linux.EAGAIN {
			break
		}
	}
	if errno != 0 || len(b) == 0 {
		return wrote(t, 0, errno)
	}
	src := usermem.Bytes(b)
	n, errno := out.Write(t, &src)
	return wrote(t, n, errno)
}

// vmsplice is vmsplice(2): memory into a pipe's write end, or a pipe's read end into memory.
func vmsplice(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Uint(3)&^spliceAll != 0 {
		return 0, linux.EINVAL
	}
	f, b, errno := vec(t, a)
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	p := pipe.Of(f)
	if p == nil {
		return 0, linux.EBADF
	}
	if b.Len() == 0 {
		return 0, 0
	}
	nonblock := a.Uint(3)&spliceNonblock != 0
	if f.Mode&vfs.ModeWrite != 0 {
		if room, readers := p.Room(); nonblock && room == 0 && readers {
			return 0, linux.EAGAIN
		}
		n, errno := f.Write(t, b)
		return wrote(t, n, errno)
	}
	if nonblock {
		if _, errno := p.Peek(1); errno != 0 {
			return 0, errno
		}
	}
	n, errno := f.Read(t, b)
	return haveRead(t, n, errno)
}

// copyFileRange is copy_file_range(2).
func copyFileRange(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Uint(5) != 0 {
		return 0, linux.EINVAL
	}
	in, out, errno := two(t, a.Int(0), a.Int(2))
	if errno != 0 {
		return 0, errno
	}
	defer in.Put()
	defer out.Put()
	switch {
	case in.Inode.IsDir() || out.Inode.IsDir():
		return 0, linux.EISDIR
	case in.Inode.Type() != linux.S_IFREG || out.Inode.Type() != linux.S_IFREG:
		return 0, linux.EINVAL
	case out.Flags()&linux.O_APPEND != 0:
		return 0, linux.EBADF
	}
	from, to, n := max(in.Pos(), 0), max(out.Pos(), 0), a.Size(4) // the host keeps that of a stream
	var inOff, outOff *int64
	for _, o := range []struct {
		addr usermem.Addr
		at   *int64
		off  **int64
	}{{a.Addr(1), &from, &inOff}, {a.Addr(3), &to, &outOff}} {
		if o.addr == 0 {
			continue
		}
		v, errno := usermem.CopyInInt[int64](t.Space(), o.addr)
		if errno != 0 {
			return 0, errno
		}
		*o.at, *o.off = v, &v
	}
	switch { // generic_copy_file_checks
	case uint64(from)+n < n || uint64(to)+n < n:
		return 0, linux.EOVERFLOW
	case from < 0 || to < 0 || int64(n) < 0:
		return 0, linux.EINVAL
	case to+int64(min(n, usermem.MaxRW)) < 0:
		return 0, linux.EFBIG
	}
	if in.Inode == out.Inode && from < to+int64(n) && to < from+int64(n) {
		return 0, linux.EINVAL
	}
	m := mover{t: t, from: in, to: out, in: inOff, out: outOff}
	got, errno := m.all(min(n, usermem.MaxRW))
	if errno == 0 {
		if errno = storeOffset(t, a.Addr(1), inOff); errno == 0 {
			errno = storeOffset(t, a.Addr(3), outOff)
		}
	}
	return got, errno
}
