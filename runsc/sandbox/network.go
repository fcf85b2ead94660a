package sandbox

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform/host"
	"github.com/seed-7423c386/runsc/sentry/control"
)

// TakeNetwork collects what the network namespace of process pid has: the interfaces, with a packet socket
// each, their addresses, routes, and neighbours entered by hand. From then on it is the
// sandbox that answers for the addresses, so the namespace itself loses them (Release).
//
// resolvConf is the container's resolv.conf, or nil: if it names Docker's resolver, a socket to that is among it.
func TakeNetwork(pid int, resolvConf []byte) (n *Network, err error) {
	if same, err := sameNet(pid); err != nil {
		return nil, err
	} else if same {
		return nil, errors.New("network: the container's network namespace is that of runsc itself, which would lose its interfaces: use --network none")
	}
	err = InNamespaces(pid, func() error {
		if n, err = readNetwork(packetSocket); err != nil {
			return err
		}
		if asks, servers := dockerResolver(resolvConf); asks && len(n.Args.Links) > 0 {
			return n.resolver(servers)
		}
		return nil
	})
	if n != nil {
		n.pid = pid
	}
	return n, err
}

// ReadNetwork collects what the network namespace of process pid has, and leaves it there. The loopback of a
// namespace other than runsc's own is put up, as runc does.
func ReadNetwork(pid int) (n *Network, err error) {
	if same, err := sameNet(pid); err != nil {
		return nil, err
	} else if same {
		return readNetwork(nil)
	}
	err = InNamespaces(pid, func() error {
		if err := loopbackUp(); err != nil {
			return err
		}
		n, err = readNetwork(nil)
		return err
	})
	return n, err
}

func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("network: %w", err)
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err == nil {
		err = unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, lo)
	}
	if err == nil {
		lo.SetUint16(lo.Uint16() | unix.IFF_UP)
		err = unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo)
	}
	if err != nil {
		return fmt.Errorf("network: putting the loopback up: %w", err)
	}
	return nil
}

// sameNet reports whether the network namespace of process pid is our own.
func sameNet(pid int) (bool, error) {
	own, err := os.Stat("/proc/self/ns/net")
	if err != nil {
		return false, fmt.Errorf("network: %w", err)
	}
	its, err := os.Stat(fmt.Sprintf("/proc/%d/ns/net", pid))
	if err != nil {
		return false, fmt.Errorf("network: %w", err)
	}
	return os.SameFile(own, its), nil
}

// Network is a namespace's interfaces on their way into a sandbox.
type Network struct {
	Args  control.NetworkArgs
	Files []*os.File
	pid   int
}

// Close closes the sockets, of which the sandbox has its own by now.
func (n *Network) Close() { closeAll(n.Files...) }

// Release takes the addresses away from the namespace of a network that was taken, so that the host
// does not answer in the sandbox's place.
func (n *Network) Release() error {
	if n.pid == 0 {
		return nil
	}
	return InNamespaces(n.pid, func() error {
		fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
		if err != nil {
			return fmt.Errorf("network: %w", err)
		}
		defer unix.Close(fd)
		for _, l := range n.Args.Links {
			for _, a := range l.Addrs {
				if err := deleteAddr(fd, l.Index, a); err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
					return fmt.Errorf("network: taking %v/%d off %s: %w", net.IP(a.IP), a.Prefix, l.Name, err)
				}
			}
		}
		return nil
	})
}

// readNetwork collects what the thread's namespace has; with each interface what open makes of its
// index, unless it is nil.
func readNetwork(open func(index int) (*os.File, error)) (*Network, error) {
	n := &Network{}
	if err := n.links(open); err != nil {
		n.Close()
		return nil, err
	}
	if len(n.Args.Links) == 0 {
		return n, nil
	}
	for _, step := range []func() error{n.routes, n.neighbours} {
		if err := step(); err != nil {
			n.Close()
			return nil, err
		}
	}
	return n, nil
}

// links finds the Ethernet interfaces that are up and have addresses.
func (n *Network) links(open func(index int) (*os.File, error)) error {
	addrs, err := addresses()
	if err != nil {
		return err
	}
	all, err := net.Interfaces()
	if err != nil {
		return fmt.Errorf("network: %w", err)
	}
	for _, i := range all {
		if i.Flags&net.FlagLoopback != 0 || i.Flags&net.FlagUp == 0 || len(i.HardwareAddr) != 6 || len(addrs[int32(i.Index)]) == 0 {
			continue
		}
		if open != nil {
			f, err := open(i.Index)
			if err != nil {
				return fmt.Errorf("network: interface %s: %w", i.Name, err)
			}
			n.Files = append(n.Files, f)
		}
		n.Args.Links = append(n.Args.Links, control.NetLink{
			Index: int32(i.Index), Name: i.Name, MTU: uint32(i.MTU), MAC: [6]byte(i.HardwareAddr), Addrs: addrs[int32(i.Index)],
		})
	}
	return nil
}

// packetBuffer is how much the host keeps of what the sandbox has not read yet.
const packetBuffer = 16 << 20

// packetSocket opens a packet socket on an interface.
func packetSocket(index int) (*os.File, error) {
	const all = unix.ETH_P_ALL>>8 | unix.ETH_P_ALL&0xff<<8
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "packet")
	for _, o := range []struct{ level, name, value int }{
		{unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1},
		{unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1},
		{unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, packetBuffer},
		{unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, packetBuffer},
	} {
		if err := unix.SetsockoptInt(fd, o.level, o.name, o.value); err != nil {
			f.Close()
			return nil, fmt.Errorf("packet socket: option %d: %w", o.name, err)
		}
	}
	host.MakeRing(fd) // without it the sentry reads packets one by one
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: index}); err != nil {
		f.Close()
		return nil, fmt.Errorf("packet socket: %w", err)
	}
	return f, nil
}

