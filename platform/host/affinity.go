package host

import "golang.org/x/sys/unix"

// Affinity returns the numbers of the processors that the caller may run on, in order.
func Affinity() (cpus []int) {
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) != nil {
		return nil
	}
	for i := range len(set) * 64 {
		if set.IsSet(i) {
			cpus = append(cpus, i)
		}
	}
	return cpus
}
