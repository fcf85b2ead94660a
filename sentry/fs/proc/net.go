package proc

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/device"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// Headings of tables whose rows the families of sockets know (socket.RegisterProc).
const (
	tcpHead  = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     \n"
	tcp6Head = "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
	udpHead  = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops             \n"
	rawHead  = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n"
	raw6Head = "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n"
)

// netHeads are tables and what they show as long as no family fills them.
var netHeads = [...][2]string{
	{"arp", "IP address       HW type     Flags       HW address            Mask     Device\n"},
	{"icmp", rawHead}, {"icmp6", raw6Head},
	{"netlink", "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n"},
	{"packet", "sk       RefCnt Type Proto  Iface R Rmem   User   Inode\n"},
	{"ptype", "Type Device      Function\n0800          ip_rcv\n86dd          ipv6_rcv\n"},
	{"raw", rawHead}, {"raw6", raw6Head},
	{"route", "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT                                                       \n"},
	{"tcp", tcpHead}, {"tcp6", tcp6Head}, {"udp", udpHead}, {"udp6", raw6Head}, {"udplite", udpHead}, {"udplite6", raw6Head},
	{"unix", "Num       RefCount Protocol Flags    Type St Inode Path\n"},
}

// netDir is /proc/PID/net: the files of the task's network namespace.
func netDir() entry {
	es := []entry{
		netFile("dev", devText), netFile("dev_mcast", func([]device.Link) string { return "" }), netFile("if_inet6", ifInet6),
		netFile("wireless", func([]device.Link) string {
			return "Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE\n face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22\n"
		}),
	}
	for _, h := range netHeads {
		es = append(es, netFile(h[0], func([]device.Link) string { return h[1] }))
	}
	return subPerm("net", 0o555, registered{}, es)
}

// netFile is an entry that a family of sockets may have registered; else text makes it of the
// interfaces.
func netFile(name string, text func(links []device.Link) string) entry {
	return reg(name, 0o444, &spec{seq: func(c *call, at uint64) (string, uint64, linux.Errno) {
		n := c.t.Namespaces()
		if n == nil {
			return "", 0, linux.EINVAL
		}
		if f := socket.Proc(name); f != nil {
			s, next := f(n.Net, c.uid, at)
			return s, next, 0
		}
		return text(socket.Devices(n.Net).Links()), 0, 0
	}})
}

// registered are the files of /proc/PID/net that only the families know.
type registered struct{}

func (registered) lookup(_ vfs.Ctx, d *dir, name string) (*vfs.Inode, linux.Errno) {
	if socket.Proc(name) == nil {
		return nil, linux.ENOENT
	}
	return netFile(name, nil).make(d, d.join(name)), 0
}

func (registered) list(_ vfs.Ctx, from int64) (es []numbered) {
	for i, name := range socket.ProcNames() {
		if int64(i) >= from && !isHead(name) {
			es = append(es, numbered{int64(i), name, linux.DT_REG})
		}
	}
	return es
}

func isHead(name string) bool {
	for _, h := range netHeads {
		if h[0] == name {
			return true
		}
	}
	return name == "dev" || name == "dev_mcast" || name == "if_inet6" || name == "wireless"
}

// devText is /proc/net/dev.
func devText(links []device.Link) string {
	var b strings.Builder
	b.WriteString("Inter-|   Receive                                                |  Transmit\n face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n")
	for _, l := range links {
		fmt.Fprintf(&b, "%6s: %7d %7d %4d %4d %4d %5d %10d %9d %8d %7d %4d %4d %4d %5d %7d %10d\n", l.Name,
			l.Stats.RxBytes.Load(), l.Stats.RxPackets.Load(), l.Stats.RxErrors.Load(), l.Stats.RxDropped.Load(), 0, 0, 0, l.Stats.Multicast.Load(),
			l.Stats.TxBytes.Load(), l.Stats.TxPackets.Load(), 0, l.Stats.TxDropped.Load(), 0, 0, 0, 0)
	}
	return b.String()
}

