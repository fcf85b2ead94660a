package sandbox

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/sentry/control"
)

// hostFacts reads what the sentry will not be able to. What the host does not tell stays zero.
func hostFacts() control.Host {
	var h control.Host
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) == nil {
		h.NumCPU = set.Count()
		for i := 0; len(h.CPUs) < h.NumCPU; i++ {
			if set.IsSet(i) {
				h.CPUs = append(h.CPUs, i)
			}
		}
	}
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) == nil {
		h.MemTotal = info.Totalram * uint64(info.Unit)
	}
	var boot unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot) == nil {
		h.BootTime = time.Now().Add(-time.Duration(boot.Nano())).Unix()
	}
	h.Hostname, _ = os.Hostname()
	h.CPUInfo, _, _ = strings.Cut(readStart("/proc/cpuinfo", 4096), "\n\n")
	h.HugePages = readStart("/sys/kernel/mm/transparent_hugepage/shmem_enabled", 256)
	return h
}

// readStart returns the first bytes of a file. /proc/cpuinfo is long on large machines.
func readStart(path string, n int) string {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer unix.Close(fd)
	buf := make([]byte, n)
	got, err := unix.Read(fd, buf)
	if err != nil {
		return ""
	}
	return string(buf[:got])
}
