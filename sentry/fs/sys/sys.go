// Package sys is what sysfs(5) and cgroup2 show in a sandbox: the processors, one memory node, the
// loopback device, the limits of the container's cgroup. All of it is fixed when the container
// is made, so it is a tree of files in memory.
package sys

import (
	"fmt"
	"strconv"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/fs/tmpfs"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

const (
	sysfsMagic   = 0x62656572
	cgroup2Magic = 0x63677270
)

// New returns a sysfs.
func New(k *kernel.Kernel) (*vfs.Super, linux.Errno) {
	all := "0\n"
	if k.NumCPU > 1 {
		all = fmt.Sprintf("0-%d\n", k.NumCPU-1)
	}
	mask := fmt.Sprintf("%x\n", uint64(1)<<min(k.NumCPU, 63)-1)
	files := map[string]string{
		"block/": "", "bus/": "", "class/net/lo/": "", "dev/block/": "", "dev/char/": "", "firmware/": "", "fs/cgroup/": "", "module/": "", "power/": "",
		"class/net/lo/address": "00:00:00:00:00:00\n", "class/net/lo/mtu": "65536\n", "class/net/lo/ifindex": "1\n", "class/net/lo/operstate": "unknown\n",
		"class/net/lo/type": "772\n", "class/net/lo/flags": "0x8\n", "class/net/lo/tx_queue_len": "1000\n",
		"devices/system/cpu/online": all, "devices/system/cpu/possible": all, "devices/system/cpu/present": all, "devices/system/cpu/offline": "\n",
		"devices/system/cpu/isolated": "\n", "devices/system/cpu/kernel_max": "8191\n",
		"devices/system/node/online": "0\n", "devices/system/node/possible": "0\n", "devices/system/node/has_cpu": "0\n", "devices/system/node/has_memory": "0\n",
		"devices/system/node/node0/cpulist": all, "devices/system/node/node0/cpumap": mask, "devices/system/node/node0/distance": "10\n",
		"devices/system/node/node0/meminfo":                 fmt.Sprintf("Node 0 MemTotal:       %d kB\n", k.TotalRAM>>10),
		"kernel/mm/transparent_hugepage/enabled":            "always [madvise] never\n",
		"kernel/mm/transparent_hugepage/defrag":             "always defer defer+madvise [madvise] never\n",
		"kernel/mm/transparent_hugepage/shmem_enabled":      "always within_size advise [never] deny force\n",
		"kernel/mm/transparent_hugepage/hpage_pmd_size":     "2097152\n",
		"kernel/mm/transparent_hugepage/use_zero_page":      "1\n",
		"kernel/mm/hugepages/hugepages-2048kB/nr_hugepages": "0\n",
	}
	for i := range k.NumCPU {
		d := "devices/system/cpu/cpu" + strconv.Itoa(i) + "/"
		files[d+"online"] = "1\n"
		files[d+"topology/core_id"] = strconv.Itoa(i) + "\n"
		files[d+"topology/physical_package_id"] = "0\n"
		files[d+"topology/thread_siblings_list"] = strconv.Itoa(i) + "\n"
		files[d+"topology/core_siblings_list"] = all
		files[d+"topology/thread_siblings"] = fmt.Sprintf("%x\n", uint64(1)<<min(i, 63))
		files[d+"topology/core_siblings"] = mask
	}
	return tmpfs.NewStatic(k.Pool, "sysfs", sysfsMagic, files)
}

// Limits are what the container's cgroup allows; zero is no limit.
type Limits struct {
	Memory uint64 // bytes
	Pids   int64
	CPUs   int // whole processors
}

// NewCgroup returns a cgroup2 file system with the container's own group as its root.
func NewCgroup(k *kernel.Kernel, l Limits) (*vfs.Super, linux.Errno) {
	limit := func(n int64) string {
		if n == 0 {
			return "max\n"
		}
		return strconv.FormatInt(n, 10) + "\n"
	}
	cpu := "max 100000\n"
	if l.CPUs > 0 {
		cpu = fmt.Sprintf("%d 100000\n", l.CPUs*100000)
	}
	return tmpfs.NewStatic(k.Pool, "cgroup2", cgroup2Magic, map[string]string{
		"cgroup.controllers": "cpu memory pids\n", "cgroup.subtree_control": "", "cgroup.procs": "1\n", "cgroup.threads": "1\n", "cgroup.type": "domain\n",
		"cgroup.events": "populated 1\nfrozen 0\n", "cgroup.max.depth": "max\n", "cgroup.max.descendants": "max\n",
		"memory.max": limit(int64(l.Memory)), "memory.high": "max\n", "memory.min": "0\n", "memory.low": "0\n", "memory.swap.max": "0\n",
		"pids.max": limit(l.Pids), "cpu.max": cpu, "cpu.weight": "100\n",
	})
}
