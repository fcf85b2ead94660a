package sandbox

import (
	"fmt"
	"net/netip"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// dockerResolver reports whether a resolv.conf names Docker's resolver, and whom that asks in turn. Docker
// writes it into a comment, # ExtServers: [192.0.2.1 host(192.0.2.2)], of which those in host() are the host's alone; or, if
// it is an older one, it is those of the host.
func dockerResolver(conf []byte) (asks bool, servers [][]byte) {
	told := false
	for line := range strings.Lines(string(conf)) {
		if ip, ok := nameserver(line); ok && ip == netip.AddrFrom4([4]byte{127, 0, 0, 11}) {
			asks = true
		}
		if _, list, ok := strings.Cut(line, "ExtServers:"); ok && strings.HasPrefix(line, "#") {
			told = true
			for _, f := range strings.Fields(strings.Trim(strings.TrimSpace(list), "[]")) {
				if ip, err := netip.ParseAddr(f); err == nil && ip.Is4() {
					servers = append(servers, ip.AsSlice())
				}
			}
		}
	}
	if asks && !told {
		own, _ := os.ReadFile("/etc/resolv.conf")
		for line := range strings.Lines(string(own)) {
			if ip, ok := nameserver(line); ok && ip.Is4() && !ip.IsLoopback() {
				servers = append(servers, ip.AsSlice())
			}
		}
	}
	return asks, servers
}

func nameserver(line string) (netip.Addr, bool) {
	fields := strings.Fields(line)
	if len(fields) < 2 || fields[0] != "nameserver" {
		return netip.Addr{}, false
	}
	ip, err := netip.ParseAddr(fields[1])
	return ip, err == nil
}

// resolver adds a socket that is connected to Docker's resolver, through the rules of the calling thread's namespace. That is
// all the sandbox can reach by it: the namespace has no addresses by then but the loopback's.
func (n *Network) resolver(servers [][]byte) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return fmt.Errorf("network: %w", err)
	}
	f := os.NewFile(uintptr(fd), "resolver")
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: 53, Addr: [4]byte{127, 0, 0, 11}}); err != nil {
		f.Close()
		return nil // there is no loopback: nobody could ask
	}
	n.Files = append(n.Files, f)
	n.Args.Resolver, n.Args.Servers = true, servers
	return nil
}
