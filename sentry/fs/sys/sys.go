// Package sys is sysfs(5) in a sandbox: the processors, one memory node, the network interfaces,
// the directories that programs expect to find empty.
//
//	sys.go  the file system
//	cpu.go  processors and their caches
//	net.go  network interfaces
package sys

import (
	"fmt"

	"github.com/seed-7423c386/runsc/sentry/fs/kernfs"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/pages"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

const magic = 0x62656572

// New returns a sysfs that shows the interfaces of a network namespace.
func New(k *kernel.Kernel, net *kernel.NetNS) *vfs.Super {
	nodes := map[string]kernfs.Node{}
	put := func(path string, n kernfs.Node) { nodes[path] = n }
	for _, dir := range []string{"block", "bus", "class/block", "class/tty", "dev/block", "dev/char", "devices/platform", "devices/virtual", "firmware", "fs/cgroup",
		"hypervisor", "kernel/debug", "kernel/security", "kernel/tracing", "kernel/mm", "module", "power"} {
		put(dir, kernfs.NewDir(nil))
	}
	for _, f := range [][2]string{
		{"kernel/fscaps", "1\n"}, {"kernel/uevent_seqnum", "1\n"}, {"kernel/address_bits", "64\n"}, {"kernel/cpu_byteorder", "little\n"}, {"kernel/profiling", "0\n"},
		{"kernel/cgroup/delegate", "cgroup.procs\ncgroup.threads\ncgroup.subtree_control\n"}, {"kernel/cgroup/features", "nsdelegate\n"},
		{"kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n"},
		{"kernel/mm/transparent_hugepage/defrag", "always defer defer+madvise [madvise] never\n"},
		{"kernel/mm/transparent_hugepage/shmem_enabled", "always within_size advise [never] deny force\n"},
		{"kernel/mm/transparent_hugepage/hpage_pmd_size", "2097152\n"}, {"kernel/mm/transparent_hugepage/use_zero_page", "1\n"},
		{"devices/system/clocksource/clocksource0/available_clocksource", "tsc\n"}, {"devices/system/clocksource/clocksource0/current_clocksource", "tsc\n"},
	} {
		put(f[0], kernfs.Fixed(f[1]))
	}
	for _, name := range []string{"nr_hugepages", "nr_hugepages_mempolicy", "nr_overcommit_hugepages", "free_hugepages", "resv_hugepages", "surplus_hugepages"} {
		put("kernel/mm/hugepages/hugepages-2048kB/"+name, kernfs.Fixed("0\n"))
	}
	cpus(k, put)
	memory(k, put)
	interfaces(socket.Devices(net), put)
	return kernfs.New("sysfs", magic, 4096, kernfs.NewDir(nodes)).Super
}

// memory is /sys/devices/system/node with its one node.
func memory(k *kernel.Kernel, put func(path string, n kernfs.Node)) {
	const top = "devices/system/node/"
	for _, f := range [][2]string{{"online", "0\n"}, {"possible", "0\n"}, {"has_cpu", "0\n"}, {"has_memory", "0\n"}, {"has_normal_memory", "0\n"},
		{"node0/distance", "10\n"}, {"node0/cpulist", list(0, k.NumCPU-1)}, {"node0/cpumap", mask(0, k.NumCPU-1, k.NumCPU)},
		{"node0/numastat", "numa_hit 0\nnuma_miss 0\nnuma_foreign 0\ninterleave_hit 0\nlocal_node 0\nother_node 0\n"}} {
		put(top+f[0], kernfs.Fixed(f[1]))
	}
	for i := range k.NumCPU {
		put(fmt.Sprintf(top+"node0/cpu%d", i), &kernfs.Link{Target: fmt.Sprintf("../../cpu/cpu%d", i)})
	}
	put(top+"node0/meminfo", kernfs.Text(func() string {
		used := min(k.Pool.Total(), k.TotalRAM)
		s := ""
		for _, l := range []struct {
			name string
			n    uint64
		}{{"MemTotal", k.TotalRAM}, {"MemFree", k.TotalRAM - used}, {"MemUsed", used}, {"FilePages", k.Pool.Used(pages.Cache) + k.Pool.Used(pages.Shmem)},
			{"AnonPages", k.Pool.Used(pages.Anon)}, {"Shmem", k.Pool.Used(pages.Shmem)}} {
			s += fmt.Sprintf("Node 0 %-15s %8d kB\n", l.name+":", l.n>>10)
		}
		return s + "Node 0 HugePages_Total:     0\nNode 0 HugePages_Free:      0\nNode 0 HugePages_Surp:      0\n"
	}))
}
