// Package hostfile makes open files of descriptors that the sentry inherited: the standard input
// and output of a container. They are streams: the host keeps their position. A terminal is the
// container's terminal, with the host's line discipline; what is ours is job control (tty.go).
//
// The descriptors are shared with processes of the host, so they stay in the mode they are in;
// nothing is read or written before the host says that it would not block.
package hostfile

import (
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform/host"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

var fs = vfs.NewPseudo("pipefs", 0x50495045)

// file is an inherited descriptor.
type file struct {
	fd    int
	queue wait.Queue
	armed atomic.Uint32 // the events the watcher looks for
}

// New returns an open file for the host descriptor fd, which it takes over. If fd is a terminal
// it is returned too, and its file is at the path that console gives: /dev/console. known is
// the terminal of another descriptor or nil: fd may be of the same one.
func New(ctx vfs.Ctx, fd int, known *TTY, console func() (vfs.Path, linux.Errno)) (*vfs.File, *TTY, linux.Errno) {
	var st unix.Stat_t
	if errno := host.Fstat(fd, &st); errno != 0 {
		return nil, nil, errno
	}
	fl, errno := host.Flags(fd)
	if errno != 0 {
		return nil, nil, errno
	}
	flags := uint32(fl) & (linux.O_ACCMODE | linux.O_APPEND)
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFCHR:
		if _, errno := host.Termios(fd); errno == 0 {
			p, errno := console()
			if errno != 0 {
				p = fs.NewPath(ctx, "tty", linux.S_IFCHR|0o620)
			}
			f := newTTYFile(fd, st.Rdev, known)
			return vfs.NewFile(ctx, p, f, flags), f.tty, 0
		}
		// /dev/null and its like behave as a file that is always ready.
		return vfs.NewFile(ctx, fs.NewPath(ctx, "host", linux.S_IFCHR|0o666), &plain{file{fd: fd}}, flags), nil, 0
	case unix.S_IFREG, unix.S_IFDIR:
		return vfs.NewFile(ctx, fs.NewPath(ctx, "host", linux.S_IFREG|0o600), &plain{file{fd: fd}}, flags), nil, 0
	case unix.S_IFSOCK:
		return vfs.NewFile(ctx, fs.NewPath(ctx, "socket", linux.S_IFSOCK|0o777), &stream{file{fd: fd}}, flags), nil, 0
	}
	return vfs.NewFile(ctx, fs.NewPath(ctx, "pipe", linux.S_IFIFO|0o600), &stream{file{fd: fd}}, flags), nil, 0
}

// plain never waits: a regular file or a memory device.
type plain struct{ file }

// stream waits: a pipe, a socket.
type stream struct{ file }

// Stream marks both as without a position that vfs keeps.
func (f *file) Stream() {}

// chunk bounds one transfer: what a pipe takes without blocking if it is writable at all.
const chunk = 64 << 10

// transfer moves at most n bytes through a buffer.
func (f *file) read(dst *usermem.Buf) (int, linux.Errno) {
	b := make([]byte, min(dst.Len(), chunk))
	n, errno := host.Read(f.fd, b)
	if errno != 0 || n == 0 {
		return 0, errno
	}
	return dst.CopyOut(b[:n])
}

func (f *file) write(src *usermem.Buf, most int) (int, linux.Errno) {
	b := make([]byte, min(src.Len(), most))
	n, errno := src.CopyIn(b)
	if n == 0 {
		return 0, errno
	}
	return host.Write(f.fd, b[:n])
}

// Read is vfs.FileOps's.
func (f *plain) Read(_ vfs.Ctx, _ *vfs.File, dst *usermem.Buf, _ int64) (int, linux.Errno) {
	return f.read(dst)
}

// Write is vfs.FileOps's.
func (f *plain) Write(_ vfs.Ctx, _ *vfs.File, src *usermem.Buf, _ int64) (int, linux.Errno) {
	done := 0
	for src.Len() > 0 {
		n, errno := f.write(src, chunk)
		done += n
		if errno != 0 && done == 0 {
			return 0, errno
		}
		if errno != 0 || n == 0 {
			break
		}
	}
	return done, 0
}

// Seek is vfs.Seeker's: the host keeps the position.
func (f *plain) Seek(_ vfs.Ctx, _ *vfs.File, off int64, whence int) (int64, linux.Errno) {
	return host.Lseek(f.fd, off, whence)
}

// ready asks the host which of the events the descriptor is ready for.
func (f *file) ready(want int16) wait.Event {
	fds := []unix.PollFd{{Fd: int32(f.fd), Events: want}}
	if n, errno := host.Poll(fds, 0); errno != 0 || n == 0 {
		return 0
	}
	return wait.Event(uint16(fds[0].Revents))
}

