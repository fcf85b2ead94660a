package proc

import (
	"fmt"
	"strings"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/mm"
)

// maps is /proc/PID/maps, with sizes smaps.
func (f *FS) maps(t *kernel.Task, sizes bool) string {
	return withMM(t, func(m *mm.MM) string {
		var b strings.Builder
		l := m.Layout()
		for _, a := range m.Areas(0, 0, sizes) {
			writeArea(&b, &a, &l)
			if sizes {
				writeSizes(&b, &a)
			}
		}
		b.WriteString("ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n")
		return b.String()
	})
}

// areaName is the last column.
func areaName(a *mm.Area, l *mm.Layout) string {
	switch {
	case a.Info.Name != "":
		return strings.ReplaceAll(a.Info.Name, "\n", "\\012")
	case a.Start <= l.Brk && a.End > l.StartBrk && l.Brk > l.StartBrk:
		return "[heap]"
	case a.Start <= l.StartStack && a.End > l.StartStack:
		return "[stack]"
	}
	return ""
}

func writeArea(b *strings.Builder, a *mm.Area, l *mm.Layout) {
	perm := []byte("---p")
	for i, p := range []uint32{linux.PROT_READ, linux.PROT_WRITE, linux.PROT_EXEC} {
		if a.Prot&p != 0 {
			perm[i] = "rwx"[i]
		}
	}
	if a.Shared {
		perm[3] = 's'
	}
	off := a.Off
	if a.Info.Ino == 0 && a.Info.Name == "" {
		off = 0
	}
	head := fmt.Sprintf("%08x-%08x %s %08x %02x:%02x %d ", uint64(a.Start), uint64(a.End), perm, off, a.Info.Major, a.Info.Minor, a.Info.Ino)
	if name := areaName(a, l); name != "" {
		fmt.Fprintf(b, "%-73s%s\n", head, name)
	} else {
		b.WriteString(head + "\n")
	}
}

func writeSizes(b *strings.Builder, a *mm.Area) {
	kb := func(name string, v uint64) { fmt.Fprintf(b, "%-16s%8d kB\n", name+":", v>>10) }
	kb("Size", uint64(a.End-a.Start))
	kb("KernelPageSize", 4096)
	kb("MMUPageSize", 4096)
	kb("Rss", a.Rss)
	kb("Pss", a.Rss-a.SharedPages/2)
	kb("Pss_Dirty", a.Anon)
	kb("Shared_Clean", 0)
	kb("Shared_Dirty", a.SharedPages)
	kb("Private_Clean", a.Rss-min(a.Rss, a.Anon+a.SharedPages))
	kb("Private_Dirty", a.Anon)
	kb("Referenced", a.Rss)
	kb("Anonymous", a.Anon)
	kb("KSM", 0)
	kb("LazyFree", 0)
	kb("AnonHugePages", 0)
	kb("ShmemPmdMapped", 0)
	kb("FilePmdMapped", 0)
	kb("Shared_Hugetlb", 0)
	kb("Private_Hugetlb", 0)
	kb("Swap", 0)
	kb("SwapPss", 0)
	kb("Locked", a.Locked)
	fmt.Fprintf(b, "THPeligible:    %8d\n", 0)
	b.WriteString("VmFlags: " + strings.TrimSpace(a.VmFlags) + " \n")
}

// rollup is /proc/PID/smaps_rollup.
func (f *FS) rollup(t *kernel.Task) string {
	return withMM(t, func(m *mm.MM) string {
		var sum mm.Area
		areas := m.Areas(0, 0, true)
		for i := range areas {
			a := &areas[i]
			sum.Rss, sum.Anon, sum.SharedPages, sum.Locked = sum.Rss+a.Rss, sum.Anon+a.Anon, sum.SharedPages+a.SharedPages, sum.Locked+a.Locked
		}
		if len(areas) > 0 {
			sum.Start, sum.End = areas[0].Start, areas[len(areas)-1].End
		}
		var b, all strings.Builder
		fmt.Fprintf(&b, "%08x-%08x ---p 00000000 00:00 0                          [rollup]\n", uint64(sum.Start), uint64(sum.End))
		writeSizes(&all, &sum)
		for _, line := range strings.SplitAfter(all.String(), "\n") {
			name, _, _ := strings.Cut(line, ":")
			switch name {
			case "Size", "KernelPageSize", "MMUPageSize", "THPeligible", "VmFlags":
			default:
				b.WriteString(line)
			}
		}
		return b.String()
	})
}
