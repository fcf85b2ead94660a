package kvm

import (
	"fmt"

	"github.com/seed-7423c386/runsc/platform/arch"
)

// features returns what CPUID says in the guest: what it says here, less what KVM does not know, and
// nothing of a hypervisor's own.
func features(kvm int) (*cpuidTable, error) {
	t := &cpuidTable{}
	t.count = uint32(len(t.entries))
	if _, e := ioctlOn(kvm, getSupportedCPUID, t); e != 0 {
		return nil, fmt.Errorf("the features of vCPUs: %w", e)
	}
	const hypervisor, hypervisorEnd, state = 0x40000000, 0x50000000, 0xd
	kept := t.entries[:0]
	for _, e := range t.entries[:t.count] {
		if e.function >= hypervisor && e.function < hypervisorEnd {
			continue
		}
		if e.function == state {
			kept = append(kept, e)
			continue
		}
		a, b, c, d := arch.CPUID(e.function, e.index)
		switch e.function {
		case 1, 0x80000001:
			e.eax, e.ebx, e.ecx, e.edx = a, b, e.ecx&c, e.edx&d
		case 7:
			e.ebx, e.ecx, e.edx = e.ebx&b, e.ecx&c, e.edx&d
		default:
			e.eax, e.ebx, e.ecx, e.edx = a, b, c, d
		}
		kept = append(kept, e)
	}
	t.count = uint32(len(kept))
	return t, nil
}
