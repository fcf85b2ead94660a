package sys

import (
	"fmt"
	"strconv"

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
	put("devices/virtual/net", each(func(l *device.Link) kernfs.Node { return linkDir(t, l.Index) }))
}

// linkDir is an interface's directory.
func linkDir(t *device.Table, index int32) *kernfs.Dir {
	show := func(text func(l *device.Link) string) *kernfs.File {
		return &kernfs.File{Perm: 0o444, Show: func(vfs.Ctx) (string, linux.Errno) {
			l, errno := t.Find(index, "")
			if errno != 0 {
				return "", errno
			}
			return text(&l) + "\n", 0
		}}
	}
	refused := func() *kernfs.File {
		return &kernfs.File{Perm: 0o444, Show: func(vfs.Ctx) (string, linux.Errno) { return "", linux.EINVAL }}
	}
	const zeroes = "00:00:00:00:00:00"
	entries := map[string]kernfs.Node{
		"address": show(func(*device.Link) string { return zeroes }), "broadcast": show(func(*device.Link) string { return zeroes }),
		"addr_len": kernfs.Fixed("6\n"), "addr_assign_type": kernfs.Fixed("0\n"), "name_assign_type": kernfs.Fixed("2\n"),
		"carrier": &kernfs.File{Perm: 0o444, Show: func(vfs.Ctx) (string, linux.Errno) {
			l, errno := t.Find(index, "")
			if errno == 0 && l.Flags&linux.IFF_UP == 0 {
				errno = linux.EINVAL
			}
			return "1\n", errno
		}},
		"carrier_changes": kernfs.Fixed("0\n"), "dev_id": kernfs.Fixed("0x0\n"), "dev_port": kernfs.Fixed("0\n"), "dormant": kernfs.Fixed("0\n"),
		"duplex": refused(), "speed": refused(),
		"flags":   show(func(l *device.Link) string { return fmt.Sprintf("%#x", l.Flags&0xffff&^(linux.IFF_RUNNING)) }),
		"ifindex": show(func(l *device.Link) string { return strconv.Itoa(int(l.Index)) }), "iflink": show(func(l *device.Link) string { return strconv.Itoa(int(l.Index)) }),
		"ifalias": kernfs.Fixed("\n"), "link_mode": kernfs.Fixed("0\n"), "netdev_group": kernfs.Fixed("0\n"), "proto_down": kernfs.Fixed("0\n"),
		"mtu": show(func(l *device.Link) string { return strconv.FormatUint(uint64(l.MTU), 10) }),
		"operstate": show(func(l *device.Link) string {
			if l.Flags&linux.IFF_UP == 0 {
				return "down"
			}
			return "unknown"
		}),
		"tx_queue_len": kernfs.Fixed("1000\n"), "type": show(func(l *device.Link) string { return strconv.Itoa(int(l.Type)) }),
		"uevent":    show(func(l *device.Link) string { return fmt.Sprintf("INTERFACE=%s\nIFINDEX=%d", l.Name, l.Index) }),
		"subsystem": &kernfs.Link{Target: "../../../../class/net"},
	}
	for _, name := range []string{"collisions", "multicast", "rx_bytes", "rx_compressed", "rx_crc_errors", "rx_dropped", "rx_errors", "rx_fifo_errors", "rx_frame_errors",
		"rx_length_errors", "rx_missed_errors", "rx_nohandler", "rx_over_errors", "rx_packets", "tx_aborted_errors", "tx_bytes", "tx_carrier_errors", "tx_compressed",
		"tx_dropped", "tx_errors", "tx_fifo_errors", "tx_heartbeat_errors", "tx_packets", "tx_window_errors"} {
		entries["statistics/"+name] = kernfs.Fixed("0\n")
	}
	return kernfs.NewDir(entries)
}
