package inet

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/net/dgram"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
	"github.com/seed-7423c386/runsc/sentry/net/tcp"
	"github.com/seed-7423c386/runsc/sentry/socket"
)

// Files of /proc/net.

// partRows is how many rows of a table go into one part of its file.
const partRows = 1000

// registerProc makes the files known.
func registerProc() {
	socket.CheckTunable("ipv4/tcp_congestion_control", func(v string) linux.Errno {
		if !slices.Contains(tcp.Algorithms(), v) {
			return linux.ENOENT
		}
		return 0
	})
	socket.CheckTunable("ipv4/tcp_allowed_congestion_control", func(v string) linux.Errno {
		for _, name := range strings.Fields(v) {
			if !slices.Contains(tcp.Algorithms(), name) {
				return linux.EINVAL
			}
		}
		return 0
	})
	socket.CheckTunable("ipv4/tcp_ecn", func(v string) linux.Errno {
		if n, err := strconv.Atoi(v); err != nil || n < 0 || n > 2 {
			return linux.EINVAL
		}
		return 0
	})
	socket.CheckTunable("ipv4/tcp_fastopen_key", func(v string) linux.Errno {
		if _, ok := parseFastKeys(v); !ok {
			return linux.EINVAL
		}
		return 0
	})
	tcpHead := "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
	head6 := "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
	dgramTail := " ref pointer drops"
	for _, v6 := range []bool{false, true} {
		suffix, head, udpHead, rawHead := "", fmt.Sprintf("%-149s\n", tcpHead), fmt.Sprintf("%-127s\n", " "+tcpHead+dgramTail), tcpHead+dgramTail+"\n"
		if v6 {
			suffix, head, udpHead, rawHead = "6", head6+"\n", head6+dgramTail+"\n", head6+dgramTail+"\n"
		}
		socket.RegisterProc("tcp"+suffix, table(head, func(n *Net, uid func(auth.UID) uint32) []string { return tcpRows(n, v6, uid) }))
		for name, kind := range map[string]dgram.Kind{"udp": dgram.UDP, "udplite": dgram.UDPLite, "raw": dgram.Raw, "icmp": dgram.Ping} {
			h := rawHead
			if kind.HasPorts() {
				h = udpHead
			}
			socket.RegisterProc(name+suffix, table(h, func(n *Net, uid func(auth.UID) uint32) []string { return dgramRows(n, kind, v6, uid) }))
		}
	}
	for name, text := range map[string]func(*Net) string{"dev": devText, "route": routeText, "ipv6_route": route6Text, "snmp": snmpText, "netstat": netstatText, "snmp6": snmp6Text, "igmp": igmpText, "igmp6": igmp6Text, "mcfilter": sources4Text, "mcfilter6": sources6Text, "protocols": protocolsText, "fib_trie": trieText, "psched": pschedText, "sockstat": sockstatText, "sockstat6": sockstat6Text, "arp": arpText} {
		socket.RegisterProc(name, func(ns socket.Namespace, _ func(auth.UID) uint32, _ uint64) (string, uint64) { return text(Of(ns)), 0 })
	}
}

// table makes a file of a heading and rows.
func table(head string, rows func(n *Net, uid func(auth.UID) uint32) []string) socket.ProcFile {
	return func(ns socket.Namespace, uid func(auth.UID) uint32, at uint64) (string, uint64) {
		all := rows(Of(ns), uid)
		var b strings.Builder
		if at == 0 {
			b.WriteString(head)
		}
		from := min(at, uint64(len(all)))
		to := min(from+partRows, uint64(len(all)))
		for i, r := range all[from:to] {
			fmt.Fprintf(&b, "%4d%s\n", int(from)+i, r)
		}
		if to < uint64(len(all)) {
			return b.String(), to
		}
		return b.String(), 0
	}
}

// hexAddr is an address as these files show it: words in the order of the machine.
func hexAddr(a netip.AddrPort, v6 bool) string {
	ip := a.Addr()
	if !v6 {
		var b [4]byte
		if ip.IsValid() {
			b = ip.As4()
		}
		return fmt.Sprintf("%08X:%04X", binary.LittleEndian.Uint32(b[:]), a.Port())
	}
	var b [16]byte
	if ip.IsValid() {
		b = ip.As16()
	}
	s := ""
	for i := 0; i < 16; i += 4 {
		s += fmt.Sprintf("%08X", binary.LittleEndian.Uint32(b[i:]))
	}
	return s + fmt.Sprintf(":%04X", a.Port())
}

