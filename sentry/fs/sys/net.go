package sys

import (
	"fmt"
	"strconv"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/fs/kernfs"
	"github.com/seed-7423c386/runsc/sentry/net/device"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// interfaces are class/net and what its links lead to: the interfaces of the network namespace
// that the file system was mounted in.
func interfaces(t *device.Table, put func(path string, n kernfs.Node)) {
	each := func(node func(l *device.Link) kernfs.Node) *kernfs.Dir {
		d := kernfs.NewDir(nil)
		d.More = func() map[string]kernfs.Node {
			now := map[string]kernfs.Node{}
			for _, l := range t.Links() {
				if d.Node(l.Name) != nil {
					now[l.Name] = d.Node(l.Name)
				} else {
					now[l.Name] = node(&l)
				}
			}
			return now
		}
		return d
	}
	put("class/net", each(func(l *device.Link) kernfs.Node {
		return &kernfs.Link{Target: "../../devices/virtual/net/" + l.Name}
	}))
	put("devices/virtual/net", each(func(l *device.Link) kernfs.Node { return linkDir(t, l.Name) }))
}

// linkDir is an interface's directory.
func linkDir(t *device.Table, name string) *kernfs.Dir {
	show := func(text func(l *device.Link) string) *kernfs.File {
		return &kernfs.File{Perm: 0o444, Show: func(vfs.Ctx) (string, linux.Errno) {
			l, errno := t.Find(0, name)
			if errno != 0 {
				return "", errno
			}
			return text(&l) + "\n", 0
		}}
	}
	refused := func() *kernfs.File {
		return &kernfs.File{Perm: 0o444, Show: func(vfs.Ctx) (string, linux.Errno) { return "", linux.EINVAL }}
	}
	hex := func(m [6]byte) string {
		return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5])
	}
	number := func(n func(l *device.Link) uint64) *kernfs.File {
		return show(func(l *device.Link) string { return strconv.FormatUint(n(l), 10) })
	}
	entries := map[string]kernfs.Node{
		"address": show(func(l *device.Link) string {
			if l.Type == linux.ARPHRD_NONE {
				return ""
			}
			return hex(l.MAC)
		}),
		"broadcast": show(func(l *device.Link) string {
			switch {
			case l.Type == linux.ARPHRD_NONE:
				return ""
			case l.Flags&linux.IFF_BROADCAST != 0:
				return "ff:ff:ff:ff:ff:ff"
			}
			return hex([6]byte{})
		}),
		"addr_len": number(func(l *device.Link) uint64 {
			if l.Type == linux.ARPHRD_NONE {
				return 0
			}
			return 6
		}), "addr_assign_type": kernfs.Fixed("0\n"), "name_assign_type": kernfs.Fixed("2\n"),
		"carrier": &kernfs.File{Perm: 0o444, Show: func(vfs.Ctx) (string, linux.Errno) {
			l, errno := t.Find(0, name)
			if errno == 0 && l.Flags&linux.IFF_UP == 0 {
				errno = linux.EINVAL
			}
			if l.NoCarrier {
				return "0\n", errno
			}
			return "1\n", errno
		}},
		"carrier_changes": kernfs.Fixed("0\n"), "dev_id": kernfs.Fixed("0x0\n"), "dev_port": kernfs.Fixed("0\n"), "dormant": kernfs.Fixed("0\n"),
		"duplex": refused(), "speed": refused(),
		"flags":   show(func(l *device.Link) string { return fmt.Sprintf("%#x", l.Flags&0xffff&^(linux.IFF_RUNNING)) }),
		"ifindex": show(func(l *device.Link) string { return strconv.Itoa(int(l.Index)) }), "iflink": show(func(l *device.Link) string {
			if l.Peer != 0 {
				return strconv.Itoa(int(l.Peer))
			}
			return strconv.Itoa(int(l.Index))
		}),
		"ifalias": show(func(l *device.Link) string { return l.Alias }), "link_mode": kernfs.Fixed("0\n"), "netdev_group": number(func(l *device.Link) uint64 { return uint64(l.Group) }), "proto_down": kernfs.Fixed("0\n"),
		"mtu": show(func(l *device.Link) string { return strconv.FormatUint(uint64(l.MTU), 10) }),
		"operstate": show(func(l *device.Link) string {
			return [...]string{"unknown", "notpresent", "down", "lowerlayerdown", "testing", "dormant", "up"}[l.OperState()]
		}),
		"tx_queue_len": number(func(l *device.Link) uint64 { return uint64(l.Queue) }), "type": show(func(l *device.Link) string { return strconv.Itoa(int(l.Type)) }),
		"uevent":    show(func(l *device.Link) string { return fmt.Sprintf("INTERFACE=%s\nIFINDEX=%d", l.Name, l.Index) }),
		"subsystem": &kernfs.Link{Target: "../../../../class/net"},
	}
	for _, name := range []string{"collisions", "multicast", "rx_bytes", "rx_compressed", "rx_crc_errors", "rx_dropped", "rx_errors", "rx_fifo_errors", "rx_frame_errors",
		"rx_length_errors", "rx_missed_errors", "rx_nohandler", "rx_over_errors", "rx_packets", "tx_aborted_errors", "tx_bytes", "tx_carrier_errors", "tx_compressed",
		"tx_dropped", "tx_errors", "tx_fifo_errors", "tx_heartbeat_errors", "tx_packets", "tx_window_errors"} {
		entries["statistics/"+name] = kernfs.Fixed("0\n")
	}
	for name, of := range map[string]func(s *device.Stats) *atomic.Uint64{
		"rx_bytes": func(s *device.Stats) *atomic.Uint64 { return &s.RxBytes }, "rx_packets": func(s *device.Stats) *atomic.Uint64 { return &s.RxPackets },
		"rx_dropped": func(s *device.Stats) *atomic.Uint64 { return &s.RxDropped }, "rx_errors": func(s *device.Stats) *atomic.Uint64 { return &s.RxErrors },
		"tx_bytes": func(s *device.Stats) *atomic.Uint64 { return &s.TxBytes }, "tx_packets": func(s *device.Stats) *atomic.Uint64 { return &s.TxPackets },
		"tx_dropped": func(s *device.Stats) *atomic.Uint64 { return &s.TxDropped }, "multicast": func(s *device.Stats) *atomic.Uint64 { return &s.Multicast },
	} {
		entries["statistics/"+name] = number(func(l *device.Link) uint64 { return of(l.Stats).Load() })
	}
	return kernfs.NewDir(entries)
}
