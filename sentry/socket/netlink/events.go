package netlink

import (
	"fmt"
	"strings"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/device"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
)

// News of the network for those who joined a group.

// because notes why a request failed, for those who asked to be told (NETLINK_EXT_ACK).
func (q *request) because(errno linux.Errno, format string, args ...any) linux.Errno {
	if errno != 0 {
		q.text = fmt.Sprintf(strings.TrimSuffix(format, "."), args...)
	}
	return errno
}

// tell makes a message for a group, if anybody is in it.
func (p *ports) tell(group uint, make func(r *reply)) {
	if p.listened(group) {
		var r reply
		make(&r)
		p.broadcast(linux.NETLINK_ROUTE, group, r.buf)
	}
}

// event is told of what happens to interfaces.
func (p *ports) event(e *device.Event) {
	switch e.Kind {
	case device.Changed:
		p.tell(linux.RTNLGRP_LINK, func(r *reply) { p.putLink(r, linux.Nlmsghdr{Type: linux.RTM_NEWLINK}, &e.Link) })
	case device.Gone:
		p.tell(linux.RTNLGRP_LINK, func(r *reply) { p.putLink(r, linux.Nlmsghdr{Type: linux.RTM_DELLINK}, &e.Link) })
	default:
		group, typ := uint(linux.RTNLGRP_IPV4_IFADDR), uint16(linux.RTM_NEWADDR)
		if e.Addr.Family == linux.AF_INET6 {
			group = linux.RTNLGRP_IPV6_IFADDR
		}
		if e.Kind == device.AddrGone {
			typ = linux.RTM_DELADDR
		}
		if e.Kind == device.AddrAdded && e.Addr.Tentative { // told of when it is not (addrconf_dad_completed)
			return
		}
		p.tell(group, func(r *reply) { putAddr(r, linux.Nlmsghdr{Type: typ}, &e.Link, e.Addr) })
		if e.Addr.Family == linux.AF_INET && e.Link.Up() {
			p.follows(e)
		}
	}
}

// follows tells of the routes that come and go with an address of IPv4 (fib_add_ifaddr, fib_del_ifaddr).
func (p *ports) follows(e *device.Event) {
	if !p.listened(linux.RTNLGRP_IPV4_ROUTE) {
		return
	}
	h, a, l := linux.Nlmsghdr{Type: linux.RTM_NEWROUTE}, e.Addr, &e.Link
	tell := func(f func(r *reply)) {
		var r reply
		f(&r)
		p.broadcast(linux.NETLINK_ROUTE, linux.RTNLGRP_IPV4_ROUTE, r.buf)
	}
	steps := []func(r *reply){func(r *reply) { putRoute(r, h, l, a, a.IP, 32, linux.RTN_LOCAL) }}
	if v, ok := stack.Connected(l, a); ok {
		steps = append(steps, func(r *reply) { putStackRoute(r, h, &v, l.NoCarrier) })
	}
	if a.Prefix < 31 {
		steps = append(steps, func(r *reply) { putRoute(r, h, l, a, lastOf(a), 32, linux.RTN_BROADCAST) })
	}
	if e.Kind == device.AddrGone {
		h.Type = linux.RTM_DELROUTE
		steps = append(steps[1:], steps[0])
	}
	for _, f := range steps {
		tell(f)
	}
}
