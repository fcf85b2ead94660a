package inet

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/device"
	"github.com/seed-7423c386/runsc/sentry/net/dgram"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
)

// Groups that are listened to, kinds of sockets, and routes as a trie: files of /proc/net that show what there is.

// groupsOf are the groups of a version that an interface listens to.
func (n *Net) groupsOf(l *device.Link, v6 bool) (all []stack.Member) {
	for _, m := range n.Stack.Members(l) {
		if m.Group.Is6() == v6 {
			all = append(all, m)
		}
	}
	return all
}

// igmpText is /proc/net/igmp (igmp_mc_seq_show).
func igmpText(n *Net) string {
	var b strings.Builder
	b.WriteString("Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n")
	for _, l := range n.Stack.Devices.Links() {
		all := n.groupsOf(&l, false)
		if len(all) == 0 {
			continue
		}
		fmt.Fprintf(&b, "%d\t%-10s: %5d %7s\n", l.Index, l.Name, len(all), "V3")
		for _, m := range all {
			ip := m.Group.As4()
			fmt.Fprintf(&b, "\t\t\t\t%08X %5d 0:%08X\t\t%d\n", binary.LittleEndian.Uint32(ip[:]), m.Users, 0, 0)
		}
	}
	return b.String()
}

// igmp6Text is /proc/net/igmp6 (igmp6_mc_seq_show).
func igmp6Text(n *Net) string {
	var b strings.Builder
	for _, l := range n.Stack.Devices.Links() {
		all := n.groupsOf(&l, true)
		if len(all) > 0 {
			all = append(all, stack.Member{Group: netip.AddrFrom16([16]byte{0: 0xff, 1: 1, 15: 1}), Users: 1})
		}
		for _, m := range all {
			flags := 0x4 // MAF_LAST_REPORTER
			if m.Group.IsInterfaceLocalMulticast() || l.NoIPv6 {
				flags = 0x8 // MAF_NOREPORT
			} else if m.Group == stack.AllNodes {
				flags = 0xc
			}
			fmt.Fprintf(&b, "%-4d %-15s %032x %5d %08X %d\n", l.Index, l.Name, m.Group.As16(), m.Users, flags, 0)
		}
	}
	return b.String()
}

func sources4Text(n *Net) string {
	return n.sourcesText(false, fmt.Sprintf("%3s %6s %10s %10s %6s %6s\n", "Idx", "Device", "MCA", "SRC", "INC", "EXC"))
}

func sources6Text(n *Net) string {
	return n.sourcesText(true, fmt.Sprintf("%3s %6s %32s %32s %6s %6s\n", "Idx", "Device", "Multicast Address", "Source Address", "INC", "EXC"))
}

// sourcesText is /proc/net/mcfilter and mcfilter6.
func (n *Net) sourcesText(v6 bool, head string) string {
	var b strings.Builder
	b.WriteString(head)
	for _, l := range n.Stack.Devices.Links() {
		for _, m := range n.groupsOf(&l, v6) {
			for _, s := range m.Sources {
				if v6 {
					fmt.Fprintf(&b, "%3d %6.6s %032x %032x %6d %6d\n", l.Index, l.Name, m.Group.As16(), s.Addr.As16(), s.Include, s.Exclude)
				} else {
					g, a := m.Group.As4(), s.Addr.As4()
					fmt.Fprintf(&b, "%3d %6.6s 0x%08x 0x%08x %6d %6d\n", l.Index, l.Name, binary.BigEndian.Uint32(g[:]), binary.BigEndian.Uint32(a[:]), s.Include, s.Exclude)
				}
			}
		}
	}
	return b.String()
}