// inodeOf is the inode of an endpoint's socket, 0 if nobody has it open.
func inodeOf(o stack.Owner) uint64 {
	if s, ok := o.(socket.Socket); ok {
		if i := s.Common().Inode(); i != nil {
			return i.Ino
		}
	}
	return 0
}

func tcpRows(n *Net, v6 bool, uid func(auth.UID) uint32) (rows []string) {
	var all []tcp.Info
	n.TCP.Each(v6, func(i tcp.Info) { all = append(all, i) })
	slices.SortStableFunc(all, func(a, b tcp.Info) int {
		listens := func(i tcp.Info) int {
			if i.State == tcp.Listen {
				return 0
			}
			return 1
		}
		if d := listens(a) - listens(b); d != 0 {
			return d
		}
		return a.Local.Compare(b.Local)
	})
	for _, i := range all {
		half, refs := i.State == tcp.SynRecv && i.Endpoint == nil, 1
		if half {
			refs = 0
		}
		s := fmt.Sprintf(": %s %s %02X %08X:%08X %02X:%08X %08X %5d %8d %d %d 0000000000000000", hexAddr(i.Local, v6), hexAddr(i.Remote, v6), i.State,
			i.TxQueue, i.RxQueue, i.Timer, jiffies(i.Expires, n), i.Retrans, uid(auth.UID(i.UID)), 0, inodeOf(i.Owner), refs)
		switch {
		case half:
		case i.State == tcp.TimeWait:
			s = fmt.Sprintf(": %s %s %02X %08X:%08X %02X:%08X %08X %5d %8d %d 3 0000000000000000", hexAddr(i.Local, v6), hexAddr(i.Remote, v6), i.State, 0, 0, 3, max(0, i.Expires-n.Stack.Clock.Now())/1e7, 0, 0, 0, 0)
		case i.State == tcp.Listen:
			s = fmt.Sprintf(": %s %s %02X %08X:%08X %02X:%08X %08X %5d %8d %d %d 0000000000000000", hexAddr(i.Local, v6), hexAddr(i.Remote, v6), i.State,
				0, i.RxQueue, 0, 0, 0, uid(auth.UID(i.UID)), 0, inodeOf(i.Owner), refs) // how many it may hold is for sock_diag only
			s += " 100 0 0 10 0"
		default:
			s += " 20 4 30 10 -1"
		}
		if !v6 {
			s = fmt.Sprintf("%-145s", s)
		}
		rows = append(rows, s)
	}
	return rows
}

// jiffies is how long it is to a time, in hundredths of a second.
func jiffies(at int64, n *Net) int64 {
	if at == 0 {
		return 0
	}
	return max(0, at-n.Stack.Clock.Now()) / 1e7
}

func dgramRows(n *Net, kind dgram.Kind, v6 bool, uid func(auth.UID) uint32) (rows []string) {
	n.UDP.Each(kind, v6, func(e *dgram.Endpoint) {
		state := 7
		remote, ok := e.Remote()
		if ok {
			state = 1
		}
		_, mem := e.Queued()
		rows = append(rows, fmt.Sprintf(": %s %s %02X %08X:%08X %02X:%08X %08X %5d %8d %d 2 0000000000000000 %d", hexAddr(e.Local(), v6), hexAddr(remote, v6), state,
			0, mem, 0, 0, 0, uid(auth.UID(e.UID())), 0, inodeOf(e.Owner), e.Drops.Load()))
	})
	return rows
}

// devText is /proc/net/dev.
func devText(n *Net) string {
	n.TCP.Settle()
	var b strings.Builder
	b.WriteString("Inter-|   Receive                                                |  Transmit\n face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n")
	for _, l := range n.Stack.Devices.Links() {
		s := l.Stats
		fmt.Fprintf(&b, "%6s: %7d %7d %4d %4d %4d %5d %10d %9d %8d %7d %4d %4d %4d %5d %7d %10d\n", l.Name,
			s.RxBytes.Load(), s.RxPackets.Load(), s.RxErrors.Load(), s.RxDropped.Load(), 0, 0, 0, s.Multicast.Load(),
			s.TxBytes.Load(), s.TxPackets.Load(), 0, s.TxDropped.Load(), 0, 0, 0, 0)
	}
	return b.String()
}