// ifInet6 is /proc/net/if_inet6: address, index, prefix, scope, flags, name.
func ifInet6(links []device.Link) string {
	var b strings.Builder
	for _, l := range links {
		for _, a := range l.Addrs {
			if a.Family == linux.AF_INET6 {
				flags := linux.IFA_F_PERMANENT
				if a.NoDAD {
					flags |= linux.IFA_F_NODAD
				}
				if a.Tentative {
					flags |= linux.IFA_F_TENTATIVE
				}
				if a.Duplicate {
					flags |= linux.IFA_F_DADFAILED
				}
				scope := map[uint8]int{linux.RT_SCOPE_HOST: 0x10, linux.RT_SCOPE_LINK: 0x20}[a.Scope]
				fmt.Fprintf(&b, "%032x %02x %02x %02x %02x %8s\n", a.IP, l.Index, a.Prefix, scope, flags, l.Name)
			}
		}
	}
	return b.String()
}

// netTunable is an entry of /proc/sys/net of n numbers, or of a text if n is 0: it is kept for the
// caller's network namespace.
func netTunable(dir, name, otherwise string, n int) entry {
	path := dir + "/" + name
	byDefault := path // an interface begins with what the default is
	if family, rest, ok := strings.Cut(dir, "/conf/"); ok && rest != "all" {
		byDefault = family + "/conf/default/" + name
	}
	of := func(c *call) *socket.Tunables {
		if t := c.reader(); t != nil && t.Namespaces() != nil {
			return socket.TunablesOf(t.Namespaces().Net)
		}
		return socket.TunablesOf(c.fs.k.InitNS.Net)
	}
	mode := uint32(0o644)
	if name == "tcp_available_congestion_control" {
		mode = 0o444
	}
	return reg(name, mode, &spec{
		seek: seekFile,
		perm: netPermission,
		text: func(c *call) (string, linux.Errno) { return of(c).Get(path, of(c).Get(byDefault, otherwise)) + "\n", 0 },
		write: func(c *call, s string, off int64) linux.Errno {
			if off != 0 {
				return 0 // as proc_dointvec does
			}
			s = word(s)
			if n > 0 {
				words := strings.Fields(s)
				if len(words) == 0 || len(words) > n {
					return linux.EINVAL
				}
				old := strings.Fields(of(c).Get(path, otherwise))
				for i, w := range words {
					v, err := strconv.ParseInt(w, 0, 32)
					if err != nil {
						return linux.EINVAL
					}
					old[i] = strconv.FormatInt(v, 10)
				}
				s = strings.Join(old, "\t")
			}
			if errno := socket.TunableError(path, s); errno != 0 {
				return errno
			}
			return of(c).Set(path, s)
		},
	})
}

// netPermission lets whoever is root of the network namespace's owner change it
// (net_ctl_permissions).
func netPermission(ctx vfs.Ctx, mode, want uint32) linux.Errno {
	if t := (&call{Ctx: ctx}).reader(); t != nil && t.Namespaces() != nil && ctx.Cred().HasIn(t.Namespaces().Net.Owner, linux.CAP_NET_ADMIN) {
		mode |= mode >> 6 & 7
		if want&^mode&7 == 0 {
			return 0
		}
	}
	return sysctlPermission(ctx, mode, want)
}

// netSysctl is /proc/sys/net.
func netSysctl() entry {
	group := func(path string, list ...[2]string) (es []entry) {
		for _, l := range list {
			n := len(strings.Fields(l[1]))
			if _, err := strconv.Atoi(strings.Fields(l[1] + " x")[0]); err != nil {
				n = 0
			}
			es = append(es, netTunable(path, l[0], l[1], n))
		}
		return es
	}
	devices := func(path string, list ...[2]string) entry {
		all, other := sub("all", group(path+"/conf/all", list...)...), sub("default", group(path+"/conf/default", list...)...)
		return subPerm("conf", 0o555, perLink(func(name string) entry { return sub(name, group(path+"/conf/"+name, list...)...) }), []entry{all, other})
	}
	ipv4 := append(group("ipv4", ipv4Tunables[:]...), devices("ipv4", ipv4Device[:]...))
	ipv6 := append(group("ipv6", [][2]string{{"bindv6only", "0"}, {"ip_nonlocal_bind", "0"}, {"auto_flowlabels", "1"}}...), devices("ipv6", ipv6Device[:]...))
	return sub("net",
		sub("core", group("core", coreTunables[:]...)...),
		sub("ipv4", ipv4...),
		sub("ipv6", ipv6...),
		sub("unix", group("unix", [2]string{"max_dgram_qlen", "512"})...),
	)
}

// perLink is a directory for each interface of the reader's namespace.
type perLink func(name string) entry

func (perLink) links(ctx vfs.Ctx) []device.Link {
	if t := (&call{Ctx: ctx}).reader(); t != nil && t.Namespaces() != nil {
		return socket.Devices(t.Namespaces().Net).Links()
	}
	return nil
}

