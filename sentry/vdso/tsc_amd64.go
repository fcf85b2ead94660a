package vdso

// rdtsc reads the time-stamp counter after all earlier loads.
func rdtsc() uint64

// rdtscEarly reads it without waiting for them, which costs as much again.
func rdtscEarly() uint64

// publish stores p behind the sequence word at page, which is odd meanwhile. page points to
// at least 48 bytes; there is one caller at a time.
func publish(page *byte, p *Params)

// invariantTSC reports whether the counter runs at one rate whatever the processor does
// (CPUID 0x80000007, EDX bit 8).
func invariantTSC() bool
