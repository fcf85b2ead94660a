package arch

import (
	"encoding/binary"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// The XSAVE image in standard format (Intel SDM volume 1, chapter 13; struct xregs_state in
// arch/x86/include/asm/fpu/types.h): the 512 bytes of FXSAVE, the 64 bytes of the header,
// then one area for each further feature at the offset that CPUID gives.
const (
	fxsaveSize = 512
	headerSize = 64

	offFCW       = 0
	offMXCSR     = 24
	offMXCSRMask = 28
	offXstateBV  = 512
	offXcompBV   = 520

	initialFCW   = 0x37f
	initialMXCSR = 0x1f80
	initialPKRU  = 0x55555554 // every key but 0 denied (arch/x86/mm/pkeys.c)
)

// Bits of XSTATE_BV and XCR0 (arch/x86/include/asm/fpu/types.h).
const (
	FeatureX87  = 1 << 0
	FeatureSSE  = 1 << 1
	FeaturePKRU = 1 << 9

	featureAMX = 1<<17 | 1<<18
)

// What the processor and the host give to applications, found once at start. AMX tiles are
// left out: Linux gives them to those only that ask by arch_prctl(ARCH_REQ_XCOMP_PERM).
var (
	// FPUSize is the size of an XSAVE image with all of XFeatures.
	FPUSize int
	// HostFPUSize is the size of the host's own images, which may hold AMX tiles at the end
	// too: what PTRACE_SETREGSET insists on.
	HostFPUSize int
	// XFeatures are the features an image may hold, as in XSTATE_BV and in sw_reserved.xfeatures of
	// a signal frame.
	XFeatures uint64

	mxcsrMask  uint32
	pkruOffset int
)

func init() {
	XFeatures, FPUSize, HostFPUSize = FeatureX87|FeatureSSE, fxsaveSize+headerSize, fxsaveSize+headerSize
	mxcsrMask = readMXCSRMask(make([]byte, fxsaveSize+16))
	const osxsave = 1 << 27
	if _, _, c, _ := cpuid(1, 0); c&osxsave == 0 {
		return
	}
	XFeatures = xgetbv() &^ featureAMX
	_, size, _, _ := cpuid(0xd, 0)
	HostFPUSize = int(size)
	for i := uint32(2); i < 63; i++ {
		if XFeatures&(1<<i) == 0 {
			continue
		}
		size, offset, _, _ := cpuid(0xd, i)
		FPUSize = max(FPUSize, int(offset+size))
		if 1<<i == FeaturePKRU {
			pkruOffset = int(offset)
		}
	}
}

// InitialFPU fills dst, of FPUSize bytes, with the state in which a program starts.
func InitialFPU(dst []byte) {
	clear(dst)
	binary.LittleEndian.PutUint16(dst[offFCW:], initialFCW)
	binary.LittleEndian.PutUint32(dst[offMXCSR:], initialMXCSR)
	binary.LittleEndian.PutUint32(dst[offMXCSRMask:], mxcsrMask)
	bv := uint64(FeatureX87 | FeatureSSE)
	if XFeatures&FeaturePKRU != 0 {
		bv |= FeaturePKRU
		binary.LittleEndian.PutUint32(dst[pkruOffset:], initialPKRU)
	}
	binary.LittleEndian.PutUint64(dst[offXstateBV:], bv)
}

// CheckFPU reports whether image, written by an application, is one that the host loads
// without a fault or an error: EINVAL if not (arch/x86/kernel/fpu/xstate.c,
// validate_user_xstate_header; regset.c, xstateregs_set).
func CheckFPU(image []byte) linux.Errno {
	if len(image) != FPUSize {
		return linux.EINVAL
	}
	if binary.LittleEndian.Uint32(image[offMXCSR:])&^mxcsrMask != 0 {
		return linux.EINVAL
	}
	if binary.LittleEndian.Uint64(image[offXstateBV:])&^XFeatures != 0 {
		return linux.EINVAL
	}
	for _, b := range image[offXcompBV : offXstateBV+headerSize] {
		if b != 0 {
			return linux.EINVAL
		}
	}
	return 0
}

// FXSaveToFPU makes a full image of FXSAVE's 512 bytes, for signal frames without the
// extended part: everything else is in its initial state.
func FXSaveToFPU(dst, fx []byte) {
	InitialFPU(dst)
	copy(dst, fx[:fxsaveSize])
}
