package socket

import (
	"encoding/binary"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/bpf"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// ReadFilter reads the program that a struct sock_fprog names (SO_ATTACH_FILTER in socket(7)).
func ReadFilter(c Caller, value []byte) (bpf.Program, linux.Errno) {
	if len(value) != 16 {
		return nil, linux.EINVAL
	}
	n, at := int(binary.LittleEndian.Uint16(value)), binary.LittleEndian.Uint64(value[8:])
	if n == 0 || n > bpf.MaxInsns {
		return nil, linux.EINVAL
	}
	b := make([]byte, 8*n)
	if _, errno := c.Space().CopyIn(usermem.Addr(at), b); errno != 0 {
		return nil, linux.EFAULT
	}
	return bpf.ParsePacket(b)
}

// Asker is a socket some of whose options answer a question that stands where the value is to be.
type Asker interface {
	OptionFor(level, name int, question []byte) (value []byte, errno linux.Errno, known bool)
}
