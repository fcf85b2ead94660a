package arch

import "sync/atomic"

// cpuid is the CPUID instruction.
func cpuid(leaf, sub uint32) (a, b, c, d uint32)

// xgetbv returns XCR0, the extended states that the host has switched on. Only where CPUID
// says OSXSAVE.
func xgetbv() uint64

// fxsave is FXSAVE64; image is 16 bytes aligned.
func fxsave(image *[512]byte)

// CPUID is the CPUID instruction, for whoever describes the processor to programs.
func CPUID(leaf, sub uint32) (a, b, c, d uint32) { return cpuid(leaf, sub) }

func cpu() uint64

// StoreInt32 and StoreInt64 are p.Store(v) without a barrier after it, which costs more than all else of a store: what the caller loads
// later may be older. For words that one goroutine writes.
func StoreInt32(p *atomic.Int32, v int32)
func StoreInt64(p *atomic.Int64, v int64)

// CPU is the number of the processor that the caller runs on, or ran on just now.
func CPU() int { return int(cpu() & 0xfff) }
