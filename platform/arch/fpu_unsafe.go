package arch

import (
	"encoding/binary"
	"unsafe"
)

// readMXCSRMask returns the bits of MXCSR that the processor knows; setting another faults.
// buf has room for 512 bytes at a multiple of 16.
func readMXCSRMask(buf []byte) uint32 {
	// Safe: the aligned 512 bytes lie inside buf, which the caller holds.
	p := unsafe.Pointer(&buf[0])
	p = unsafe.Add(p, -uintptr(p)&15)
	_ = buf[511+15]
	image := (*[512]byte)(p)
	fxsave(image)
	if mask := binary.LittleEndian.Uint32(image[offMXCSRMask:]); mask != 0 {
		return mask
	}
	return 0xffbf // processors older than the field (SDM volume 1, 11.6.6)
}
