package socket

import (
	"encoding/binary"
	"strings"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/device"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// Devices are the network interfaces of a namespace.
func Devices(ns Namespace) *device.Table {
	return ns.Get("devices", func() any { return device.New() }).(*device.Table)
}

// Stack is the Internet layer of a namespace.
func Stack(ns Namespace) *stack.Stack {
	d := Devices(ns)
	return ns.Get("stack", func() any { return stack.New(d) }).(*stack.Stack)
}

// internet starts the protocols of the Internet in a namespace.
var internet = func(Namespace) {}

// RegisterInternet makes f what starts them.
func RegisterInternet(f func(ns Namespace)) { internet = f }

// Internet is Stack with the protocols above it, which answer for ports that nobody has.
func Internet(ns Namespace) *stack.Stack {
	internet(ns)
	return Stack(ns)
}

// struct ifreq: a name, and a union.
const (
	sizeofIfreq = 40
	ifreqUnion  = linux.IFNAMSIZ
)

// Ioctl answers the requests about interfaces that sockets of every family know (netdevice(7),
// net/core/dev_ioctl.c): ENOTTY for others.
func Ioctl(ctx vfs.Ctx, s *Base, cmd uint32, arg uint64) (uintptr, linux.Errno) {
	switch cmd {
	case linux.SIOCGIFCONF:
		return 0, ifconf(ctx, s, usermem.Addr(arg))
	case linux.SIOCGIFNAME, linux.SIOCGIFFLAGS, linux.SIOCSIFFLAGS, linux.SIOCGIFMETRIC, linux.SIOCGIFMTU, linux.SIOCSIFMTU,
		linux.SIOCGIFHWADDR, linux.SIOCGIFINDEX, linux.SIOCGIFTXQLEN, linux.SIOCGIFMAP, linux.SIOCETHTOOL:
	default:
		return 0, linux.ENOTTY
	}
	var b [sizeofIfreq]byte
	if _, errno := ctx.Space().CopyIn(usermem.Addr(arg), b[:]); errno != 0 {
		return 0, errno
	}
	if errno := ifreq(ctx, s, cmd, b[:linux.IFNAMSIZ], b[ifreqUnion:]); errno != 0 {
		return 0, errno
	}
	_, errno := ctx.Space().CopyOut(usermem.Addr(arg), b[:])
	return 0, errno
}

// ifreq does one request about the interface called name, with its value in u.
func ifreq(ctx vfs.Ctx, s *Base, cmd uint32, name, u []byte) linux.Errno {
	d, le := Devices(s.NS), binary.LittleEndian
	index, text := int32(0), ""
	if cmd == linux.SIOCGIFNAME {
		if index = int32(le.Uint32(u)); index == 0 {
			return linux.ENODEV
		}
	} else {
		text, _, _ = strings.Cut(string(name[:linux.IFNAMSIZ-1]), "\x00")
		text, _, _ = strings.Cut(text, ":")
	}
	l, errno := d.Find(index, text)
	if errno != 0 {
		return errno
	}
	if cmd == linux.SIOCETHTOOL {
		return linux.EOPNOTSUPP
	}
	if cmd != linux.SIOCSIFFLAGS && cmd != linux.SIOCSIFMTU {
		switch cmd {
		case linux.SIOCGIFNAME:
			clear(name)
			copy(name, l.Name)
		case linux.SIOCGIFFLAGS:
			le.PutUint16(u, uint16(l.Flags))
		case linux.SIOCGIFINDEX:
			le.PutUint32(u, uint32(l.Index))
		case linux.SIOCGIFMTU:
			le.PutUint32(u, l.MTU)
		case linux.SIOCGIFTXQLEN:
			le.PutUint32(u, 1000)
		case linux.SIOCGIFHWADDR:
			clear(u)
			le.PutUint16(u, l.Type)
			copy(u[2:], l.MAC[:])
		default:
			clear(u)
		}
		return 0
	}
	if !Capable(ctx, s.NS, linux.CAP_NET_ADMIN) {
		return linux.EPERM
	}
	if cmd == linux.SIOCSIFMTU {
		return d.SetMTU(l.Index, le.Uint32(u))
	}
	return d.SetFlags(l.Index, uint32(le.Uint16(u)), 0xffff)
}

// ifconf is SIOCGIFCONF: the interfaces that have an IPv4 address.
func ifconf(ctx vfs.Ctx, s *Base, addr usermem.Addr) linux.Errno {
	var h [16]byte
	if _, errno := ctx.Space().CopyIn(addr, h[:]); errno != 0 {
		return errno
	}
	room, to := int32(binary.LittleEndian.Uint32(h[:])), usermem.Addr(binary.LittleEndian.Uint64(h[8:]))
	if room < 0 {
		return linux.EINVAL
	}
	n := int32(0)
	for _, l := range Devices(s.NS).Links() {
		for _, a := range l.Addrs {
			if a.Family != linux.AF_INET {
				continue
			}
			var b [sizeofIfreq]byte
			copy(b[:linux.IFNAMSIZ-1], l.Name)
			b[ifreqUnion] = linux.AF_INET
			copy(b[ifreqUnion+4:], a.IP)
			if to != 0 {
				if room-n < sizeofIfreq {
					break
				}
				if _, errno := ctx.Space().CopyOut(to+usermem.Addr(n), b[:]); errno != 0 {
					return errno
				}
			}
			n += sizeofIfreq
		}
	}
	return usermem.CopyOutInt(ctx.Space(), addr, n)
}