func (p perLink) lookup(ctx vfs.Ctx, d *dir, name string) (*vfs.Inode, linux.Errno) {
	if name != "all" && name != "default" {
		for _, l := range p.links(ctx) {
			if l.Name == name {
				return p(name).make(d, d.join(name)), 0
			}
		}
	}
	return nil, linux.ENOENT
}

func (p perLink) list(ctx vfs.Ctx, from int64) (es []numbered) {
	for _, l := range p.links(ctx) {
		if int64(l.Index) >= from && l.Name != "all" && l.Name != "default" {
			es = append(es, numbered{int64(l.Index), l.Name, linux.DT_DIR})
		}
	}
	return es
}

// What /proc/sys/net has, with Linux's defaults.
var (
	coreTunables = [...][2]string{
		{"somaxconn", "4096"}, {"rmem_default", "212992"}, {"rmem_max", "212992"}, {"wmem_default", "212992"}, {"wmem_max", "212992"},
		{"netdev_max_backlog", "1000"}, {"optmem_max", "131072"}, {"busy_poll", "0"}, {"busy_read", "0"}, {"message_burst", "10"}, {"message_cost", "5"},
	}
	ipv4Tunables = [...][2]string{
		{"icmp_echo_ignore_all", "0"}, {"icmp_echo_ignore_broadcasts", "1"}, {"ip_default_ttl", "64"}, {"ip_forward", "0"}, {"ip_local_port_range", "32768\t60999"},
		{"ip_local_reserved_ports", ""}, {"ip_no_pmtu_disc", "0"}, {"ip_nonlocal_bind", "0"}, {"ip_unprivileged_port_start", "1024"}, {"ping_group_range", "1\t0"},
		{"tcp_abort_on_overflow", "0"}, {"tcp_allowed_congestion_control", "reno cubic bbr"}, {"tcp_available_congestion_control", "reno cubic bbr"}, {"tcp_congestion_control", "cubic"},
		{"tcp_ecn", "2"}, {"tcp_fastopen", "1"}, {"tcp_fastopen_key", "00000000-00000000-00000000-00000000"}, {"tcp_ecn_fallback", "1"}, {"tcp_dsack", "1"}, {"tcp_early_retrans", "3"}, {"tcp_frto", "2"}, {"tcp_fin_timeout", "60"}, {"tcp_keepalive_intvl", "75"}, {"tcp_keepalive_probes", "9"}, {"tcp_keepalive_time", "7200"},
		{"tcp_max_orphans", "65536"}, {"tcp_max_syn_backlog", "1024"}, {"tcp_max_tw_buckets", "65536"}, {"tcp_mem", "188319\t251094\t376638"}, {"tcp_moderate_rcvbuf", "1"},
		{"tcp_mtu_probing", "0"}, {"tcp_no_metrics_save", "0"}, {"tcp_orphan_retries", "0"}, {"tcp_retries1", "3"}, {"tcp_retries2", "15"}, {"tcp_rfc1337", "0"},
		{"tcp_rmem", "4096\t131072\t6291456"}, {"tcp_sack", "1"}, {"tcp_slow_start_after_idle", "1"}, {"tcp_syn_retries", "6"}, {"tcp_synack_retries", "5"}, {"tcp_syncookies", "1"},
		{"tcp_timestamps", "1"}, {"tcp_tw_reuse", "2"}, {"tcp_window_scaling", "1"}, {"tcp_wmem", "4096\t16384\t4194304"}, {"udp_mem", "376638\t502190\t753276"},
		{"udp_rmem_min", "4096"}, {"udp_wmem_min", "4096"},
	}
	ipv4Device = [...][2]string{
		{"accept_local", "0"}, {"accept_redirects", "1"}, {"accept_source_route", "0"}, {"arp_announce", "0"}, {"arp_ignore", "0"}, {"forwarding", "0"},
		{"log_martians", "0"}, {"proxy_arp", "0"}, {"route_localnet", "0"}, {"rp_filter", "0"}, {"secure_redirects", "1"}, {"send_redirects", "1"},
	}
	ipv6Device = [...][2]string{{"accept_dad", "1"}, {"accept_ra", "1"}, {"accept_redirects", "1"}, {"autoconf", "1"}, {"dad_transmits", "1"}, {"disable_ipv6", "0"}, {"forwarding", "0"}, {"hop_limit", "64"}, {"mtu", "1280"}}
)
