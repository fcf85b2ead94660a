// Package header reads and writes the headers of the Internet's protocols. Each parser is one
// function that checks what it reads and returns a value; nobody else looks at raw bytes.
package header

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// Sum adds the 16-bit words of b to a ones' complement sum that is not folded yet (RFC 1071). All but
// the last of several pieces must be of even length.
func Sum(b []byte, sum uint64) uint64 {
	var carry uint64
	for len(b) >= 32 {
		sum, carry = bits.Add64(sum, binary.LittleEndian.Uint64(b), 0)
		sum, carry = bits.Add64(sum, binary.LittleEndian.Uint64(b[8:]), carry)
		sum, carry = bits.Add64(sum, binary.LittleEndian.Uint64(b[16:]), carry)
		sum, carry = bits.Add64(sum, binary.LittleEndian.Uint64(b[24:]), carry)
		sum, carry = bits.Add64(sum, 0, carry)
		sum += carry
		b = b[32:]
	}
	for len(b) >= 8 {
		sum, carry = bits.Add64(sum, binary.LittleEndian.Uint64(b), 0)
		sum += carry
		b = b[8:]
	}
	var last [8]byte
	copy(last[:], b)
	sum, carry = bits.Add64(sum, binary.LittleEndian.Uint64(last[:]), 0)
	return sum + carry
}

// Fold makes the 16 bits of a sum, not complemented, in the order of the network.
func Fold(sum uint64) uint16 {
	sum = sum>>32 + sum&0xffffffff
	sum = sum>>32 + sum&0xffffffff
	sum = sum>>16 + sum&0xffff
	sum = sum>>16 + sum&0xffff
	return bits.ReverseBytes16(uint16(sum))
}

// Swap is a sum shifted by a byte: what follows a piece of odd length is added to it.
func Swap(sum uint64) uint64 {
	return uint64(bits.ReverseBytes16(bits.ReverseBytes16(Fold(sum))))
}

// Pseudo is the sum of the pseudo header (RFC 9293 3.1, RFC 8200 8.1): of n bytes from src to dst.
func Pseudo(src, dst netip.Addr, proto uint8, n int) uint64 {
	var b [40]byte
	if src.Is4() {
		s, d := src.As4(), dst.As4()
		copy(b[0:], s[:])
		copy(b[4:], d[:])
		b[9] = proto
		binary.BigEndian.PutUint16(b[10:], uint16(n))
		return Sum(b[:12], 0)
	}
	s, d := src.As16(), dst.As16()
	copy(b[0:], s[:])
	copy(b[16:], d[:])
	binary.BigEndian.PutUint32(b[32:], uint32(n))
	b[39] = proto
	return Sum(b[:], 0)
}