// dump asks the kernel for all of a kind.
func dump(kind int, f func(m *syscall.NetlinkMessage, attrs map[uint16][]byte)) error {
	raw, err := syscall.NetlinkRIB(kind, syscall.AF_UNSPEC)
	if err != nil {
		return fmt.Errorf("network: %w", err)
	}
	messages, err := syscall.ParseNetlinkMessage(raw)
	if err != nil {
		return fmt.Errorf("network: %w", err)
	}
	for i := range messages {
		m := &messages[i]
		size := map[uint16]int{unix.RTM_NEWADDR: unix.SizeofIfAddrmsg, unix.RTM_NEWROUTE: unix.SizeofRtMsg, unix.RTM_NEWNEIGH: unix.SizeofNdMsg}[m.Header.Type]
		if size == 0 || len(m.Data) < size {
			continue
		}
		attrs := map[uint16][]byte{}
		for b := m.Data[size:]; len(b) >= 4; {
			n := int(binary.NativeEndian.Uint16(b))
			if n < 4 || n > len(b) {
				break
			}
			attrs[binary.NativeEndian.Uint16(b[2:])&0x3fff] = b[4:n]
			b = b[min((n+3)&^3, len(b)):]
		}
		f(m, attrs)
	}
	return nil
}

// addresses are those of all interfaces, by index.
func addresses() (map[int32][]control.NetAddr, error) {
	out := map[int32][]control.NetAddr{}
	err := dump(unix.RTM_GETADDR, func(m *syscall.NetlinkMessage, attrs map[uint16][]byte) {
		ip := attrs[unix.IFA_LOCAL]
		if ip == nil {
			ip = attrs[unix.IFA_ADDRESS]
		}
		if len(ip) != 4 && len(ip) != 16 {
			return
		}
		index := int32(binary.NativeEndian.Uint32(m.Data[4:]))
		out[index] = append(out[index], control.NetAddr{IP: ip, Prefix: m.Data[1], Scope: m.Data[3]})
	})
	return out, err
}

// has reports whether an interface is among those that are taken.
func (n *Network) has(index int32) bool {
	for _, l := range n.Args.Links {
		if l.Index == index {
			return true
		}
	}
	return false
}

// routes are those of the main table that do not follow from addresses.
func (n *Network) routes() error {
	return dump(unix.RTM_GETROUTE, func(m *syscall.NetlinkMessage, attrs map[uint16][]byte) {
		family, bits, table, proto, scope, typ := m.Data[0], m.Data[1], m.Data[4], m.Data[5], m.Data[6], m.Data[7]
		if table != unix.RT_TABLE_MAIN || proto == unix.RTPROT_KERNEL || family != unix.AF_INET && family != unix.AF_INET6 {
			return
		}
		r := control.NetRoute{IPv6: family == unix.AF_INET6, Dst: attrs[unix.RTA_DST], Prefix: bits, Gateway: attrs[unix.RTA_GATEWAY],
			Src: attrs[unix.RTA_PREFSRC], Scope: scope, Type: typ, Protocol: proto}
		if v := attrs[unix.RTA_OIF]; len(v) >= 4 {
			r.Link = int32(binary.NativeEndian.Uint32(v))
		}
		if v := attrs[unix.RTA_PRIORITY]; len(v) >= 4 {
			r.Metric = binary.NativeEndian.Uint32(v)
		}
		if typ == unix.RTN_UNICAST && !n.has(r.Link) {
			return
		}
		n.Args.Routes = append(n.Args.Routes, r)
	})
}

// neighbours are those that somebody has entered by hand.
func (n *Network) neighbours() error {
	return dump(unix.RTM_GETNEIGH, func(m *syscall.NetlinkMessage, attrs map[uint16][]byte) {
		index, state := int32(binary.NativeEndian.Uint32(m.Data[4:])), binary.NativeEndian.Uint16(m.Data[8:])
		ip, mac := attrs[unix.NDA_DST], attrs[unix.NDA_LLADDR]
		if state&unix.NUD_PERMANENT == 0 || len(mac) != 6 || !n.has(index) {
			return
		}
		n.Args.Neighbours = append(n.Args.Neighbours, control.NetNeighbour{Link: index, IP: ip, MAC: [6]byte(mac)})
	})
}

// deleteAddr takes an address off an interface.
func deleteAddr(fd int, index int32, a control.NetAddr) error {
	family := byte(unix.AF_INET)
	if len(a.IP) == 16 {
		family = unix.AF_INET6
	}
	b := make([]byte, unix.SizeofNlMsghdr, 64)
	b = append(b, family, a.Prefix, 0, a.Scope)
	b = binary.NativeEndian.AppendUint32(b, uint32(index))
	b = binary.NativeEndian.AppendUint16(b, uint16(4+len(a.IP)))
	b = binary.NativeEndian.AppendUint16(b, unix.IFA_LOCAL)
	b = append(b, a.IP...)
	binary.NativeEndian.PutUint32(b, uint32(len(b)))
	binary.NativeEndian.PutUint16(b[4:], unix.RTM_DELADDR)
	binary.NativeEndian.PutUint16(b[6:], unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	if err := unix.Sendto(fd, b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	answer := make([]byte, 4096)
	n, _, err := unix.Recvfrom(fd, answer, 0)
	if err != nil {
		return err
	}
	if n < unix.SizeofNlMsghdr+4 || binary.NativeEndian.Uint16(answer[4:]) != unix.NLMSG_ERROR {
		return errors.New("no acknowledgement")
	}
	if e := int32(binary.NativeEndian.Uint32(answer[unix.SizeofNlMsghdr:])); e != 0 {
		return unix.Errno(-e)
	}
	return nil
}
