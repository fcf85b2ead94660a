package arch

import "math/bits"

// Flags of Registers.Eflags that arithmetic sets.
const (
	flagCF     = 1 << 0
	flagPF     = 1 << 2
	flagAF     = 1 << 4
	flagZF     = 1 << 6
	flagSF     = 1 << 7
	flagOF     = 1 << 11
	Arithmetic = flagCF | flagPF | flagAF | flagZF | flagSF | flagOF
)

// Compare returns the flags of cmp $with,%rax.
func Compare(rax, with uint64) uint64 {
	d := rax - with
	return resultFlags(d, rax < with, rax&15 < with&15, (rax^with)&(rax^d)>>63 != 0)
}

// Sum returns the flags of an addition of 32 bits.
func Sum(a, b uint32) uint64 {
	s := a + b
	return resultFlags(uint64(int32(s)), s < a, a&15+b&15 > 15, (a^s)&(b^s)>>31 != 0)
}

// ZeroFlags are those of a logical operation whose result is 0.
const ZeroFlags = flagZF | flagPF

// resultFlags returns the flags that arithmetic with a result sets.
func resultFlags(result uint64, carry, half, overflow bool) (flags uint64) {
	for _, f := range []struct {
		is   bool
		flag uint64
	}{
		{carry, flagCF}, {bits.OnesCount8(uint8(result))%2 == 0, flagPF}, {half, flagAF},
		{result == 0, flagZF}, {result>>63 != 0, flagSF}, {overflow, flagOF},
	} {
		if f.is {
			flags |= f.flag
		}
	}
	return flags
}
