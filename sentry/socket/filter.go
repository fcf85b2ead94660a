package socket

import (
	"encoding/binary"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/bpf"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// attached is a program that looks at what a socket receives, and as it was given.
type attached struct {
	prog bpf.Program
	raw  []byte
}

// ReadFilter reads the program that a struct sock_fprog names (SO_ATTACH_FILTER in socket(7)), for s to have.
func (s *Base) ReadFilter(c Caller, value []byte) (bpf.Program, linux.Errno) {
	if len(value) != 16 {
		return nil, linux.EINVAL
	}
	n, at := int(binary.LittleEndian.Uint16(value)), binary.LittleEndian.Uint64(value[8:])
	if n == 0 || n > bpf.MaxInsns || at == 0 {
		return nil, linux.EINVAL
	}
	b := make([]byte, 8*n)
	if _, errno := c.Space().CopyIn(usermem.Addr(at), b); errno != 0 {
		return nil, linux.EFAULT
	}
	p, errno := bpf.ParsePacket(b)
	if errno == 0 {
		s.filter.Store(&attached{p, b})
	}
	return p, errno
}

// setFilter sets the options about programs of families that have no way of their own.
func (s *Base) setFilter(c Caller, name int, value []byte) linux.Errno {
	if name == linux.SO_ATTACH_FILTER {
		_, errno := s.ReadFilter(c, value)
		return errno
	}
	if s.filter.Swap(nil) == nil {
		return linux.ENOENT
	}
	return 0
}

// Cut is how many bytes of a message the program takes, all if there is none; 0 is for none, not even an empty one
// (sk_filter).
func (s *Base) Cut(data []byte) (n int, taken bool) {
	f := s.filter.Load()
	if f == nil {
		return len(data), true
	}
	n = int(min(f.prog.RunPacket(&bpf.Packet{Data: data}), uint32(len(data))))
	return n, n > 0
}

// Filter is SO_GET_FILTER: the instructions of the program as they were given, of 8 bytes each.
func (s *Base) Filter() []byte {
	if f := s.filter.Load(); f != nil {
		return f.raw
	}
	return nil
}

// Asker is a socket some of whose options answer a question that stands where the value is to be.
type Asker interface {
	OptionFor(level, name int, question []byte) (value []byte, errno linux.Errno, known bool)
}
