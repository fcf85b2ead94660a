package sys

import (
	"fmt"
	"strconv"

	"github.com/seed-7423c386/runsc/platform/arch"
	"github.com/seed-7423c386/runsc/sentry/fs/kernfs"
	"github.com/seed-7423c386/runsc/sentry/kernel"
)

// list and mask show processors from..to: "0-3" and "f".
func list(from, to int) string {
	if from == to {
		return strconv.Itoa(from) + "\n"
	}
	return fmt.Sprintf("%d-%d\n", from, to)
}

// mask shows them in groups of 32, the highest first (cpumap_print_to_pagebuf).
func mask(from, to, all int) string {
	groups := (all + 31) / 32
	s := ""
	for g := groups - 1; g >= 0; g-- {
		var w uint32
		for i := range 32 {
			if n := g*32 + i; n >= from && n <= to {
				w |= 1 << i
			}
		}
		switch {
		case g < groups-1:
			s += fmt.Sprintf(",%08x", w)
		case all%32 == 0:
			s = fmt.Sprintf("%08x", w)
		default:
			s = fmt.Sprintf("%0*x", (all%32+3)/4, w)
		}
	}
	return s + "\n"
}

// cpus is /sys/devices/system/cpu: one package of cores with a thread each.
func cpus(k *kernel.Kernel, put func(path string, n kernfs.Node)) {
	const top = "devices/system/cpu/"
	n := k.NumCPU
	all := list(0, n-1)
	for _, f := range [][2]string{
		{"online", all}, {"possible", all}, {"present", all}, {"enabled", all}, {"offline", "\n"}, {"isolated", "\n"}, {"kernel_max", "8191\n"},
		{"smt/active", "0\n"}, {"smt/control", "notsupported\n"},
	} {
		put(top+f[0], kernfs.Fixed(f[1]))
	}
	caches := processorCaches()
	for i := range n {
		d := top + "cpu" + strconv.Itoa(i) + "/"
		one, oneMask := list(i, i), mask(i, i, n)
		if i > 0 {
			put(d+"online", kernfs.Fixed("1\n"))
		}
		for _, f := range [][2]string{
			{"core_id", strconv.Itoa(i) + "\n"}, {"physical_package_id", "0\n"}, {"die_id", "0\n"}, {"cluster_id", "65535\n"},
			{"thread_siblings_list", one}, {"thread_siblings", oneMask}, {"core_cpus_list", one}, {"core_cpus", oneMask}, {"cluster_cpus_list", one}, {"cluster_cpus", oneMask},
			{"core_siblings_list", all}, {"core_siblings", mask(0, n-1, n)}, {"package_cpus_list", all}, {"package_cpus", mask(0, n-1, n)}, {"die_cpus_list", all}, {"die_cpus", mask(0, n-1, n)},
		} {
			put(d+"topology/"+f[0], kernfs.Fixed(f[1]))
		}
		for j, c := range caches {
			c.put(d+"cache/index"+strconv.Itoa(j)+"/", i, n, put)
		}
		put(d+"node0", &kernfs.Link{Target: "../../node/node0"})
		put(d+"subsystem", &kernfs.Link{Target: "../../../../bus/cpu"})
		put("bus/cpu/devices/cpu"+strconv.Itoa(i), &kernfs.Link{Target: "../../../devices/system/cpu/cpu" + strconv.Itoa(i)})
	}
}

// cache is one cache of a processor.
type cache struct {
	level, size, line, ways, sets, partitions uint32
	kind                                      string
	shared                                    bool // by all processors
}

// processorCaches asks the processor (CPUID leaf 4, of AMD 0x8000001d).
func processorCaches() (out []cache) {
	leaf := uint32(4)
	if _, b, _, _ := arch.CPUID(0, 0); b == 0x68747541 || b == 0x6f677948 { // AuthenticAMD, HygonGenuine
		leaf = 0x8000001d
		if top, _, _, _ := arch.CPUID(0x80000000, 0); top < leaf {
			return nil
		}
	}
	kinds := []string{"", "Data", "Instruction", "Unified"}
	for i := range uint32(8) {
		a, b, c, _ := arch.CPUID(leaf, i)
		kind := a & 31
		if kind == 0 || kind > 3 {
			break
		}
		x := cache{level: a >> 5 & 7, kind: kinds[kind], line: b&0xfff + 1, partitions: b>>12&0x3ff + 1, ways: b>>22 + 1, sets: c + 1}
		x.size = x.line * x.partitions * x.ways * x.sets
		x.shared = x.level >= 3
		out = append(out, x)
	}
	return out
}

// put makes the files of a cache of processor cpu of n.
func (c *cache) put(at string, cpu, n int, put func(path string, node kernfs.Node)) {
	from, to := cpu, cpu
	if c.shared {
		from, to = 0, n-1
	}
	num := func(v uint32) string { return strconv.FormatUint(uint64(v), 10) + "\n" }
	for _, f := range [][2]string{
		{"level", num(c.level)}, {"type", c.kind + "\n"}, {"size", strconv.FormatUint(uint64(c.size>>10), 10) + "K\n"}, {"coherency_line_size", num(c.line)},
		{"number_of_sets", num(c.sets)}, {"ways_of_associativity", num(c.ways)}, {"physical_line_partition", num(c.partitions)}, {"id", num(uint32(from))},
		{"shared_cpu_list", list(from, to)}, {"shared_cpu_map", mask(from, to, n)},
	} {
		put(at+f[0], kernfs.Fixed(f[1]))
	}
}