// protocolsText is /proc/net/protocols (proto_seq_printf): what can be done with sockets of a kind is as Linux has it.
func protocolsText(n *Net) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-9s %-4s %-8s %-6s %-5s %-7s %-4s %-10s %s\n", "protocol", "size", "sockets", "memory", "press", "maxhdr", "slab", "module", "cl co di ac io in de sh ss gs se re bi br ha uh gp em")
	row := func(name string, size, sockets, memory, maxhdr int, can string) {
		press := "NI"
		if maxhdr > 0 {
			press = "no"
		}
		fmt.Fprintf(&b, "%-9s %4d %6d  %6d   %-3s %6d   %-3s  %-10s  %s\n", name, size, sockets, memory, press, maxhdr, "yes", "kernel", strings.Join(strings.Split(can, ""), "  "))
	}
	for _, v6 := range []bool{true, false} {
		t, _, u, l, r := n.count(v6)
		pings := 0
		n.UDP.Each(dgram.Ping, v6, func(*dgram.Endpoint) { pings++ })
		suffix, lite := "", "UDP-Lite"
		if v6 {
			suffix, lite = "v6", "UDPLITEv6"
		}
		row("PING"+suffix, 1016, pings, -1, 0, "yyynnynnyyyyyynyyn")
		row("RAW"+suffix, 1152, r, -1, 0, "yyynyyynyyyyyyyynn")
		row(lite, 1344, l, 0, 0, "yyynyyynyyyynnyyyn")
		row("UDP"+suffix, 1344, u, 0, 0, "yyynyyynyyyynnyyyn")
		row("TCP"+suffix, 2304, t, 0, 192, "yyyyyyyyyyyynyyyyy")
	}
	return b.String()
}

// trieText is /proc/net/fib_trie, with all leaves under one node: who reads it looks for those (fib_trie_seq_show).
func trieText(n *Net) string {
	type leaf struct {
		dst  netip.Prefix
		text string
	}
	var main, local []leaf
	for _, r := range n.Stack.Routes() {
		if r.Dst.Addr().Is4() && r.Type == linux.RTN_UNICAST {
			scope := "link"
			if r.Gateway.IsValid() {
				scope = "universe"
			}
			main = append(main, leaf{r.Dst, scope + " UNICAST"})
		}
	}
	for _, l := range n.Stack.Devices.Links() {
		for _, a := range l.Addrs {
			ip, ok := netip.AddrFromSlice(a.IP)
			if !ok || !ip.Is4() || !l.Up() {
				continue
			}
			local = append(local, leaf{netip.PrefixFrom(ip, 32), "host LOCAL"})
			if l.Loopback() {
				local = append(local, leaf{netip.PrefixFrom(ip, int(a.Prefix)).Masked(), "host LOCAL"})
			}
			if last := lastOf(netip.PrefixFrom(ip, int(a.Prefix))); a.Prefix < 31 {
				local = append(local, leaf{netip.PrefixFrom(last, 32), "link BROADCAST"})
			}
		}
	}
	var b strings.Builder
	for i, all := range [][]leaf{append(slices.Clone(main), local...), local} {
		fmt.Fprintf(&b, "%s:\n", [2]string{"Main", "Local"}[i])
		slices.SortStableFunc(all, func(x, y leaf) int { return x.dst.Addr().Compare(y.dst.Addr()) })
		if len(all) > 0 {
			fmt.Fprintf(&b, "  +-- 0.0.0.0/0 %d 0 0\n", 1)
		}
		for k, f := range all {
			if k == 0 || all[k-1].dst.Addr() != f.dst.Addr() {
				fmt.Fprintf(&b, "     |-- %s\n", f.dst.Addr())
			}
			fmt.Fprintf(&b, "        /%d %s\n", f.dst.Bits(), f.text)
		}
	}
	return b.String()
}

// lastOf is the last address of a network.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().As4()
	v := binary.BigEndian.Uint32(b[:]) | uint32(1<<(32-p.Bits())-1)
	binary.BigEndian.PutUint32(b[:], v)
	return netip.AddrFrom4(b)
}

// pschedText is /proc/net/psched: in which units queueing disciplines have times (psched_show, with clocks of nanoseconds).
func pschedText(*Net) string { return "000003e8 00000040 000f4240 3b9aca00\n" }
