// Package dev is the devices that every container has: null, zero, full, random, urandom, kmsg
// and the controlling terminal (drivers/char/mem.c, random.c, tty_io.c).
package dev

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/mm"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Minors of major 1.
const (
	minorNull    = 3
	minorZero    = 5
	minorFull    = 7
	minorRandom  = 8
	minorUrandom = 9
	minorKmsg    = 11
)

// Register makes the nodes of every file system work. random fills a buffer.
func Register(random func(b []byte)) {
	vfs.RegisterDevice(false, 1, func(_ vfs.Ctx, _ *vfs.File, minor uint32) (vfs.FileOps, linux.Errno) {
		switch minor {
		case minorNull:
			return null{}, 0
		case minorZero:
			return zero{}, 0
		case minorFull:
			return full{}, 0
		case minorRandom, minorUrandom:
			return rnd{random}, 0
		case minorKmsg:
			return kmsg{}, 0
		}
		return nil, linux.ENXIO
	})
	vfs.RegisterDevice(false, 5, func(ctx vfs.Ctx, f *vfs.File, minor uint32) (vfs.FileOps, linux.Errno) {
		jc, ok := ctx.(vfs.JobControl)
		if !ok {
			return nil, linux.ENXIO
		}
		switch minor {
		case 0, 1:
			t := jc.TTY()
			if t == nil {
				return nil, linux.ENXIO
			}
			o, ok := t.(Opener)
			if !ok {
				return nil, linux.EIO
			}
			return o.OpenTTY(ctx, f)
		case 2:
			return openPtmx(ctx, f)
		}
		return nil, linux.ENXIO
	})
}

// Opener is a terminal that /dev/tty can lead to.
type Opener interface {
	OpenTTY(ctx vfs.Ctx, f *vfs.File) (vfs.FileOps, linux.Errno)
}

var openPtmx = func(vfs.Ctx, *vfs.File) (vfs.FileOps, linux.Errno) { return nil, linux.ENXIO }

// RegisterPtmx makes opens of /dev/ptmx nodes work.
func RegisterPtmx(open func(ctx vfs.Ctx, f *vfs.File) (vfs.FileOps, linux.Errno)) { openPtmx = open }

// always is ready for everything, and keeps no position.
type always struct{}

// Poll is vfs.Poller's.
func (always) Poll(*vfs.File) wait.Event { return wait.In | wait.Out | wait.RdNorm | wait.WrNorm }

// Queue is vfs.Poller's: nothing ever changes.
func (always) Queue(*vfs.File) *wait.Queue { return nil }

// Release is vfs.FileOps's.
func (always) Release(*vfs.File) {}

// Seek is vfs.Seeker's: the position is always 0.
func (always) Seek(vfs.Ctx, *vfs.File, int64, int) (int64, linux.Errno) { return 0, 0 }

// discard takes all of src.
func discard(src *usermem.Buf) (int, linux.Errno) {
	n := src.Len()
	src.Limit(0)
	return n, 0
}

type null struct{ always }

// Read is vfs.FileOps's: the end of the file.
func (null) Read(vfs.Ctx, *vfs.File, *usermem.Buf, int64) (int, linux.Errno) { return 0, 0 }

// Write is vfs.FileOps's.
func (null) Write(_ vfs.Ctx, _ *vfs.File, src *usermem.Buf, _ int64) (int, linux.Errno) {
	return discard(src)
}

type zero struct{ always }

var zeros [64 << 10]byte

func readZeros(dst *usermem.Buf) (int, linux.Errno) {
	total := 0
	for dst.Len() > 0 {
		n, errno := dst.CopyOut(zeros[:min(dst.Len(), len(zeros))])
		total += n
		if errno != 0 {
			if total > 0 {
				break
			}
			return 0, errno
		}
	}
	return total, 0
}

// Read is vfs.FileOps's.
func (zero) Read(_ vfs.Ctx, _ *vfs.File, dst *usermem.Buf, _ int64) (int, linux.Errno) {
	return readZeros(dst)
}

// Write is vfs.FileOps's.
func (zero) Write(_ vfs.Ctx, _ *vfs.File, src *usermem.Buf, _ int64) (int, linux.Errno) {
	return discard(src)
}

// Mmap is vfs.Mapper's: anonymous memory.
func (zero) Mmap(_ vfs.Ctx, _ *vfs.File, a *mm.MapArgs) linux.Errno {
	a.File, a.Mappable = nil, nil
	a.Flags |= linux.MAP_ANONYMOUS
	a.Off = 0
	return 0
}

type full struct{ always }

// Read is vfs.FileOps's.
func (full) Read(_ vfs.Ctx, _ *vfs.File, dst *usermem.Buf, _ int64) (int, linux.Errno) {
	return readZeros(dst)
}

// Write is vfs.FileOps's.
func (full) Write(_ vfs.Ctx, _ *vfs.File, src *usermem.Buf, _ int64) (int, linux.Errno) {
	return 0, linux.ENOSPC
}

type rnd struct{ fill func(b []byte) }

// Poll is vfs.Poller's.
func (rnd) Poll(*vfs.File) wait.Event { return wait.In | wait.Out | wait.RdNorm | wait.WrNorm }

// Queue is vfs.Poller's.
func (rnd) Queue(*vfs.File) *wait.Queue { return nil }

// Release is vfs.FileOps's.
func (rnd) Release(*vfs.File) {}

// Seek is vfs.Seeker's.
func (rnd) Seek(vfs.Ctx, *vfs.File, int64, int) (int64, linux.Errno) { return 0, 0 }

// Read is vfs.FileOps's.
func (r rnd) Read(_ vfs.Ctx, _ *vfs.File, dst *usermem.Buf, _ int64) (int, linux.Errno) {
	b := make([]byte, min(dst.Len(), 4096)) // mostly a few
	total := 0
	for dst.Len() > 0 {
		p := b[:min(dst.Len(), len(b))]
		r.fill(p)
		n, errno := dst.CopyOut(p)
		total += n
		if errno != 0 {
			if total > 0 {
				break
			}
			return 0, errno
		}
	}
	return total, 0
}

// Write is vfs.FileOps's: the host's generator needs no help.
func (rnd) Write(_ vfs.Ctx, _ *vfs.File, src *usermem.Buf, _ int64) (int, linux.Errno) {
	return discard(src)
}

const rndGetEntCnt = 0x80045200

// Ioctl is vfs.Ioctler's.
func (rnd) Ioctl(ctx vfs.Ctx, _ *vfs.File, cmd uint32, arg uint64) (uintptr, linux.Errno) {
	if cmd != rndGetEntCnt {
		return 0, linux.ENOTTY
	}
	return 0, usermem.CopyOutInt(ctx.Space(), usermem.Addr(arg), int32(256))
}

// kmsg is an empty kernel log.
type kmsg struct{ always }

// Read is vfs.FileOps's: nothing is there, and never will be.
func (kmsg) Read(vfs.Ctx, *vfs.File, *usermem.Buf, int64) (int, linux.Errno) { return 0, linux.EAGAIN }

// Write is vfs.FileOps's.
func (kmsg) Write(_ vfs.Ctx, _ *vfs.File, src *usermem.Buf, _ int64) (int, linux.Errno) {
	return discard(src)
}
