package boot

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform/host"
	"github.com/seed-7423c386/runsc/sentry/control"
	"github.com/seed-7423c386/runsc/sentry/net/device"
	"github.com/seed-7423c386/runsc/sentry/net/link"
	"github.com/seed-7423c386/runsc/sentry/net/pcap"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/socket/inet"
)

// network takes over the interfaces that runsc found where the container is to be; or, if the network is
// the host's, learns of them for those who ask.
func (s *sandbox) network(r *control.Request, a *control.NetworkArgs) (control.Empty, error) {
	c, err := s.containers.find(a.ID)
	if err != nil {
		return control.Empty{}, err
	}
	shown := s.cfg.Network == "host"
	if s.cfg.Network != "sandbox" && !shown {
		return control.Empty{}, errors.New("this sandbox was made without a network")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	fds := r.Take()
	want := len(a.Links)
	if shown {
		want = 0
	} else if a.Resolver {
		want++
	}
	if c.started || len(fds) != want {
		for _, fd := range fds {
			host.Close(fd)
		}
		return control.Empty{}, fmt.Errorf("network: %d interfaces with %d descriptors, started %v", len(a.Links), len(fds), c.started)
	}
	n := inet.Of(c.ns.Net).Stack
	links := map[int32]*link.Link{}
	for i, l := range a.Links {
		index := n.Devices.Add(device.Link{
			Index: l.Index, Name: l.Name, Type: linux.ARPHRD_ETHER, MTU: l.MTU, MAC: l.MAC,
			Flags: linux.IFF_BROADCAST | linux.IFF_MULTICAST | linux.IFF_UP | linux.IFF_RUNNING | linux.IFF_LOWER_UP,
		})
		for _, b := range l.Addrs {
			family := uint8(linux.AF_INET)
			if len(b.IP) == 16 {
				family = linux.AF_INET6
			}
			n.Devices.AddAddr(index, device.Addr{Family: family, IP: b.IP, Prefix: b.Prefix, Scope: b.Scope, Known: true})
		}
		if !shown {
			var errno linux.Errno
			if links[l.Index], errno = link.New(n, index, fds[i], l.MAC, c.cfg.NetRate); errno != 0 {
				return control.Empty{}, fmt.Errorf("network: interface %s: its packet ring cannot be mapped: %w", l.Name, errno)
			}
		}
	}
	if shown {
		n.Devices.Fix()
	}
	for _, v := range a.Routes {
		if route, ok := routeOf(&v); ok {
			n.AddRoute(route, true)
		}
	}
	for _, v := range a.Neighbours {
		if ip, ok := netip.AddrFromSlice(v.IP); ok && links[v.Link] != nil {
			links[v.Link].Fix(ip, v.MAC)
		}
	}
	if a.Resolver && !shown {
		var servers []netip.Addr
		for _, b := range a.Servers {
			if ip, ok := netip.AddrFromSlice(b); ok {
				servers = append(servers, ip)
			}
		}
		inet.Of(c.ns.Net).Resolve(fds[len(fds)-1], servers)
	}
	return control.Empty{}, nil
}

func routeOf(v *control.NetRoute) (stack.Route, bool) {
	dst := netip.IPv4Unspecified()
	if v.IPv6 {
		dst = netip.IPv6Unspecified()
	}
	if len(v.Dst) > 0 {
		dst, _ = netip.AddrFromSlice(v.Dst)
	}
	r := stack.Route{Dst: netip.PrefixFrom(dst, int(v.Prefix)), Link: v.Link, Metric: v.Metric, Scope: v.Scope, Type: v.Type, Protocol: v.Protocol, Table: linux.RT_TABLE_MAIN}
	r.Gateway, _ = netip.AddrFromSlice(v.Gateway)
	r.Src, _ = netip.AddrFromSlice(v.Src)
	return r, r.Dst.IsValid()
}

// capture writes down what the container's interfaces see. Before the container runs: connections that began
// unseen would not be seen later.
func (s *sandbox) capture(p *control.Pcap) {
	c := pcap.New(pcap.Limits{Snaplen: p.Snaplen, Bytes: p.Limit}, func(b []byte) bool {
		for len(b) > 0 {
			n, errno := host.Write(p.FD, b)
			if errno != 0 || n == 0 {
				s.log.Warn("--pcap: %v, the capture ends", errno)
				return false
			}
			b = b[n:]
		}
		return true
	}, func() { s.log.Warn("--pcap: the file has %d bytes, the capture ends", p.Limit) })
	socket.Stack(s.kernel.InitNS.Net).AddTap(c)
}
