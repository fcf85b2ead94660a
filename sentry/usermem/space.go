package usermem

import (
	"bytes"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// Pager is an address space as copying needs it. sentry/mm implements it.
type Pager interface {
	// RLock lets Peek be called; what Peek returned stays valid until RUnlock. Between the
	// two nothing may be called that takes the address space's lock.
	RLock()
	RUnlock()

	// Peek returns the kernel's own view of at most n bytes at addr: as many as lie together.
	// ok is false if the first byte cannot be accessed without Fault. n > 0.
	Peek(addr Addr, n int, write bool) (p Piece, ok bool)

	// Fault makes the page at addr accessible, and perhaps following pages of the n bytes.
	// EFAULT if the application could not access it either. Called without the lock.
	Fault(addr Addr, n int, write bool) linux.Errno
}

// Piece is some application memory as the kernel sees it.
type Piece struct {
	Bytes []byte
	// Window is not nil if Bytes belong to a host file, which another process can truncate:
	// touching them can raise SIGBUS. It must be Put after use.
	Window *Window
}

// put ends the use of p.
func (p Piece) put() {
	if p.Window != nil {
		p.Window.Put()
	}
}

// Space is the memory of one process.
type Space struct{ pager Pager }

// NewSpace returns the Space that p serves.
func NewSpace(p Pager) Space { return Space{p} }

// maxRefault bounds how often one step of a copy faults the same page in: another thread may
// unmap it each time, and then the caller gets EFAULT instead of a livelock.
const maxRefault = 64

// lockPeek returns the memory at addr with the pager locked. If errno is not 0 the pager is
// not locked.
func (s *Space) lockPeek(addr Addr, n int, write bool) (Piece, linux.Errno) {
	for range maxRefault {
		s.pager.RLock()
		if p, ok := s.pager.Peek(addr, n, write); ok {
			return p, 0
		}
		s.pager.RUnlock()
		if errno := s.pager.Fault(addr, n, write); errno != 0 {
			return Piece{}, errno
		}
	}
	return Piece{}, linux.EFAULT
}

// unlock ends what lockPeek began.
func (s *Space) unlock(p Piece) {
	p.put()
	s.pager.RUnlock()
}

// CopyIn copies len(dst) bytes from addr. It returns how many it could copy; errno is 0 only
// if all.
func (s *Space) CopyIn(addr Addr, dst []byte) (int, linux.Errno) {
	done := 0
	for done < len(dst) {
		p, errno := s.lockPeek(addr+Addr(done), len(dst)-done, false)
		if errno != 0 {
			return done, errno
		}
		n, whole := len(p.Bytes), true
		if p.Window == nil {
			copy(dst[done:], p.Bytes)
		} else {
			n, whole = copyFragile(dst[done:], p.Bytes)
		}
		s.unlock(p)
		done += n
		if !whole {
			return done, linux.EFAULT
		}
	}
	return done, 0
}

// CopyOut copies src to addr. It returns how many bytes it could copy; errno is 0 only if
// all.
func (s *Space) CopyOut(addr Addr, src []byte) (int, linux.Errno) {
	done := 0
	for done < len(src) {
		p, errno := s.lockPeek(addr+Addr(done), len(src)-done, true)
		if errno != 0 {
			return done, errno
		}
		n, whole := len(p.Bytes), true
		if p.Window == nil {
			copy(p.Bytes, src[done:])
		} else {
			n, whole = copyFragile(p.Bytes, src[done:])
		}
		s.unlock(p)
		done += n
		if !whole {
			return done, linux.EFAULT
		}
	}
	return done, 0
}

// zeroes is what ZeroOut copies from where clearing could raise SIGBUS.
var zeroes [PageSize]byte

// ZeroOut clears n bytes at addr. It returns how many it could clear; errno is 0 only if all.
func (s *Space) ZeroOut(addr Addr, n int) (int, linux.Errno) {
	done := 0
	for done < n {
		p, errno := s.lockPeek(addr+Addr(done), n-done, true)
		if errno != 0 {
			return done, errno
		}
		cleared, whole := len(p.Bytes), true
		if p.Window == nil {
			clear(p.Bytes)
		} else {
			cleared, whole = copyFragile(p.Bytes, zeroes[:])
		}
		s.unlock(p)
		done += cleared
		if !whole {
			return done, linux.EFAULT
		}
	}
	return done, 0
}

// CopyInStringTo copies a string ending in NUL from addr to dst and returns its length
// without the NUL. ENAMETOOLONG if the first len(dst) bytes have no NUL.
func (s *Space) CopyInStringTo(addr Addr, dst []byte) (int, linux.Errno) {
	done := 0
	for done < len(dst) {
		at := addr + Addr(done)
		// To the end of the page first: most strings end there, and what follows may be absent.
		chunk := min(len(dst)-done, int(PageSize-at.PageOffset()))
		n, errno := s.CopyIn(at, dst[done:done+chunk])
		if i := bytes.IndexByte(dst[done:done+n], 0); i >= 0 {
			return done + i, 0
		}
		if errno != 0 {
			return 0, errno
		}
		done += n
	}
	return 0, linux.ENAMETOOLONG
}

// CopyInString copies a string ending in NUL from addr. ENAMETOOLONG if its NUL is not among
// the first max bytes. For paths max is linux.PATH_MAX.
func (s *Space) CopyInString(addr Addr, max int) (string, linux.Errno) {
	var room [256]byte
	n, errno := s.CopyInStringTo(addr, room[:min(max, len(room))])
	if errno == 0 {
		return string(room[:n]), 0
	}
	if errno != linux.ENAMETOOLONG || max <= len(room) {
		return "", errno
	}
	for size := 4096; ; size *= 16 {
		dst := make([]byte, min(max, size))
		n, errno := s.CopyInStringTo(addr, dst)
		if errno == 0 {
			return string(dst[:n]), 0
		}
		if errno != linux.ENAMETOOLONG || len(dst) == max {
			return "", errno
		}
	}
}
