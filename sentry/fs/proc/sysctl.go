package proc

import (
	"crypto/rand"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/ipc"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// sysctlPermission is test_perm: the superuser has the owner's rights, and no capability counts.
func sysctlPermission(ctx vfs.Ctx, mode, want uint32) linux.Errno {
	c := ctx.Cred()
	if c.Euid == 0 {
		mode >>= 6
	} else if c.Egid == 0 || c.InGroup(0) {
		mode >>= 3
	}
	if want&^mode&7 != 0 {
		return linux.EACCES
	}
	return 0
}

// sysText is an entry of /proc/sys that can only be read.
func sysText(name string, text func(c *call) string) entry {
	return reg(name, 0o444, &spec{perm: sysctlPermission, seek: seekFile, text: func(c *call) (string, linux.Errno) { return text(c) + "\n", 0 }})
}

// sysFixed is one that always says the same: what cannot be changed here.
func sysFixed(name, text string) entry { return sysText(name, func(*call) string { return text }) }

// sysInt is an entry over a number within bounds (proc_dointvec_minmax): it is read from the
// beginning only, and what is written elsewhere is without effect.
func sysInt(name string, lo, hi int64, get func(c *call) int64, set func(c *call, v int64)) entry {
	return reg(name, 0o644, &spec{
		perm: sysctlPermission,
		seek: seekFile,
		raw: func(c *call, dst *usermem.Buf, off int64) (int, linux.Errno) {
			if off != 0 {
				return 0, 0
			}
			return dst.CopyOut([]byte(strconv.FormatInt(get(c), 10) + "\n"))
		},
		write: func(c *call, s string, off int64) linux.Errno {
			if off != 0 {
				return 0
			}
			v, err := strconv.ParseInt(word(s), 0, 64)
			if err != nil || v < lo || v > hi {
				return linux.EINVAL
			}
			set(c, v)
			return 0
		},
	})
}

// sysHint is a number that the kernel keeps but that asks for nothing that could be told from
// outside: advice about reclaim and the like.
func sysHint(name string, otherwise, lo, hi int64) entry {
	return sysInt(name, lo, hi,
		func(c *call) int64 {
			if v, ok := c.fs.k.Sysctl().Hints.Load(name); ok {
				return v.(int64)
			}
			return otherwise
		},
		func(c *call, v int64) { c.fs.k.Sysctl().Hints.Store(name, v) })
}

// sysString is an entry over a text of at most limit bytes: what is written goes on from the
// position, up to the end of a line (_proc_do_string).
func sysString(name string, limit int, get func(c *call) string, set func(c *call, s string)) entry {
	return reg(name, 0o644, &spec{
		perm: sysctlPermission,
		seek: seekFile,
		text: func(c *call) (string, linux.Errno) { return get(c) + "\n", 0 },
		write: func(c *call, s string, off int64) linux.Errno {
			old := get(c)
			if s == "" || off > int64(len(old)) {
				return 0
			}
			if i := strings.IndexAny(s, "\x00\n"); i >= 0 {
				s = s[:i]
			}
			s = old[:off] + s
			set(c, s[:min(len(s), limit)])
			return 0
		},
	})
}

// ipcLimits are those of the caller's IPC namespace.
func ipcLimits(c *call) *ipc.Limits {
	if t := c.reader(); t != nil && t.Namespaces() != nil {
		return &t.Namespaces().IPC.Limits
	}
	return &c.fs.k.InitNS.IPC.Limits
}

// sysLimit is an entry over one of them.
func sysLimit(name string, lo, hi uint64, of func(l *ipc.Limits) *atomic.Uint64) entry {
	return sysLimits(name, lo, hi, func(l *ipc.Limits) []*atomic.Uint64 { return []*atomic.Uint64{of(l)} })
}

// sysLimits is one over several, of which the first may be written alone (proc_doulongvec_minmax).
func sysLimits(name string, lo, hi uint64, of func(l *ipc.Limits) []*atomic.Uint64) entry {
	return reg(name, 0o644, &spec{
		perm: sysctlPermission,
		seek: seekFile,
		text: func(c *call) (string, linux.Errno) {
			var words []string
			for _, v := range of(ipcLimits(c)) {
				words = append(words, strconv.FormatUint(v.Load(), 10))
			}
			return strings.Join(words, "\t") + "\n", 0
		},
		write: func(c *call, s string, off int64) linux.Errno {
			to, words := of(ipcLimits(c)), strings.Fields(s)
			if off != 0 {
				return 0
			}
			if len(words) == 0 || len(words) > len(to) {
				return linux.EINVAL
			}
			for n, w := range words {
				v, err := strconv.ParseUint(w, 0, 64)
				if err != nil || v < lo || v > hi {
					return linux.EINVAL
				}
				to[n].Store(v)
			}
			return 0
		},
	})
}

// maxMessage bounds msgmax, so that one message is no large allocation.
const maxMessage = 16 << 20

// uuid is a random version 4 UUID.
func uuid() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

var bootID = sync.OnceValue(uuid)

// uts is the caller's UTS namespace.
func uts(c *call) *kernel.UTSNS {
	if t := c.reader(); t != nil && t.Namespaces() != nil {
		return t.Namespaces().UTS
	}
	return c.fs.k.InitNS.UTS
}

// sysctl is /proc/sys.
func sysctl() entry {
	top := sub("sys", sysKernel(), sysVM(), sysFS(), netSysctl(), sysUser(), sub("abi", sysHint("vsyscall32", 1, 0, 1)), sub("debug", sysHint("exception-trace", 1, 0, 1)), sub("dev"))
	make := top.make
	top.make = func(d *dir, path string) *vfs.Inode {
		i := make(d, path)
		i.Ops.(*dir).sysctl = true
		return i
	}
	return top
}

const maxInt = 1<<31 - 1

func sysKernel() entry {
	return sub("kernel",
		sysString("hostname", 64, func(c *call) string { h, _ := uts(c).Names(); return h }, func(c *call, s string) { uts(c).SetHostname(s) }),
		sysString("domainname", 64, func(c *call) string { _, d := uts(c).Names(); return d }, func(c *call, s string) { uts(c).SetDomainname(s) }),
		sysFixed("ostype", "Linux"), sysFixed("osrelease", "6.12.0"), sysFixed("version", "#1 SMP PREEMPT_DYNAMIC runsc"), sysFixed("arch", "x86_64"),
		sysInt("pid_max", 301, 4194304, func(c *call) int64 { return int64(c.fs.k.Sysctl().PIDMax.Load()) }, func(c *call, v int64) { c.fs.k.Sysctl().PIDMax.Store(int32(v)) }),
		sysInt("threads-max", 20, 1<<30, func(c *call) int64 { return int64(c.fs.k.Sysctl().ThreadsMax.Load()) }, func(c *call, v int64) { c.fs.k.Sysctl().ThreadsMax.Store(int32(v)) }),
		sysInt("randomize_va_space", 0, 2, func(c *call) int64 { return int64(c.fs.k.Sysctl().RandomizeVA.Load()) }, func(c *call, v int64) { c.fs.k.Sysctl().RandomizeVA.Store(int32(v)) }),
		sysText("ns_last_pid", func(c *call) string { return strconv.Itoa(int(c.fs.ns.LastPID())) }),
		sysString("core_pattern", 127, func(c *call) string { return *c.fs.k.Sysctl().CorePattern.Load() }, func(c *call, s string) { c.fs.k.Sysctl().CorePattern.Store(&s) }),
		sysHint("core_uses_pid", 0, 0, 1), sysHint("core_pipe_limit", 0, 0, maxInt), sysFixed("cap_last_cap", "40"), sysFixed("ngroups_max", "65536"), sysFixed("overflowuid", "65534"), sysFixed("overflowgid", "65534"),
		sysLimits("sem", 0, maxInt, func(l *ipc.Limits) []*atomic.Uint64 {
			return []*atomic.Uint64{&l.SemMsl, &l.SemMns, &l.SemOpm, &l.SemMni}
		}),
		sysLimit("shmmax", 0, math.MaxUint64, func(l *ipc.Limits) *atomic.Uint64 { return &l.ShmMax }),
		sysLimit("shmall", 0, math.MaxUint64, func(l *ipc.Limits) *atomic.Uint64 { return &l.ShmAll }),
		sysLimit("shmmni", 0, 32768, func(l *ipc.Limits) *atomic.Uint64 { return &l.ShmMni }), sysFixed("shm_rmid_forced", "0"),
		sysLimit("msgmax", 0, maxMessage, func(l *ipc.Limits) *atomic.Uint64 { return &l.MsgMax }),
		sysLimit("msgmnb", 0, maxInt, func(l *ipc.Limits) *atomic.Uint64 { return &l.MsgMnb }),
		sysLimit("msgmni", 0, 32768, func(l *ipc.Limits) *atomic.Uint64 { return &l.MsgMni }),
		sysHint("kptr_restrict", 1, 0, 2), sysHint("dmesg_restrict", 1, 0, 1), sysFixed("perf_event_paranoid", "4"), sysHint("panic", 0, -maxInt, maxInt), sysHint("panic_on_oops", 0, 0, 1),
		sysFixed("printk", "4\t4\t1\t7"), sysHint("sysrq", 0, 0, 511), sysHint("print-fatal-signals", 0, 0, 1),
		sysFixed("sched_rt_runtime_us", "950000"), sysFixed("sched_rt_period_us", "1000000"), sysHint("sched_autogroup_enabled", 0, 0, 1), sysFixed("sched_rr_timeslice_ms", "100"),
		sysFixed("tainted", "0"), sysFixed("unprivileged_bpf_disabled", "2"), sysFixed("io_uring_disabled", "2"), sysFixed("modules_disabled", "1"), sysFixed("modprobe", "/sbin/modprobe"),
		sysFixed("bootloader_type", "0"), sysFixed("bootloader_version", "0"),
		sub("pty", sysFixed("max", "4096"), sysFixed("reserve", "1024")),
		sub("random", sysText("uuid", func(*call) string { return uuid() }), sysText("boot_id", func(*call) string { return bootID() }),
			sysFixed("entropy_avail", "256"), sysFixed("poolsize", "256"), sysFixed("urandom_min_reseed_secs", "60"), sysFixed("write_wakeup_threshold", "256")),
		sub("seccomp", sysFixed("actions_avail", "kill_process kill_thread trap errno user_notif trace log allow"), sysFixed("actions_logged", "kill_process kill_thread trap errno user_notif trace log")),
	)
}

func sysVM() entry {
	return sub("vm",
		sysInt("overcommit_memory", 0, 2, func(c *call) int64 { return int64(c.fs.k.MM.Overcommit.Load()) }, func(c *call, v int64) { c.fs.k.MM.Overcommit.Store(int32(v)) }),
		sysInt("overcommit_ratio", 0, 1<<30, func(c *call) int64 { return int64(c.fs.k.MM.OvercommitRatio.Load()) }, func(c *call, v int64) { c.fs.k.MM.OvercommitRatio.Store(int32(v)) }),
		sysInt("max_map_count", 0, maxInt, func(c *call) int64 { return int64(c.fs.k.MM.MaxMapCount.Load()) }, func(c *call, v int64) { c.fs.k.MM.MaxMapCount.Store(int32(v)) }),
		sysInt("mmap_min_addr", 0, 1<<31, func(c *call) int64 { return int64(c.fs.k.MM.MinAddr.Load()) }, func(c *call, v int64) { c.fs.k.MM.MinAddr.Store(uint64(v)) }),
		sysFixed("overcommit_kbytes", "0"), sysFixed("nr_hugepages", "0"), sysFixed("nr_overcommit_hugepages", "0"), sysFixed("hugetlb_shm_group", "0"),
		sysHint("swappiness", 60, 0, 200), sysHint("vfs_cache_pressure", 100, 0, maxInt), sysHint("dirty_ratio", 20, 0, 100), sysHint("dirty_background_ratio", 10, 0, 100),
		sysHint("dirty_bytes", 0, 0, 1<<62), sysHint("dirty_background_bytes", 0, 0, 1<<62), sysHint("dirty_expire_centisecs", 3000, 0, maxInt), sysHint("dirty_writeback_centisecs", 500, 0, maxInt),
		sysHint("min_free_kbytes", 67584, 0, maxInt), sysHint("page-cluster", 3, 0, 31), sysHint("zone_reclaim_mode", 0, 0, 7), sysHint("watermark_scale_factor", 10, 1, 3000),
		sysHint("compaction_proactiveness", 20, 0, 100), sysHint("oom_kill_allocating_task", 0, 0, maxInt), sysHint("oom_dump_tasks", 1, 0, maxInt), sysHint("panic_on_oom", 0, 0, 2),
		sysHint("stat_interval", 1, 0, maxInt), sysHint("laptop_mode", 0, 0, maxInt), sysHint("admin_reserve_kbytes", 8192, 0, maxInt), sysHint("user_reserve_kbytes", 131072, 0, maxInt),
		sysFixed("legacy_va_layout", "0"), sysFixed("unprivileged_userfaultfd", "0"), sysFixed("memfd_noexec", "0"), sysFixed("mmap_rnd_bits", "28"),
	)
}

func sysFS() entry {
	return sub("fs",
		sysFixed("file-max", "9223372036854775807"),
		sysText("file-nr", func(c *call) string { return fmt.Sprintf("%d\t0\t9223372036854775807", openFiles(c.fs.k)) }),
		sysFixed("inode-nr", "0\t0"), sysFixed("inode-state", "0\t0\t0\t0\t0\t0\t0"), sysFixed("dentry-state", "0\t0\t45\t0\t0\t0"),
		sysFixed("nr_open", "1048576"), sysFixed("pipe-max-size", "1048576"), sysFixed("pipe-user-pages-hard", "0"), sysFixed("pipe-user-pages-soft", "16384"),
		sysFixed("mount-max", "100000"), sysFixed("aio-max-nr", "65536"), sysFixed("aio-nr", "0"), sysFixed("lease-break-time", "45"), sysFixed("leases-enable", "1"), sysFixed("dir-notify-enable", "1"), sysFixed("suid_dumpable", "0"),
		sysFixed("overflowuid", "65534"), sysFixed("overflowgid", "65534"),
		sysFixed("protected_hardlinks", "1"), sysFixed("protected_symlinks", "1"), sysFixed("protected_fifos", "0"), sysFixed("protected_regular", "0"),
		sub("inotify", sysFixed("max_user_instances", "128"), sysFixed("max_user_watches", "524288"), sysFixed("max_queued_events", "16384")),
		sub("epoll", sysFixed("max_user_watches", "524288")),
		sub("mqueue",
			sysLimit("msg_max", 1, linux.HARD_MSGMAX, func(l *ipc.Limits) *atomic.Uint64 { return &l.MqMsg }),
			sysLimit("msgsize_max", 128, linux.HARD_MSGSIZEMAX, func(l *ipc.Limits) *atomic.Uint64 { return &l.MqMsgSize }),
			sysLimit("queues_max", 0, maxInt, func(l *ipc.Limits) *atomic.Uint64 { return &l.MqQueues }),
			sysLimit("msg_default", 1, linux.HARD_MSGMAX, func(l *ipc.Limits) *atomic.Uint64 { return &l.MqDefault }),
			sysLimit("msgsize_default", 128, linux.HARD_MSGSIZEMAX, func(l *ipc.Limits) *atomic.Uint64 { return &l.MqSizeDefault })),
	)
}

func sysUser() entry {
	var es []entry
	for _, n := range []string{"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"} {
		es = append(es, sysFixed("max_"+n+"_namespaces", "63000"))
	}
	return sub("user", append(es, sysFixed("max_inotify_instances", "128"), sysFixed("max_inotify_watches", "524288"))...)
}

// openFiles counts the descriptors of all processes.
func openFiles(k *kernel.Kernel) (n int) {
	for _, g := range k.Groups(k.InitNS.PIDChildren) {
		if l := g.Leader(); l != nil {
			if f := l.Files(); f != nil {
				n += f.Count()
			}
		}
	}
	return n
}
