package host

import (
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// Packets is a packet socket (packet(7)) that came as a descriptor and does not block.
type Packets struct {
	FD   int
	size int
	bufs []*Frame
	iovs []unix.Iovec
	msgs []mmsghdr
	at   int // the packet that is looked at
	kept bool
	ring packetRing
}

// Frame is a buffer that a packet came in.
type Frame struct{ buf []byte }

var frames sync.Pool

// Free gives it back.
func (f *Frame) Free() { frames.Put(f) }

// renew gives a place of the batch another buffer.
func (p *Packets) renew(i int) {
	f, ok := frames.Get().(*Frame)
	if !ok || len(f.buf) < p.size {
		f = &Frame{make([]byte, p.size)}
	}
	p.bufs[i] = f
	p.iovs[i] = unix.Iovec{Base: &f.buf[0], Len: uint64(p.size)}
}

// Keep returns the buffer of the packet that is looked at. It is the caller's until Free.
func (p *Packets) Keep() *Frame {
	p.kept = true
	return p.bufs[p.at]
}

// mmsghdr is struct mmsghdr of recvmmsg(2).
type mmsghdr struct {
	unix.Msghdr
	n uint32
	_ uint32
}

// NewPackets takes over a descriptor, with its ring, if MakeRing has made one; batch packets of at most size bytes are read at once.
// An error is that of mmap(2).
func NewPackets(fd, batch, size int) (*Packets, linux.Errno) {
	p := &Packets{FD: fd, size: size, bufs: make([]*Frame, batch), iovs: make([]unix.Iovec, batch), msgs: make([]mmsghdr, batch)}
	for i := range p.bufs {
		p.renew(i)
		p.msgs[i].Iov, p.msgs[i].Iovlen = &p.iovs[i], 1
	}
	return p, p.mapRing()
}

// Read calls f for each packet of a batch, which it may look at until Done, or Keep, if keep says so: how many there were, and whether
// there may be more. It does not block, so the Go runtime is not told.
func (p *Packets) Read(f func(b []byte, keep bool)) (n int, more bool) {
	if p.ring.slots != nil {
		return p.readRing(f)
	}
	n, _ = p.receive(0, len(p.msgs), f)
	return n, n == len(p.msgs)
}

// receive takes packets from the socket's queue into the buffers from one to another. Safe: the buffers live as long as p, and the
// host writes no more than the lengths it is told.
func (p *Packets) receive(from, to int, f func(b []byte, keep bool)) (int, linux.Errno) {
	n, _, e := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(p.FD), uintptr(unsafe.Pointer(&p.msgs[from])), uintptr(to-from), unix.MSG_DONTWAIT, 0, 0)
	if e != 0 {
		return 0, linux.Errno(e)
	}
	for i := from; i < from+int(n); i++ {
		p.at, p.kept = i, false
		if f(p.bufs[i].buf[:p.msgs[i].n], true); p.kept {
			p.renew(i)
		}
	}
	return int(n), 0
}

// Send sends one packet, head and what follows. Safe: iov holds the pieces, and both live until the call is over.
func (p *Packets) Send(head []byte, data [][]byte) linux.Errno {
	var iov [iovMax]unix.Iovec
	if len(data) >= iovMax {
		flat := append([]byte(nil), data[iovMax-2]...)
		for _, d := range data[iovMax-1:] {
			flat = append(flat, d...)
		}
		data = append(data[:iovMax-2:iovMax-2], flat)
	}
	iov[0] = unix.Iovec{Base: &head[0], Len: uint64(len(head))}
	for i, d := range data {
		iov[i+1] = unix.Iovec{Base: unsafe.SliceData(d), Len: uint64(len(d))}
	}
	for {
		_, _, e := unix.RawSyscall(unix.SYS_WRITEV, uintptr(p.FD), uintptr(unsafe.Pointer(&iov)), uintptr(len(data)+1))
		if e != unix.EINTR {
			return linux.Errno(e)
		}
	}
}

// WaitRead waits until one of the descriptors can be read, for timeout ns if that is not negative: whether the first can.
// For the first short ns of it the Go runtime is not told, since to tell costs more than what comes soon. If it wants the processor
// meanwhile, to collect garbage, its signal ends that.
func WaitRead(fds []int, timeout, short int64) (first bool) {
	var few [16]unix.PollFd
	list := few[:0]
	for _, fd := range fds {
		list = append(list, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	}
	var began time.Time
	if timeout >= 0 {
		began, short = time.Now(), min(short, timeout)
	}
	if pollShort(list, short) == 0 {
		if timeout >= 0 {
			timeout = max(0, timeout-int64(time.Since(began)))
		}
		if timeout != 0 {
			Poll(list, timeout)
		}
	}
	return list[0].Revents != 0
}

// pollShort is ppoll(2) without a word to the Go runtime. Safe: the host reads the time and writes the events, which
// both live until the call is over.
func pollShort(fds []unix.PollFd, timeout int64) int {
	ts := unix.NsecToTimespec(timeout)
	n, _, e := unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(unsafe.SliceData(fds))), uintptr(len(fds)), uintptr(unsafe.Pointer(&ts)), 0, 0, 0)
	if e != 0 {
		return 0
	}
	return int(n)
}
