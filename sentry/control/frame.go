package control

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

const (
	// MaxFrame bounds a request or reply. The arguments and environment of an Exec are the
	// largest thing there is, and Linux bounds those to a quarter of the stack limit, 2 MiB.
	MaxFrame = 8 << 20
	// MaxFiles is how many descriptors may come with one request (SCM_MAX_FD is 253).
	MaxFiles = 128
)

// Stream is a connected unix stream socket with SCM_RIGHTS.
type Stream interface {
	// Recv reads up to len(b) bytes and the descriptors that came with them. Zero bytes
	// without an error is the end of the stream. Received descriptors are close-on-exec.
	Recv(b []byte) (n int, fds []int, err error)
	// Send writes all of b, with fds on its first byte.
	Send(b []byte, fds []int) error
	// CloseFD closes a descriptor that Recv returned and nobody wants.
	CloseFD(fd int)
	// Close ends the connection; a Recv that is waiting returns (shutdown(2), then close).
	Close()
}

// request and reply are the two frames.
type request struct {
	Method string
	Args   json.RawMessage `json:",omitempty"`
	Files  int             `json:",omitempty"` // how many descriptors were sent along
}

type reply struct {
	Error  string          `json:",omitempty"`
	Code   int             `json:",omitempty"`
	Result json.RawMessage `json:",omitempty"`
}

// Error is a refusal that came over the wire. Code, if not 0, is the exit code that fits it.
type Error struct {
	Text string
	Code int
}

func (e *Error) Error() string { return e.Text }

var errTooLong = fmt.Errorf("message longer than %d bytes", MaxFrame)

// send writes v as one frame.
func send(s Stream, v any, fds []int) error {
	b := make([]byte, 4, 512)
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if len(body) > MaxFrame {
		return errTooLong
	}
	binary.LittleEndian.PutUint32(b, uint32(len(body)))
	return s.Send(append(b, body...), fds)
}

// recv reads one frame into v and returns the descriptors that came with it. io.EOF: the
// other side closed the connection between two frames. With an error no descriptor is left open.
func recv(s Stream, v any) (fds []int, err error) {
	defer func() {
		if err != nil {
			closeFDs(s, fds)
			fds = nil
		}
	}()
	var head [4]byte
	if err = fill(s, head[:], &fds); err != nil {
		return fds, err
	}
	n := binary.LittleEndian.Uint32(head[:])
	if n > MaxFrame {
		return fds, errTooLong
	}
	// Grow as bytes arrive: a length is not yet a reason to spend memory.
	var body []byte
	for left := int(n); left > 0; {
		chunk := min(left, 64<<10)
		at := len(body)
		body = append(body, make([]byte, chunk)...)
		if err = fill(s, body[at:], &fds); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return fds, err
		}
		left -= chunk
	}
	return fds, json.Unmarshal(body, v)
}

// fill reads exactly len(b) bytes. io.EOF only if the stream ended before the first.
func fill(s Stream, b []byte, fds *[]int) error {
	for got := 0; got < len(b); {
		n, more, err := s.Recv(b[got:])
		*fds = append(*fds, more...)
		switch {
		case err != nil:
			return err
		case n == 0 && got == 0:
			return io.EOF
		case n == 0:
			return io.ErrUnexpectedEOF
		case len(*fds) > MaxFiles:
			return errors.New("too many descriptors in one message")
		}
		got += n
	}
	return nil
}

func closeFDs(s Stream, fds []int) {
	for _, fd := range fds {
		s.CloseFD(fd)
	}
}
