package unix

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/lock"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// Files in flight: in messages that nobody has received. A socket in flight may be in a message
// in its own queue, or in that of another which is in its; when no descriptor is left to any of
// them, reference counts alone would keep them for ever. collect finds such sockets and empties
// their queues (net/unix/garbage.c).

// flights counts what is in flight.
type flights struct {
	mu    lock.Mutex[lock.SocketCycles]
	users map[auth.UID]int // files by who sent them
	owner map[*vfs.File][]auth.UID
	socks map[*vfs.File]int // unix sockets: how many messages carry each

	sweeping bool // a sweep is about to begin
}

var gc = flights{users: map[auth.UID]int{}, owner: map[*vfs.File][]auth.UID{}, socks: map[*vfs.File]int{}}

const rlimitNofile = 7

// add counts files as in flight: ETOOMANYREFS if the user has more there than it may have open
// (too_many_unix_fds).
func (g *flights) add(c socket.Caller, files []*vfs.File) linux.Errno {
	cred := c.Cred()
	g.mu.Lock()
	defer g.mu.Unlock()
	if uint64(g.users[cred.Ruid]) > c.Limit(rlimitNofile) && !cred.Has(linux.CAP_SYS_RESOURCE) && !cred.Has(linux.CAP_SYS_ADMIN) {
		return linux.ETOOMANYREFS
	}
	g.users[cred.Ruid] += len(files)
	for _, f := range files {
		g.owner[f] = append(g.owner[f], cred.Ruid)
		if _, ok := f.Ops.(*Socket); ok {
			g.socks[f]++
		}
	}
	return 0
}

// remove ends their flight.
func (g *flights) remove(files []*vfs.File) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, f := range files {
		by := g.owner[f]
		if len(by) == 0 {
			continue
		}
		u := by[len(by)-1]
		if g.users[u]--; g.users[u] == 0 {
			delete(g.users, u)
		}
		if by = by[:len(by)-1]; len(by) == 0 {
			delete(g.owner, f)
		} else {
			g.owner[f] = by
		}
		if n, ok := g.socks[f]; ok {
			if n == 1 {
				delete(g.socks, f)
			} else {
				g.socks[f] = n - 1
			}
		}
	}
}

// collect has sweep run soon, in the background.
func collect() {
	gc.mu.Lock()
	defer gc.mu.Unlock()
	if len(gc.socks) > 0 && !gc.sweeping {
		gc.sweeping = true
		go sweep()
	}
}

// sweep empties the queues of the sockets that only messages in such queues refer to. A socket is
// reachable if it has a reference that is not a message's, if a message carries it that is in no
// suspect's queue (it may be on its way into or out of one), or if a message in the queue of a
// reachable one carries it. Files enter and leave flight with gc.mu held, so that the sets hold.
func sweep() {
	gc.mu.Lock()
	gc.sweeping = false
	carries, inside := map[*vfs.File][]*vfs.File{}, map[*vfs.File]int{}
	for f, n := range gc.socks {
		if f.Refs() <= int64(n) {
			carries[f] = f.Ops.(*Socket).carried()
		}
	}
	for _, files := range carries {
		for _, f := range files {
			inside[f]++
		}
	}
	var reached []*vfs.File
	for f := range carries {
		if inside[f] < gc.socks[f] {
			reached = append(reached, f)
		}
	}
	for len(reached) > 0 {
		f := reached[len(reached)-1]
		reached = append(reached[:len(reached)-1], carries[f]...)
		delete(carries, f)
	}
	var lost []*message
	for f := range carries {
		lost = append(lost, f.Ops.(*Socket).empty()...)
	}
	gc.mu.Unlock()
	for _, m := range lost {
		m.drop()
	}
}

// carried are the files in the socket's queue, and in those of connections it has not accepted.
func (s *Socket) carried() (out []*vfs.File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.messages {
		out = append(out, m.files...)
	}
	for _, a := range s.accepts {
		a.mu.Lock()
		for _, m := range a.messages {
			out = append(out, m.files...)
		}
		a.mu.Unlock()
	}
	return out
}

// empty takes the messages with files out of the queues.
func (s *Socket) empty() (lost []*message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	take := func(q *[]*message) {
		keep := (*q)[:0:0]
		for _, m := range *q {
			if len(m.files) > 0 {
				lost = append(lost, m)
				if m == s.urgent {
					s.urgent = nil
				}
			} else {
				keep = append(keep, m)
			}
		}
		*q = keep
	}
	take(&s.messages)
	for _, a := range s.accepts {
		a.mu.Lock()
		take(&a.messages)
		a.mu.Unlock()
	}
	return lost
}
