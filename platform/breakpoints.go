package platform

// BreakPoints is what a thread is to have in its debug registers: the state of a Debugger, and its methods.
type BreakPoints struct {
	Addrs   [4]uint64
	Control uint64 // DR7
	Dirty   bool   // the thread has something else

	hits uint64
}

// SetDebug is Debugger's.
func (b *BreakPoints) SetDebug(addrs [4]uint64, control uint64) {
	b.Addrs, b.Control, b.Dirty = addrs, control, true
}

// DebugHits is Debugger's.
func (b *BreakPoints) DebugHits() uint64 {
	hits := b.hits
	b.hits = 0
	return hits
}

// Hit notes the break points that DR6 names.
func (b *BreakPoints) Hit(dr6 uint64) {
	const named = 0xf
	b.hits |= dr6 & named
}

// Load sets the registers of a thread by PTRACE_POKEUSER of ptrace(2), which set makes of debug register n. Control is off
// while the addresses change, as the host checks them together.
func (b *BreakPoints) Load(set func(n int, v uint64) error) error {
	b.Dirty = false
	if err := set(7, 0); err != nil || b.Control == 0 {
		return err
	}
	for i, addr := range b.Addrs {
		if addr == 0 {
			continue
		}
		if err := set(i, addr); err != nil {
			return err
		}
	}
	return set(7, b.Control)
}
