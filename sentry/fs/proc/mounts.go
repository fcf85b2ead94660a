package proc

import (
	"strconv"
	"strings"

	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// mountsOf lists what t's root reaches.
func mountsOf(t *kernel.Task) []vfs.MountInfo {
	n, fs := t.Namespaces(), t.FS()
	if n == nil || fs == nil {
		return nil
	}
	root := fs.Root()
	defer root.Put()
	return n.Mount.List(root)
}

func (f *FS) mountinfo(t *kernel.Task) string {
	var b strings.Builder
	for _, m := range mountsOf(t) {
		b.WriteString(m.Line())
		if !strings.HasSuffix(m.Line(), "\n") {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

func (f *FS) mounts(t *kernel.Task) string {
	var b strings.Builder
	for _, m := range mountsOf(t) {
		b.WriteString(vfs.Mangle(m.Source) + " " + vfs.Mangle(m.Point) + " " + m.Type + " " + m.Options() + " 0 0\n")
	}
	return b.String()
}

// children are the processes that t's process has, for /proc/PID/task/TID/children.
func (f *FS) children(t *kernel.Task) string {
	var b strings.Builder
	for _, g := range f.k.Groups(f.ns) {
		if g.Parent() == t.Group() {
			b.WriteString(strconv.Itoa(int(g.PIDIn(f.ns))) + " ")
		}
	}
	return b.String()
}

// netDir is /proc/PID/net: a network namespace without devices but lo.
func (f *FS) netDir(t *kernel.Task) entry {
	none := func(s string) func(*kernel.Task) string { return func(*kernel.Task) string { return s } }
	tcp := "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     \n"
	tcp6 := "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
	udp := "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops             \n"
	return f.subOf(t, "net", 0o555, nil,
		f.of(t, "arp", none("IP address       HW type     Flags       HW address            Mask     Device\n")),
		f.of(t, "dev", none("Inter-|   Receive                                                |  Transmit\n face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n    lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0\n")),
		f.of(t, "if_inet6", none("")),
		f.of(t, "netlink", none("sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n")),
		f.of(t, "packet", none("sk       RefCnt Type Proto  Iface R Rmem   User   Inode\n")),
		f.of(t, "raw", none(udp)),
		f.of(t, "route", none("Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT                                                       \n")),
		f.of(t, "tcp", none(tcp)), f.of(t, "tcp6", none(tcp6)), f.of(t, "udp", none(udp)), f.of(t, "udp6", none(tcp6)),
		f.of(t, "unix", none("Num       RefCount Protocol Flags    Type St Inode Path\n")),
	)
}
