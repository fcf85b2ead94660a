package wire

import (
	"encoding/binary"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// Encoder appends values to B.
type Encoder struct{ B []byte }

func (e *Encoder) U8(v uint8)   { e.B = append(e.B, v) }
func (e *Encoder) U16(v uint16) { e.B = binary.LittleEndian.AppendUint16(e.B, v) }
func (e *Encoder) U32(v uint32) { e.B = binary.LittleEndian.AppendUint32(e.B, v) }
func (e *Encoder) U64(v uint64) { e.B = binary.LittleEndian.AppendUint64(e.B, v) }
func (e *Encoder) I64(v int64)  { e.U64(uint64(v)) }

// Bool is one byte.
func (e *Encoder) Bool(v bool) {
	if v {
		e.U8(1)
	} else {
		e.U8(0)
	}
}

// Bytes is a length of 32 bits and the bytes.
func (e *Encoder) Bytes(p []byte) {
	e.U32(uint32(len(p)))
	e.B = append(e.B, p...)
}

// Str is Bytes of a string.
func (e *Encoder) Str(s string) {
	e.U32(uint32(len(s)))
	e.B = append(e.B, s...)
}

// Decoder takes values from the front of a body. After the first that is not there all are
// zero, and End says so.
type Decoder struct {
	b   []byte
	bad bool
}

// NewDecoder returns a Decoder of b.
func NewDecoder(b []byte) *Decoder { return &Decoder{b: b} }

// End reports whether all was there and well-formed and nothing is left.
func (d *Decoder) End() bool { return !d.bad && len(d.b) == 0 }

// Bad makes End say no.
func (d *Decoder) Bad() { d.bad, d.b = true, nil }

// take returns the next n bytes, nil if there are fewer.
func (d *Decoder) take(n int) []byte {
	if n < 0 || n > len(d.b) {
		d.Bad()
		return nil
	}
	p := d.b[:n:n]
	d.b = d.b[n:]
	return p
}

func (d *Decoder) U8() uint8 {
	if p := d.take(1); p != nil {
		return p[0]
	}
	return 0
}

func (d *Decoder) U16() uint16 {
	if p := d.take(2); p != nil {
		return binary.LittleEndian.Uint16(p)
	}
	return 0
}

func (d *Decoder) U32() uint32 {
	if p := d.take(4); p != nil {
		return binary.LittleEndian.Uint32(p)
	}
	return 0
}

func (d *Decoder) U64() uint64 {
	if p := d.take(8); p != nil {
		return binary.LittleEndian.Uint64(p)
	}
	return 0
}

func (d *Decoder) I64() int64 { return int64(d.U64()) }

// Bool is one byte, 0 or 1.
func (d *Decoder) Bool() bool {
	v := d.U8()
	if v > 1 {
		d.Bad()
	}
	return v == 1
}

// Bytes returns at most max bytes, which are part of the body.
func (d *Decoder) Bytes(max int) []byte {
	n := d.U32()
	if uint64(n) > uint64(max) {
		d.Bad()
		return nil
	}
	return d.take(int(n))
}

// Str is a copy of Bytes, without NUL bytes in it.
func (d *Decoder) Str(max int) string {
	p := d.Bytes(max)
	for _, c := range p {
		if c == 0 {
			d.Bad()
			return ""
		}
	}
	return string(p)
}

// Name is the name of a directory entry, as ValidName has it.
func (d *Decoder) Name() string {
	s := d.Str(linux.NAME_MAX)
	if !ValidName(s) {
		d.Bad()
		return ""
	}
	return s
}

// ValidName reports whether s can name an entry of a directory: one component, not "." and
// not "..".
func ValidName(s string) bool {
	if s == "" || s == "." || s == ".." || len(s) > linux.NAME_MAX {
		return false
	}
	for i := range len(s) {
		if s[i] == '/' || s[i] == 0 {
			return false
		}
	}
	return true
}

// count reads the length of a list whose elements take at least size bytes each.
func (d *Decoder) count(size int) int {
	n := d.U32()
	if uint64(n)*uint64(size) > uint64(len(d.b)) {
		d.Bad()
		return 0
	}
	return int(n)
}

// errno reads a 16-bit error number.
func (d *Decoder) errno() linux.Errno {
	v := d.U16()
	if v > maxErrno {
		d.Bad()
		return 0
	}
	return linux.Errno(v)
}

// maxErrno is the largest error number (MAX_ERRNO, include/linux/err.h).
const maxErrno = 4095
