package inet

import (
	"encoding/binary"
	"net/netip"
	"strings"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/device"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// binder is an endpoint that can be bound to an interface.
type binder interface {
	SetLink(link int32)
	BoundLink() int32
}

// setOwn sets the options at SOL_SOCKET that sockets of the Internet handle themselves.
func (s *common) setOwn(c socket.Caller, name int, value []byte, b binder) (linux.Errno, bool) {
	switch name {
	case linux.SO_BINDTODEVICE, linux.SO_BINDTOIFINDEX:
		return s.bindToDevice(c, name, value, b), true
	case linux.SO_ZEROCOPY, linux.SO_MAX_PACING_RATE, linux.SO_TXREHASH:
		if len(value) < 4 {
			return linux.EINVAL, true
		}
		v := int32(binary.LittleEndian.Uint32(value))
		switch {
		case name == linux.SO_ZEROCOPY:
			return s.setZeroCopy(v), true
		case name == linux.SO_TXREHASH && (v < -1 || v > 1):
			return linux.EINVAL, true
		}
		s.opt.mu.Lock()
		defer s.opt.mu.Unlock()
		switch {
		case name == linux.SO_TXREHASH && v < 0:
			v = 1 // net.core.txrehash
		case name == linux.SO_MAX_PACING_RATE: // which only a queueing discipline would make true
			s.opt.pacing = uint64(uint32(v))
			if len(value) >= 8 {
				s.opt.pacing = binary.LittleEndian.Uint64(value)
			} else if v == -1 {
				s.opt.pacing = 1<<64 - 1
			}
		}
		s.opt.keep(keptSocket+name, v)
		return 0, true
	}
	return 0, false
}

// keptSocket tells values of SOL_SOCKET from others that are only shown.
const keptSocket = 2000

// bindToDevice is SO_BINDTODEVICE and SO_BINDTOIFINDEX.
func (s *common) bindToDevice(c socket.Caller, name int, value []byte, b binder) linux.Errno {
	link := int32(0)
	if b.BoundLink() != 0 && !c.Cred().Has(linux.CAP_NET_RAW) {
		return linux.EPERM
	}
	if name == linux.SO_BINDTOIFINDEX {
		if len(value) < 4 {
			return linux.EINVAL
		}
		if link = int32(binary.LittleEndian.Uint32(value)); link < 0 {
			return linux.EINVAL
		}
	} else if text, _, _ := strings.Cut(string(value[:min(len(value), linux.IFNAMSIZ-1)]), "\x00"); text != "" {
		l, errno := s.net.Stack.Devices.Find(0, text)
		if errno != 0 {
			return errno
		}
		link = l.Index
	}
	b.SetLink(link)
	return 0
}

// getOwn is setOwn's counterpart.
func (s *common) getOwn(name int, b binder) ([]byte, linux.Errno, bool) {
	switch name {
	case linux.SO_BINDTODEVICE:
		l, errno := s.net.Stack.Devices.Find(b.BoundLink(), "")
		if errno != 0 || b.BoundLink() == 0 {
			return nil, 0, true
		}
		return append([]byte(l.Name), 0), 0, true
	case linux.SO_BINDTOIFINDEX:
		return int32Bytes(b.BoundLink()), 0, true
	case linux.SO_MAX_PACING_RATE:
		s.opt.mu.Lock()
		defer s.opt.mu.Unlock()
		return binary.LittleEndian.AppendUint64(nil, s.opt.pacing), 0, true
	case linux.SO_ZEROCOPY, linux.SO_TXREHASH:
		s.opt.mu.Lock()
		defer s.opt.mu.Unlock()
		v, set := s.opt.values[keptSocket+name]
		if name == linux.SO_TXREHASH && !set {
			v = 1 // net.core.txrehash
		}
		return int32Bytes(v), 0, true
	}
	return nil, 0, false
}

// struct ifreq: a name, and a union, of which a struct sockaddr_in is a part.
const (
	sizeofIfreq = 40
	ifreqAddr   = linux.IFNAMSIZ + 4
)

// ioctl answers the requests that sockets of all kinds know.
func (s *common) ioctl(ctx vfs.Ctx, cmd uint32, arg uint64) (uintptr, linux.Errno) {
	if cmd == linux.SIOCGSTAMP || cmd == linux.SIOCGSTAMPNS {
		return s.stamp(ctx, cmd, arg)
	}
	return Ioctl(ctx, &s.Base, cmd, arg)
}

// Ioctl answers requests about IPv4 addresses of interfaces (devinet_ioctl); others are socket.Ioctl's.
func Ioctl(ctx vfs.Ctx, s *socket.Base, cmd uint32, arg uint64) (uintptr, linux.Errno) {
	switch cmd {
	case linux.SIOCGIFADDR, linux.SIOCGIFBRDADDR, linux.SIOCGIFNETMASK, linux.SIOCGIFDSTADDR, linux.SIOCSIFADDR, linux.SIOCSIFNETMASK:
	default:
		return socket.Ioctl(ctx, s, cmd, arg)
	}
	if s.Family == linux.AF_INET6 {
		return 0, linux.ENOTTY
	}
	d := socket.Devices(s.NS)
	var b [sizeofIfreq]byte
	if _, errno := ctx.Space().CopyIn(usermem.Addr(arg), b[:]); errno != 0 {
		return 0, errno
	}
	name, _, _ := strings.Cut(string(b[:linux.IFNAMSIZ-1]), "\x00")
	label, _, _ := strings.Cut(name, ":")
	l, errno := d.Find(0, label)
	if errno != 0 {
		return 0, errno
	}
	if cmd == linux.SIOCSIFADDR || cmd == linux.SIOCSIFNETMASK {
		if !socket.Capable(ctx, s.NS, linux.CAP_NET_ADMIN) {
			return 0, linux.EPERM
		}
		return 0, setAddr(d, &l, cmd, b[ifreqAddr:ifreqAddr+4])
	}
	a, ok := firstAddr4(&l)
	if !ok {
		return 0, linux.EADDRNOTAVAIL
	}
	clear(b[linux.IFNAMSIZ:])
	b[linux.IFNAMSIZ] = linux.AF_INET
	copy(b[ifreqAddr:], shownAddr(&l, a, cmd))
	_, errno = ctx.Space().CopyOut(usermem.Addr(arg), b[:])
	return 0, errno
}

// stamp is SIOCGSTAMP: when the last datagram came.
func (s *common) stamp(ctx vfs.Ctx, cmd uint32, arg uint64) (uintptr, linux.Errno) {
	at := s.opt.timeSeen.Load()
	if at == 0 {
		return 0, linux.ENOENT
	}
	if cmd == linux.SIOCGSTAMPNS {
		ts := linux.TimespecOf(at)
		return 0, usermem.CopyOut(ctx.Space(), usermem.Addr(arg), &ts)
	}
	tv := linux.TimevalOf(at)
	return 0, usermem.CopyOut(ctx.Space(), usermem.Addr(arg), &tv)
}

func firstAddr4(l *device.Link) (device.Addr, bool) {
	for _, a := range l.Addrs {
		if a.Family == linux.AF_INET {
			return a, true
		}
	}
	return device.Addr{}, false
}

// shownAddr is what a request asks about an address: itself, its netmask, its broadcast address.
func shownAddr(l *device.Link, a device.Addr, cmd uint32) []byte {
	mask := uint32(0)
	if a.Prefix > 0 {
		mask = ^uint32(0) << (32 - a.Prefix)
	}
	switch cmd {
	case linux.SIOCGIFNETMASK:
		return binary.BigEndian.AppendUint32(nil, mask)
	case linux.SIOCGIFBRDADDR:
		if l.Loopback() || a.Prefix >= 31 {
			return make([]byte, 4)
		}
		return binary.BigEndian.AppendUint32(nil, binary.BigEndian.Uint32(a.IP)|^mask)
	}
	return a.IP
}

// setAddr is SIOCSIFADDR and SIOCSIFNETMASK: the first address of an interface is replaced.
func setAddr(d *device.Table, l *device.Link, cmd uint32, b []byte) linux.Errno {
	old, had := firstAddr4(l)
	next := device.Addr{Family: linux.AF_INET, IP: append([]byte(nil), b...), Scope: linux.RT_SCOPE_UNIVERSE}
	if cmd == linux.SIOCSIFNETMASK {
		if !had {
			return linux.EADDRNOTAVAIL
		}
		m := binary.BigEndian.Uint32(b)
		bits := uint8(0)
		for m<<bits>>31 != 0 && bits < 32 {
			bits++
		}
		if bits < 32 && m<<bits != 0 {
			return linux.EINVAL
		}
		next.IP, next.Prefix, next.Scope = old.IP, bits, old.Scope
	} else {
		ip := netip.AddrFrom4([4]byte(b))
		switch {
		case b[0] < 128:
			next.Prefix = 8
		case b[0] < 192:
			next.Prefix = 16
		case b[0] < 224:
			next.Prefix = 24
		case !ip.IsUnspecified():
			return linux.EINVAL
		}
		if ip.IsLoopback() {
			next.Scope = linux.RT_SCOPE_HOST
		}
	}
	if had {
		if errno := d.DelAddr(l.Index, old); errno != 0 {
			return errno
		}
	}
	if netip.AddrFrom4([4]byte(next.IP)).IsUnspecified() {
		return 0
	}
	if errno := d.AddAddr(l.Index, next); errno != 0 {
		return errno
	}
	if cmd == linux.SIOCSIFADDR {
		return d.SetFlags(l.Index, linux.IFF_UP, linux.IFF_UP)
	}
	return 0
}