func (n *Net) linkName(index int32) string {
	if l, errno := n.Stack.Devices.Find(index, ""); errno == 0 {
		return l.Name
	}
	return "*"
}

// Flags of routes (include/uapi/linux/route.h).
const (
	rtfUp      = 1
	rtfGateway = 2
	rtfHost    = 4
)

// routeText is /proc/net/route.
func routeText(n *Net) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-127s\n", "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT")
	for _, r := range n.Stack.Routes() {
		if !r.Dst.Addr().Is4() || r.Type != linux.RTN_UNICAST {
			continue
		}
		word := func(a netip.Addr) uint32 {
			if !a.IsValid() {
				return 0
			}
			ip := a.As4()
			return binary.LittleEndian.Uint32(ip[:])
		}
		flags := rtfUp
		if r.Gateway.IsValid() {
			flags |= rtfGateway
		}
		if r.Dst.Bits() == 32 {
			flags |= rtfHost
		}
		var mask [4]byte
		binary.BigEndian.PutUint32(mask[:], uint32(uint64(0xffffffff)<<(32-r.Dst.Bits())))
		fmt.Fprintf(&b, "%-127s\n", fmt.Sprintf("%s\t%08X\t%08X\t%04X\t%d\t%d\t%d\t%08X\t%d\t%d\t%d", n.linkName(r.Link), word(r.Dst.Addr()), word(r.Gateway), flags, 0, 0, r.Metric,
			binary.LittleEndian.Uint32(mask[:]), r.MTU, 0, 0))
	}
	return b.String()
}

// route6Text is /proc/net/ipv6_route.
func route6Text(n *Net) string {
	var b strings.Builder
	for _, r := range n.Stack.Routes() {
		if !r.Dst.Addr().Is6() {
			continue
		}
		var gw [16]byte
		flags := rtfUp
		if r.Gateway.IsValid() {
			gw = r.Gateway.As16()
			flags |= rtfGateway
		}
		fmt.Fprintf(&b, "%032x %02x %032x 00 %032x %08x %08x %08x %08x %8s\n", r.Dst.Addr().As16(), r.Dst.Bits(), [16]byte{}, gw, r.Metric, 1, 0, flags, n.linkName(r.Link))
	}
	return b.String()
}

func (n *Net) count(v6 bool) (tcpInUse, waits, udp, lite, raw int) {
	n.TCP.Each(v6, func(i tcp.Info) {
		switch {
		case i.State == tcp.TimeWait:
			waits++
		case i.Endpoint != nil:
			tcpInUse++
		}
	})
	n.UDP.Each(dgram.UDP, v6, func(*dgram.Endpoint) { udp++ })
	n.UDP.Each(dgram.UDPLite, v6, func(*dgram.Endpoint) { lite++ })
	n.UDP.Each(dgram.Raw, v6, func(*dgram.Endpoint) { raw++ })
	return
}

// sockstatText is /proc/net/sockstat.
func sockstatText(n *Net) string {
	t, w, u, l, r := n.count(false)
	t6, _, _, _, _ := n.count(true)
	return fmt.Sprintf("sockets: used %d\nTCP: inuse %d orphan 0 tw %d alloc %d mem 0\nUDP: inuse %d mem 0\nUDPLITE: inuse %d\nRAW: inuse %d\nFRAG: inuse 0 memory 0\n", t+u+l+r, t, w, t+t6, u, l, r)
}

// sockstat6Text is /proc/net/sockstat6.
func sockstat6Text(n *Net) string {
	t, _, u, l, r := n.count(true)
	return fmt.Sprintf("TCP6: inuse %d\nUDP6: inuse %d\nUDPLITE6: inuse %d\nRAW6: inuse %d\nFRAG6: inuse 0 memory 0\n", t, u, l, r)
}

// arpText is /proc/net/arp.
func arpText(n *Net) string {
	var b strings.Builder
	b.WriteString("IP address       HW type     Flags       HW address            Mask     Device\n")
	n.Stack.EachPort(func(link int32, p stack.Port) {
		l, ok := p.(interface {
			Each(f func(a netip.Addr, mac [6]byte, permanent bool))
		})
		if !ok {
			return
		}
		l.Each(func(a netip.Addr, mac [6]byte, permanent bool) {
			if a.Is4() {
				flags := 2
				if permanent {
					flags = 6
				}
				fmt.Fprintf(&b, "%-16s 0x1         0x%-10x%02x:%02x:%02x:%02x:%02x:%02x     *        %s\n", a, flags, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5], n.linkName(link))
			}
		})
	})
	return b.String()
}

