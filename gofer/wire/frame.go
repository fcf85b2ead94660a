package wire

import (
	"encoding/binary"
	"errors"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// Bounds of a frame.
const (
	HeaderSize = 16
	MaxFrame   = 128 << 10
	MaxFDs     = 64
)

// Frame is one message as it came.
type Frame struct {
	Tag   uint32
	Op    Op
	Errno linux.Errno // of replies: nothing but the header follows if it is not 0
	Body  []byte      // valid until the next frame is read
	FDs   []int       // likewise; the descriptors are the reader's to close
}

// Errors of Stream.Next. Descriptors that had come are closed by Stream.Close.
var (
	ErrClosed = errors.New("the connection is closed")
	ErrFrame  = errors.New("malformed frame")
)

// Begin appends the header of a frame to e, to be completed by Finish, and returns where it
// starts.
func (e *Encoder) Begin(op Op, tag uint32) (start int) {
	start = len(e.B)
	e.U32(0)
	e.U32(tag)
	e.U16(uint16(op))
	e.U16(0)
	e.U32(0)
	return start
}

// Finish completes the frame that starts at start.
func (e *Encoder) Finish(start int, errno linux.Errno, fds int) {
	b := e.B[start:]
	binary.LittleEndian.PutUint32(b, uint32(len(b)))
	binary.LittleEndian.PutUint16(b[10:], uint16(errno))
	binary.LittleEndian.PutUint32(b[12:], uint32(fds))
}

// Recv receives bytes and, if any came along, descriptors. n = 0 without errno is the end.
// With wait false EAGAIN says that there is nothing yet.
type Recv func(p []byte, fds []int, wait bool) (n, nfds int, errno linux.Errno)

// Stream takes a stream of bytes apart into frames.
type Stream struct {
	recv   Recv
	maxFDs int // 0: frames with descriptors are malformed

	buf  []byte
	r, w int // buf[r:w] has been received and not been read

	fds  []int // received and not read, in order
	used int   // of fds, those of the last frame

	spin spin
}

// NewStream returns a Stream over recv that accepts frames of at most maxFDs descriptors.
func NewStream(recv Recv, maxFDs int) *Stream {
	return &Stream{recv: recv, maxFDs: maxFDs, buf: make([]byte, 16<<10), spin: newSpin()}
}

// Buffered reports whether another frame can be read without waiting.
func (s *Stream) Buffered() bool {
	if s.w-s.r < HeaderSize {
		return false
	}
	size := binary.LittleEndian.Uint32(s.buf[s.r:])
	return uint64(size) <= uint64(s.w-s.r)
}

// Next reads a frame.
func (s *Stream) Next() (Frame, error) {
	s.fds = s.fds[:copy(s.fds, s.fds[s.used:])]
	s.used = 0
	if err := s.fill(HeaderSize); err != nil {
		return Frame{}, err
	}
	h := s.buf[s.r:]
	size := binary.LittleEndian.Uint32(h)
	errno := binary.LittleEndian.Uint16(h[10:])
	nfds := binary.LittleEndian.Uint32(h[12:])
	if size < HeaderSize || size > MaxFrame || nfds > uint32(s.maxFDs) || errno > maxErrno {
		return Frame{}, ErrFrame
	}
	if err := s.fill(int(size)); err != nil {
		return Frame{}, err
	}
	if int(nfds) > len(s.fds) {
		return Frame{}, ErrFrame
	}
	h = s.buf[s.r : s.r+int(size)]
	s.r += int(size)
	s.used = int(nfds)
	return Frame{
		Tag:   binary.LittleEndian.Uint32(h[4:]),
		Op:    Op(binary.LittleEndian.Uint16(h[8:])),
		Errno: linux.Errno(errno),
		Body:  h[HeaderSize:],
		FDs:   s.fds[:nfds],
	}, nil
}

// fill makes sure that n bytes are there to be read.
func (s *Stream) fill(n int) error {
	if s.w-s.r >= n {
		return nil
	}
	if len(s.buf)-s.r < n {
		buf := s.buf
		if len(buf) < n {
			buf = make([]byte, MaxFrame)
		}
		s.w = copy(buf, s.buf[s.r:s.w])
		s.r, s.buf = 0, buf
	}
	for s.w-s.r < n {
		if s.r == s.w {
			s.r, s.w = 0, 0
		}
		var fds [MaxFDs]int
		got, nfds, errno := s.spin.recv(s.recv, s.buf[s.w:], fds[:s.maxFDs])
		if nfds > 0 {
			s.fds = append(s.fds, fds[:nfds]...)
		}
		if errno != 0 || got <= 0 || got > len(s.buf)-s.w {
			return ErrClosed
		}
		s.w += got
		// Descriptors come with the frame they belong to, so no more can be pending than the
		// frames that fit the buffer have, and an honest peer sends few.
		if len(s.fds) > maxPending {
			return ErrFrame
		}
	}
	return nil
}

// maxPending bounds the descriptors that have come and were not asked for yet.
const maxPending = 1024

// Close calls closeFD for the descriptors that were received and not read.
func (s *Stream) Close(closeFD func(fd int)) {
	for _, fd := range s.fds[s.used:] {
		closeFD(fd)
	}
	s.fds, s.used = nil, 0
}
