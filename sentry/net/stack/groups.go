package stack

import (
	"github.com/seed-7423c386/runsc/sentry/net/device"
	"maps"
	"net/netip"
	"slices"
	"sync"
)

// Wanted is what is wanted of a group: what comes from Sources, or with Exclude from all but those (RFC 3376 2).
type Wanted struct {
	Exclude bool
	Sources []netip.Addr
}

// passes reports whether it is wanted from a source.
func (w *Wanted) passes(src netip.Addr) bool { return slices.Contains(w.Sources, src) != w.Exclude }

// groups are the multicast groups that sockets have joined on interfaces.
type groups struct {
	mu sync.RWMutex
	of map[groupKey]*group
}

type groupKey struct {
	link  int32
	group netip.Addr
}

// group counts what sockets want of it (struct ip_mc_list).
type group struct {
	sockets, exclude int
	sources          map[netip.Addr]sourceCount
}

// sourceCount is how many sockets name a source as one that they want, and as one that they do not.
type sourceCount struct{ include, exclude int }

// count adds what a socket wants, or with -1 takes it away.
func (g *group) count(w *Wanted, by int) {
	g.sockets += by
	if w.Exclude {
		g.exclude += by
	}
	for _, src := range w.Sources {
		c := g.sources[src]
		if w.Exclude {
			c.exclude += by
		} else {
			c.include += by
		}
		if g.sources == nil {
			g.sources = map[netip.Addr]sourceCount{}
		}
		if g.sources[src] = c; c == (sourceCount{}) {
			delete(g.sources, src)
		}
	}
}

// wanted is what all of them together want (RFC 3376 3.2): of nobody nothing.
func (g *group) wanted() (w Wanted) {
	if g == nil {
		return w
	}
	w.Exclude = g.exclude > 0
	for src, c := range g.sources {
		if w.Exclude && c.exclude == g.exclude && c.include == 0 || !w.Exclude && c.include > 0 {
			w.Sources = append(w.Sources, src)
		}
	}
	slices.SortFunc(w.Sources, netip.Addr.Compare)
	return w
}

func (g *groups) joined(link int32, a netip.Addr) bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.of[groupKey{link, a}] != nil
}

// wanted is what is wanted of a group on an interface.
func (g *groups) wanted(link int32, a netip.Addr) Wanted {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.of[groupKey{link, a}].wanted()
}

// Join makes the stack take packets to a group from an interface, from all sources.
func (s *Stack) Join(link int32, a netip.Addr) { s.Listen(link, a, nil, &Wanted{Exclude: true}) }

// Leave undoes one Join.
func (s *Stack) Leave(link int32, a netip.Addr) { s.Listen(link, a, &Wanted{Exclude: true}, nil) }

// Listen notes what a socket wants of a group on an interface, and what it wanted before: nil if it is no member. Routers are told of
// what follows from that.
func (s *Stack) Listen(link int32, a netip.Addr, was, now *Wanted) {
	k := groupKey{link, a}
	s.groups.mu.Lock()
	g := s.groups.of[k]
	before := g.wanted()
	if g == nil {
		g = &group{}
		if s.groups.of == nil {
			s.groups.of = map[groupKey]*group{}
		}
		s.groups.of[k] = g
	}
	if was != nil {
		g.count(was, -1)
	}
	if now != nil {
		g.count(now, 1)
	}
	after := g.wanted()
	if g.sockets == 0 {
		delete(s.groups.of, k)
	}
	s.groups.mu.Unlock()
	changed := map[netip.Addr]bool{}
	for _, src := range slices.Concat(before.Sources, after.Sources) {
		if slices.Contains(before.Sources, src) != slices.Contains(after.Sources, src) {
			changed[src] = true
		}
	}
	switch {
	case before.Exclude != after.Exclude:
		s.changedGroup(report{link: link, group: a, mode: true})
	case len(changed) > 0:
		s.changedGroup(report{link: link, group: a, sources: slices.SortedFunc(maps.Keys(changed), netip.Addr.Compare)})
	}
}

// Member is a group that an interface listens to.
type Member struct {
	Group   netip.Addr
	Users   int
	Sources []Source
}

// Source is how many sockets want what comes from there, and how many do not.
type Source struct {
	Addr             netip.Addr
	Include, Exclude int
}

// AllNodes is the group of everybody on a link.
var AllNodes = allNodes

// Members are the groups that an interface listens to, those of sockets first.
func (s *Stack) Members(l *device.Link) (all []Member) {
	list := s.Groups(l)
	slices.Reverse(list)
	s.groups.mu.RLock()
	defer s.groups.mu.RUnlock()
	for _, g := range list {
		if at := slices.IndexFunc(all, func(m Member) bool { return m.Group == g }); at >= 0 { // of another address
			all[at].Users++
			continue
		}
		m := Member{Group: g, Users: 1}
		if of := s.groups.of[groupKey{l.Index, g}]; of != nil {
			m.Users = of.sockets
			for a, c := range of.sources {
				m.Sources = append(m.Sources, Source{a, c.include, c.exclude})
			}
			slices.SortFunc(m.Sources, func(x, y Source) int { return x.Addr.Compare(y.Addr) })
		}
		all = append(all, m)
	}
	return all
}