// switches are settings that switch a part of TCP off if they are 0.
var switches = map[string]uint32{
	"ipv4/tcp_sack": stack.OffSACK, "ipv4/tcp_timestamps": stack.OffTimestamps, "ipv4/tcp_window_scaling": stack.OffScaling,
	"ipv4/tcp_dsack": stack.OffDSACK, "ipv4/tcp_early_retrans": stack.OffProbes, "ipv4/tcp_frto": stack.OffFRTO, "ipv4/tcp_slow_start_after_idle": stack.OffIdle,
	"ipv4/tcp_ecn_fallback": stack.OffFallback,
}

// watch lets settings of /proc/sys/net have their effect.
func (n *Net) watch(name, value string) {
	s := &n.Stack.Settings
	words := strings.Fields(value)
	var v [2]int64
	for i := range min(len(words), 2) {
		v[i], _ = strconv.ParseInt(words[i], 10, 64)
	}
	if bit := switches[name]; bit != 0 {
		s.TCPOff.And(^bit)
		if v[0] == 0 {
			s.TCPOff.Or(bit)
		}
		return
	}
	if words := strings.Split(name, "/"); len(words) == 4 && words[0] == "ipv6" && (words[3] == "accept_dad" || words[3] == "dad_transmits") {
		n.Stack.Devices.SetDAD(words[3] == "dad_transmits", words[2], int(max(min(v[0], 100), -1)))
	}
	if link, ok := disableIPv6(name); ok {
		n.Stack.Devices.SetNoIPv6(link, v[0] != 0)
	}
	switch name {
	case "ipv4/ip_local_port_range":
		if v[0] > 0 && v[0] <= v[1] && v[1] < 65536 {
			s.LocalPorts.Store(uint32(v[0])<<16 | uint32(v[1]))
		}
	case "ipv4/ping_group_range":
		s.PingGroups.Store(uint64(uint32(v[0]))<<32 | uint64(uint32(v[1])))
	case "ipv4/ip_unprivileged_port_start":
		s.Unprivileged.Store(int32(v[0]))
	case "ipv4/ip_default_ttl":
		if v[0] > 0 && v[0] < 256 {
			s.TTL.Store(int32(v[0]))
		}
	case "ipv4/ip_forward":
		s.Forward.Store(v[0] != 0)
	case "ipv6/conf/all/forwarding":
		s.Forward6.Store(v[0] != 0)
	case "ipv4/conf/all/forwarding":
		s.Forward.Store(v[0] != 0)
	case "ipv6/bindv6only":
		s.BindV6Only.Store(v[0] != 0)
	case "ipv4/tcp_syncookies":
		s.SynCookies.Store(v[0] != 0)
	case "ipv4/tcp_congestion_control":
		n.TCP.Standard(value)
	case "ipv4/tcp_fastopen":
		s.FastOpen.Store(int32(v[0]))
	case "ipv4/tcp_fastopen_key":
		if k, ok := parseFastKeys(value); ok {
			n.TCP.SetFastKeys(k)
		}
	case "ipv4/tcp_ecn":
		s.ECN.Store(int32(v[0]))
	case "ipv4/icmp_echo_ignore_all":
		s.EchoIgnore.Store(v[0] != 0)
	case "ipv4/ip_nonlocal_bind":
		s.NonlocalBind.Store(v[0] != 0)
	}
}

// disableIPv6 is the interface that a setting is of, if it is disable_ipv6.
func disableIPv6(name string) (link string, ok bool) {
	if link, ok = strings.CutPrefix(name, "ipv6/conf/"); ok {
		link, ok = strings.CutSuffix(link, "/disable_ipv6")
	}
	return link, ok
}

// shown is what a setting shows that others have changed, too.
func (n *Net) shown(name string) (string, bool) {
	link, ok := disableIPv6(name)
	if !ok || link == "all" {
		return "", false
	}
	off, ok := n.Stack.Devices.NoIPv6(link)
	if off {
		return "1", ok
	}
	return "0", ok
}
