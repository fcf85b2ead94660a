package proc

import (
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// fixed is an entry that shows a fixed number or text.
func (f *FS) fixed(name, text string) entry { return f.reg(name, func() string { return text + "\n" }) }

// intCtl is an entry over a number that root may change within bounds.
func (f *FS) intCtl(name string, lo, hi int64, get func() int64, set func(int64)) entry {
	return f.ctl(name, 0o644,
		func(vfs.Ctx) (string, linux.Errno) { return strconv.FormatInt(get(), 10) + "\n", 0 },
		func(ctx vfs.Ctx, s string) linux.Errno {
			if !ctx.Cred().HasIn(f.k.UserNS, linux.CAP_SYS_ADMIN) {
				return linux.EPERM
			}
			v, err := strconv.ParseInt(strings.TrimSpace(s), 0, 64)
			if err != nil || v < lo || v > hi {
				return linux.EINVAL
			}
			set(v)
			return 0
		})
}

// uuid is a random version 4 UUID.
func uuid() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

var bootID = sync.OnceValue(uuid)

// utsName is an entry over a name of the caller's UTS namespace.
func (f *FS) utsName(name string, get func(*kernel.UTSNS) string, set func(*kernel.UTSNS, string)) entry {
	of := func(ctx vfs.Ctx) *kernel.UTSNS {
		if t, ok := ctx.(*kernel.Task); ok {
			return t.Namespaces().UTS
		}
		return f.k.InitNS.UTS
	}
	return f.ctl(name, 0o644,
		func(ctx vfs.Ctx) (string, linux.Errno) { return get(of(ctx)) + "\n", 0 },
		func(ctx vfs.Ctx, s string) linux.Errno {
			ns := of(ctx)
			if !ctx.Cred().HasIn(ns.Owner, linux.CAP_SYS_ADMIN) {
				return linux.EPERM
			}
			s, _, _ = strings.Cut(s, "\n")
			set(ns, s[:min(len(s), 64)])
			return 0
		})
}

// sysctl is /proc/sys.
func (f *FS) sysctl() entry {
	k := f.k
	s, m := k.Sysctl(), k.MM
	return f.sub("sys",
		f.sub("kernel",
			f.utsName("hostname", func(n *kernel.UTSNS) string { h, _ := n.Names(); return h }, (*kernel.UTSNS).SetHostname),
			f.utsName("domainname", func(n *kernel.UTSNS) string { _, d := n.Names(); return d }, (*kernel.UTSNS).SetDomainname),
			f.fixed("ostype", "Linux"), f.fixed("osrelease", "6.12.0"), f.fixed("version", "#1 SMP PREEMPT_DYNAMIC runsc"),
			f.intCtl("pid_max", 301, 4194304, func() int64 { return int64(s.PIDMax.Load()) }, func(v int64) { s.PIDMax.Store(int32(v)) }),
			f.intCtl("threads-max", 20, 1<<30, func() int64 { return int64(s.ThreadsMax.Load()) }, func(v int64) { s.ThreadsMax.Store(int32(v)) }),
			f.intCtl("randomize_va_space", 0, 2, func() int64 { return int64(s.RandomizeVA.Load()) }, func(v int64) { s.RandomizeVA.Store(int32(v)) }),
			f.reg("ns_last_pid", func() string { return strconv.Itoa(int(f.ns.LastPID())) + "\n" }),
			f.reg("core_pattern", func() string { return *s.CorePattern.Load() + "\n" }),
			f.fixed("core_uses_pid", "0"), f.fixed("cap_last_cap", "40"), f.fixed("ngroups_max", "65536"), f.fixed("overflowuid", "65534"), f.fixed("overflowgid", "65534"),
			f.fixed("sem", "32000\t1024000000\t500\t32000"), f.fixed("shmmax", "18446744073692774399"), f.fixed("shmall", "18446744073692774399"),
			f.fixed("shmmni", "4096"), f.fixed("shm_rmid_forced", "0"), f.fixed("msgmax", "8192"), f.fixed("msgmnb", "16384"), f.fixed("msgmni", "32000"),
			f.fixed("kptr_restrict", "1"), f.fixed("dmesg_restrict", "1"), f.fixed("perf_event_paranoid", "4"), f.fixed("panic", "0"), f.fixed("printk", "4\t4\t1\t7"),
			f.fixed("sched_child_runs_first", "0"), f.fixed("sched_rt_runtime_us", "950000"), f.fixed("sched_rt_period_us", "1000000"), f.fixed("tainted", "0"), f.fixed("unprivileged_bpf_disabled", "2"),
			f.sub("random", f.reg("uuid", func() string { return uuid() + "\n" }), f.reg("boot_id", func() string { return bootID() + "\n" }),
				f.fixed("entropy_avail", "256"), f.fixed("poolsize", "256")),
			f.sub("seccomp", f.fixed("actions_avail", "kill_process kill_thread trap errno trace log allow"), f.fixed("actions_logged", "kill_process kill_thread trap errno trace log")),
			f.sub("keys", f.fixed("maxkeys", "200")),
		),
		f.sub("vm",
			f.intCtl("overcommit_memory", 0, 2, func() int64 { return int64(m.Overcommit.Load()) }, func(v int64) { m.Overcommit.Store(int32(v)) }),
			f.intCtl("overcommit_ratio", 0, 1<<30, func() int64 { return int64(m.OvercommitRatio.Load()) }, func(v int64) { m.OvercommitRatio.Store(int32(v)) }),
			f.intCtl("max_map_count", 0, 1<<31-1, func() int64 { return int64(m.MaxMapCount.Load()) }, func(v int64) { m.MaxMapCount.Store(int32(v)) }),
			f.intCtl("mmap_min_addr", 0, 1<<31, func() int64 { return int64(m.MinAddr.Load()) }, func(v int64) { m.MinAddr.Store(uint64(v)) }),
			f.fixed("swappiness", "60"), f.fixed("overcommit_kbytes", "0"), f.fixed("nr_hugepages", "0"), f.fixed("min_free_kbytes", "67584"), f.fixed("dirty_ratio", "20"),
		),
		f.sub("fs",
			f.fixed("file-max", "9223372036854775807"), f.fixed("file-nr", "0\t0\t9223372036854775807"), f.fixed("nr_open", "1048576"), f.fixed("pipe-max-size", "1048576"),
			f.fixed("mount-max", "100000"), f.fixed("aio-max-nr", "65536"), f.fixed("aio-nr", "0"), f.fixed("lease-break-time", "45"), f.fixed("suid_dumpable", "0"),
			f.fixed("protected_hardlinks", "1"), f.fixed("protected_symlinks", "1"), f.fixed("protected_fifos", "0"), f.fixed("protected_regular", "0"),
			f.sub("inotify", f.fixed("max_user_instances", "128"), f.fixed("max_user_watches", "524288"), f.fixed("max_queued_events", "16384")),
			f.sub("epoll", f.fixed("max_user_watches", "524288")),
			f.sub("mqueue", f.fixed("msg_max", "10"), f.fixed("msgsize_max", "8192"), f.fixed("queues_max", "256"), f.fixed("msg_default", "10"), f.fixed("msgsize_default", "8192")),
		),
		f.sub("net", f.sub("core", f.fixed("somaxconn", "4096"), f.fixed("rmem_max", "212992"), f.fixed("wmem_max", "212992"), f.fixed("rmem_default", "212992"), f.fixed("wmem_default", "212992")),
			f.sub("unix", f.fixed("max_dgram_qlen", "512"))),
		f.sub("user", f.fixed("max_user_namespaces", "63000")),
	)
}