// Read is vfs.FileOps's.
func (f *stream) Read(_ vfs.Ctx, _ *vfs.File, dst *usermem.Buf, _ int64) (int, linux.Errno) {
	if f.ready(unix.POLLIN) == 0 {
		watch(&f.file, unix.EPOLLIN)
		return 0, linux.EAGAIN
	}
	return f.read(dst)
}

// pipeBuf is what a pipe or terminal that is ready takes whole.
const pipeBuf = 4096

// Write is vfs.FileOps's.
func (f *stream) Write(_ vfs.Ctx, _ *vfs.File, src *usermem.Buf, _ int64) (int, linux.Errno) {
	return f.writeReady(src)
}

// writeReady writes piece by piece as long as the host takes them.
func (f *file) writeReady(src *usermem.Buf) (int, linux.Errno) {
	done := 0
	for {
		if f.ready(unix.POLLOUT) == 0 {
			watch(f, unix.EPOLLOUT)
			if done > 0 {
				return done, 0
			}
			return 0, linux.EAGAIN
		}
		n, errno := f.write(src, pipeBuf)
		done += n
		if errno != 0 && done == 0 {
			return 0, errno
		}
		if errno != 0 || n == 0 || src.Len() == 0 {
			return done, 0
		}
	}
}

// Poll is vfs.Poller's. What is not ready is watched for.
func (f *stream) Poll(vf *vfs.File) wait.Event { return f.poll(vf) }

func (f *file) poll(vf *vfs.File) wait.Event {
	want := int16(0)
	if vf.Mode&vfs.ModeRead != 0 {
		want |= unix.POLLIN
	}
	if vf.Mode&vfs.ModeWrite != 0 {
		want |= unix.POLLOUT
	}
	got := f.ready(want)
	if missing := wait.Event(want) &^ got; missing != 0 {
		watch(f, uint32(missing))
	}
	return got
}

// Queue is vfs.Poller's.
func (f *stream) Queue(*vfs.File) *wait.Queue { return &f.queue }

// Release is vfs.FileOps's. The descriptor goes with the last that has it open, so that a reader outside sees
// the end.
func (f *file) Release(*vfs.File) {
	unwatch(f)
	host.Close(f.fd)
}

// Ioctl is vfs.Ioctler's.
func (f *stream) Ioctl(ctx vfs.Ctx, _ *vfs.File, cmd uint32, arg uint64) (uintptr, linux.Errno) {
	if cmd != linux.FIONREAD {
		return 0, linux.ENOTTY
	}
	n, errno := host.Readable(f.fd)
	if errno != 0 {
		return 0, errno
	}
	return 0, usermem.CopyOutInt(ctx.Space(), usermem.Addr(arg), int32(n))
}

// The watcher is one host epoll instance and a goroutine, made when the first file is waited
// for.
var watcher struct {
	once sync.Once
	fd   int

	mu    sync.Mutex
	files map[int32]*file
}

// watch has the queue of f notified once when one of the events comes.
func watch(f *file, events uint32) {
	w := &watcher
	w.once.Do(func() {
		w.files = map[int32]*file{}
		w.fd, _ = host.EpollCreate()
		go watchLoop()
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	want := f.armed.Load() | events
	f.armed.Store(want)
	op := unix.EPOLL_CTL_MOD
	if w.files[int32(f.fd)] != f {
		w.files[int32(f.fd)] = f
		op = unix.EPOLL_CTL_ADD
	}
	host.EpollCtl(w.fd, op, f.fd, &unix.EpollEvent{Events: want | unix.EPOLLONESHOT, Fd: int32(f.fd)})
}

func unwatch(f *file) {
	w := &watcher
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.files[int32(f.fd)] == f {
		delete(w.files, int32(f.fd))
		host.EpollCtl(w.fd, unix.EPOLL_CTL_DEL, f.fd, &unix.EpollEvent{})
	}
}

func watchLoop() {
	w := &watcher
	events := make([]unix.EpollEvent, 16)
	for {
		n, errno := host.EpollWait(w.fd, events, -1)
		if errno == linux.EINTR {
			continue
		}
		if errno != 0 {
			return
		}
		for _, e := range events[:n] {
			w.mu.Lock()
			f := w.files[e.Fd]
			if f != nil {
				left := f.armed.Load() &^ e.Events
				f.armed.Store(left)
				if left != 0 {
					host.EpollCtl(w.fd, unix.EPOLL_CTL_MOD, f.fd, &unix.EpollEvent{Events: left | unix.EPOLLONESHOT, Fd: e.Fd})
				}
			}
			w.mu.Unlock()
			if f != nil {
				f.queue.Notify(wait.Event(e.Events) & wait.All)
			}
		}
	}
}
