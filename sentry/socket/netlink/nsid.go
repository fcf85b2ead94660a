package netlink

import (
	"encoding/binary"
	"maps"
	"sync"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/device"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// Numbers that a namespace has for others (net/core/net_namespace.c).

// nsids are the numbers, by the interfaces of those that have one.
type nsids struct {
	mu sync.Mutex
	of map[*device.Table]int32
}

// nsid is the number of a namespace, which gets the lowest that is free if it has none.
func (p *ports) nsid(t *device.Table) int32 {
	p.ids.mu.Lock()
	defer p.ids.mu.Unlock()
	if id, ok := p.ids.of[t]; ok {
		return id
	}
	if p.ids.of == nil {
		p.ids.of = map[*device.Table]int32{}
	}
	used := map[int32]bool{}
	maps.DeleteFunc(p.ids.of, func(t *device.Table, id int32) bool {
		used[id] = !t.Closed()
		return t.Closed()
	})
	id := int32(0)
	for used[id] {
		id++
	}
	p.ids.of[t] = id
	return id
}

// struct rtgenmsg is a family, padded.
const sizeofRtgen = 4

// netnsID answers what number a namespace has, or gives it one (rtnl_net_getid, rtnl_net_newid).
func (s *Socket) netnsID(c socket.Caller, q *request) linux.Errno {
	if len(q.body) < sizeofRtgen {
		return linux.EINVAL
	}
	at := attrs(q.body[sizeofRtgen:])
	lookup, ok := c.(socket.Namespaces)
	if !ok {
		return linux.EOPNOTSUPP
	}
	var ns socket.Namespace
	errno := linux.Errno(linux.EINVAL)
	if b := at[linux.NETNSA_FD]; len(b) >= 4 {
		ns, errno = lookup.NetOfFD(int32(binary.LittleEndian.Uint32(b)))
	} else if b := at[linux.NETNSA_PID]; len(b) >= 4 {
		ns, errno = lookup.NetOfPID(int32(binary.LittleEndian.Uint32(b)))
	}
	if errno != 0 {
		return errno
	}
	t := socket.Devices(ns)
	p := s.ports
	p.ids.mu.Lock()
	id, known := p.ids.of[t]
	p.ids.mu.Unlock()
	if q.Type == linux.RTM_NEWNSID {
		want := int32(-1)
		if b := at[linux.NETNSA_NSID]; len(b) >= 4 {
			want = int32(binary.LittleEndian.Uint32(b))
		}
		switch {
		case known:
			return q.because(linux.EEXIST, "Peer netns already has a nsid assigned")
		case want >= 0:
			p.ids.mu.Lock()
			defer p.ids.mu.Unlock()
			for _, o := range p.ids.of {
				if o == want {
					return q.because(linux.EEXIST, "The specified nsid is already used")
				}
			}
			if p.ids.of == nil {
				p.ids.of = map[*device.Table]int32{}
			}
			if len(p.ids.of) >= maxIDs {
				return linux.ENOSPC
			}
			p.ids.of[t] = want
			return 0
		}
		p.nsid(t)
		return 0
	}
	if !known {
		id = -1
	}
	var r reply
	h := linux.Nlmsghdr{Type: linux.RTM_NEWNSID, Seq: q.Seq, PID: s.port}
	r.start = len(r.buf)
	r.buf = append(append(r.buf, usermem.Encode(&h)...), 0, 0, 0, 0)
	r.attr32(linux.NETNSA_NSID, uint32(id))
	r.end()
	s.put(message{data: r.buf, cred: &socket.Cred{}})
	return 0
}

// maxIDs bounds the numbers that are given by hand.
const maxIDs = 4096
