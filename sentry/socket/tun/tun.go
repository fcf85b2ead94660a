// Package tun is /dev/net/tun (drivers/net/tun.c): files that are the other end of an interface, through which a
// program sends and receives packets of IP or frames of Ethernet. There are no virtio-net headers (IFF_VNET_HDR) and
// no filters.
package tun

import (
	"encoding/binary"
	"strings"
	"sync"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/net/device"
	"github.com/seed-7423c386/runsc/sentry/net/link"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// The device's number.
const (
	Major = 10
	Minor = 200
)

// Register makes nodes of the device work.
func Register() {
	vfs.RegisterDevice(false, Major, func(ctx vfs.Ctx, _ *vfs.File, minor uint32) (vfs.FileOps, linux.Errno) {
		c, ok := ctx.(interface{ NetNS() socket.Namespace })
		if minor != Minor || !ok {
			return nil, linux.ENODEV
		}
		f := &file{ns: c.NetNS()}
		if n, ok := f.ns.(holder); ok {
			n.Hold()
		}
		return f, 0
	})
}

// holder is a namespace that lives while somebody has it.
type holder interface {
	Hold()
	Drop()
}

// file is an open file of the device. It is of an interface once TUNSETIFF has said which.
type file struct {
	ns    socket.Namespace
	queue wait.Queue

	mu  sync.Mutex
	q   *link.Queue
	hdr int32 // TUNSETVNETHDRSZ, which is only shown
}

const (
	maxFrame = 65535 + 14 + 4
	sizeofPI = 4 // struct tun_pi
	stripped = 1 // TUN_PKT_STRIP
)

func (f *file) attached() *link.Queue {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.q
}

// Stream marks it as without a position.
func (*file) Stream() {}

// Release is vfs.FileOps's.
func (f *file) Release(*vfs.File) {
	f.mu.Lock()
	q := f.q
	f.q = nil
	f.mu.Unlock()
	if q != nil {
		q.Detach()
	}
	if n, ok := f.ns.(holder); ok {
		n.Drop()
	}
}

// Read is vfs.FileOps's: one packet, cut if there is no room for all of it (tun_do_read).
func (f *file) Read(_ vfs.Ctx, _ *vfs.File, dst *usermem.Buf, _ int64) (int, linux.Errno) {
	q := f.attached()
	if q == nil {
		return 0, linux.EBADFD
	}
	room := dst.Len()
	info := q.Tun().Info()
	if info && room < sizeofPI {
		return 0, linux.EINVAL
	}
	b, errno := q.Next()
	if errno != 0 {
		return 0, errno
	}
	n := 0
	if info {
		n = sizeofPI
		var pi [sizeofPI]byte
		if len(b) > room-sizeofPI {
			pi[0] = stripped
		}
		binary.BigEndian.PutUint16(pi[2:], protocol(b, q.Tun().Tap()))
		if _, errno := dst.CopyOut(pi[:]); errno != 0 {
			return 0, errno
		}
	}
	b = b[:min(len(b), room-n)]
	if len(b) > 0 {
		if _, errno := dst.CopyOut(b); errno != 0 {
			return 0, errno
		}
	}
	return n + len(b), 0
}

// protocol is what is in a packet, as an Ethernet header has it.
func protocol(b []byte, tap bool) uint16 {
	switch {
	case tap && len(b) >= 14:
		return binary.BigEndian.Uint16(b[12:])
	case !tap && len(b) > 0 && b[0]>>4 == 6:
		return linux.ETH_P_IPV6
	}
	return linux.ETH_P_IP
}

// Write is vfs.FileOps's: one packet (tun_get_user).
func (f *file) Write(_ vfs.Ctx, _ *vfs.File, src *usermem.Buf, _ int64) (int, linux.Errno) {
	q := f.attached()
	if q == nil {
		return 0, linux.EBADFD
	}
	n := src.Len()
	if n > maxFrame+sizeofPI {
		return 0, linux.EINVAL
	}
	b := make([]byte, n)
	if n > 0 {
		if _, errno := src.CopyIn(b); errno != 0 {
			return 0, errno
		}
	}
	info := q.Tun().Info()
	if info {
		if n < sizeofPI {
			return 0, linux.EINVAL
		}
		b = b[sizeofPI:]
	}
	if errno := q.Put(b, info); errno != 0 {
		return 0, errno
	}
	return n, 0
}

// Queue is vfs.Poller's.
func (f *file) Queue(*vfs.File) *wait.Queue {
	if q := f.attached(); q != nil {
		return &q.Wait
	}
	return &f.queue
}

// Poll is vfs.Poller's.
func (f *file) Poll(*vfs.File) (got wait.Event) {
	q := f.attached()
	if q == nil {
		return wait.Err
	}
	readable, writable, gone := q.Ready()
	if gone {
		return wait.Err
	}
	if readable {
		got |= wait.In | wait.RdNorm
	}
	if writable {
		got |= wait.Out | wait.WrNorm
	}
	return got
}

// struct ifreq: a name, and a union.
const sizeofIfreq = 40

// Ioctl is vfs.Ioctler's (__tun_chr_ioctl).
func (f *file) Ioctl(ctx vfs.Ctx, _ *vfs.File, cmd uint32, arg uint64) (uintptr, linux.Errno) {
	at := usermem.Addr(arg)
	switch cmd {
	case linux.TUNGETFEATURES:
		return 0, usermem.CopyOutInt(ctx.Space(), at, int32(linux.IFF_TUN|linux.IFF_TAP|linux.IFF_NO_PI|linux.IFF_ONE_QUEUE|linux.IFF_MULTI_QUEUE))
	case linux.TUNSETIFF:
		var b [sizeofIfreq]byte
		if _, errno := ctx.Space().CopyIn(at, b[:]); errno != 0 {
			return 0, errno
		}
		if errno := f.set(ctx, b[:]); errno != 0 {
			return 0, errno
		}
		_, errno := ctx.Space().CopyOut(at, b[:])
		return 0, errno
	case linux.TUNSETQUEUE:
		return 0, linux.EINVAL
	}
	q := f.attached()
	if q == nil {
		return 0, linux.EBADFD
	}
	if _, _, gone := q.Ready(); gone {
		return 0, linux.EBADFD
	}
	return f.more(ctx, q.Tun(), cmd, arg)
}

// more is what only an attached file can be asked.
func (f *file) more(ctx vfs.Ctx, t *link.Tun, cmd uint32, arg uint64) (uintptr, linux.Errno) {
	at := usermem.Addr(arg)
	uid, gid := t.Owners()
	switch cmd {
	case linux.TUNGETIFF:
		var b [sizeofIfreq]byte
		name, _ := t.Name()
		copy(b[:linux.IFNAMSIZ-1], name)
		binary.LittleEndian.PutUint16(b[linux.IFNAMSIZ:], flagsOf(t))
		_, errno := ctx.Space().CopyOut(at, b[:])
		return 0, errno
	case linux.TUNSETPERSIST:
		t.SetPersist(arg != 0)
	case linux.TUNSETOWNER:
		id, ok := ctx.Cred().NS.ToKernelUID(uint32(arg))
		if !ok {
			return 0, linux.EINVAL
		}
		t.SetOwners(int64(id), gid)
	case linux.TUNSETGROUP:
		id, ok := ctx.Cred().NS.ToKernelGID(uint32(arg))
		if !ok {
			return 0, linux.EINVAL
		}
		t.SetOwners(uid, int64(id))
	case linux.TUNSETNOCSUM, linux.TUNSETDEBUG, linux.TUNSETSNDBUF:
	case linux.TUNSETOFFLOAD: // what the program can take, which it is not given
		if arg&^0x7f != 0 {
			return 0, linux.EINVAL
		}
	case linux.TUNGETSNDBUF:
		return 0, usermem.CopyOutInt(ctx.Space(), at, int32(1<<31-1))
	case linux.TUNGETVNETHDRSZ:
		f.mu.Lock()
		n := f.hdr
		f.mu.Unlock()
		if n == 0 {
			n = 10
		}
		return 0, usermem.CopyOutInt(ctx.Space(), at, n)
	case linux.TUNSETVNETHDRSZ:
		var b [4]byte
		if _, errno := ctx.Space().CopyIn(at, b[:]); errno != 0 {
			return 0, errno
		}
		n := int32(binary.LittleEndian.Uint32(b[:]))
		if n < 10 {
			return 0, linux.EINVAL
		}
		f.mu.Lock()
		f.hdr = n
		f.mu.Unlock()
	default:
		return 0, linux.EINVAL
	}
	return 0, 0
}

func flagsOf(t *link.Tun) uint16 {
	v := uint16(linux.IFF_TUN)
	if t.Tap() {
		v = linux.IFF_TAP
	}
	if !t.Info() {
		v |= linux.IFF_NO_PI
	}
	if t.Many() {
		v |= linux.IFF_MULTI_QUEUE
	}
	if t.Persist() {
		v |= linux.IFF_PERSIST
	}
	return v
}

// set is TUNSETIFF: it attaches the file to an interface, which is made if it is not there (tun_set_iff).
func (f *file) set(ctx vfs.Ctx, b []byte) linux.Errno {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.q != nil {
		if _, _, gone := f.q.Ready(); !gone {
			return linux.EEXIST
		}
		f.q = nil
	}
	flags := binary.LittleEndian.Uint16(b[linux.IFNAMSIZ:])
	name, _, _ := strings.Cut(string(b[:linux.IFNAMSIZ-1]), "\x00")
	tap, many := flags&linux.IFF_TUN == 0, flags&linux.IFF_MULTI_QUEUE != 0
	admin := socket.Capable(ctx, f.ns, linux.CAP_NET_ADMIN)
	place := link.Place{Table: socket.Devices(f.ns), Stack: socket.Internet(f.ns)}
	var t *link.Tun
	if l, errno := place.Table.Find(0, name); errno == 0 && name != "" {
		t = link.TunOf(&l)
		switch {
		case t == nil:
			return linux.EINVAL
		case flags&linux.IFF_TUN_EXCL != 0:
			return linux.EBUSY
		case flags&(linux.IFF_TUN|linux.IFF_TAP) == 0 || tap != t.Tap() || many != t.Many():
			return linux.EINVAL
		case !admin && !mayAttach(ctx, t):
			return linux.EPERM
		}
	} else {
		if !admin {
			return linux.EPERM
		}
		if flags&(linux.IFF_TUN|linux.IFF_TAP) == 0 || flags&linux.IFF_VNET_HDR != 0 {
			return linux.EINVAL
		}
		if t, errno = newTun(place, name, tap, many); errno != 0 {
			return errno
		}
	}
	q, errno := t.Attach()
	if errno != 0 {
		return errno
	}
	t.SetInfo(flags&linux.IFF_NO_PI == 0)
	f.q = q
	clear(b[:linux.IFNAMSIZ])
	name, _ = t.Name()
	copy(b, name)
	binary.LittleEndian.PutUint16(b[linux.IFNAMSIZ:], flagsOf(t)&^linux.IFF_PERSIST)
	f.queue.Notify(wait.Out)
	return 0
}

// mayAttach reports whether the caller is the one whom TUNSETOWNER or TUNSETGROUP named (tun_not_capable).
func mayAttach(ctx vfs.Ctx, t *link.Tun) bool {
	uid, gid := t.Owners()
	c := ctx.Cred()
	if uid >= 0 && uid != int64(c.Euid) {
		return false
	}
	return gid < 0 || c.InGroup(auth.GID(gid))
}

// newTun makes the interface.
func newTun(p link.Place, name string, tap, many bool) (*link.Tun, linux.Errno) {
	if name == "" {
		if name = "tun%d"; tap {
			name = "tap%d"
		}
	}
	name, errno := p.Table.FreeName(name)
	if errno != 0 {
		return nil, errno
	}
	return link.MakeTun(&link.Spec{Place: p, Link: device.Link{Name: name}}, tap, many)
}
