package unix

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/socket"
)

// Opened is socket.Opened's: the socket is listed in /proc/net/unix from now to its release.
func (s *Socket) Opened() {
	s.names.mu.Lock()
	defer s.names.mu.Unlock()
	s.names.all[s.id] = s
}

func (n *names) leave(s *Socket) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.all, s.id)
}

// listedAtOnce is how many lines a part of /proc/net/unix has.
const listedAtOnce = 1024

// list is /proc/net/unix: sockets in the order in which they were made, from number at on
// (unix_seq_show).
func list(ns socket.Namespace, _ func(auth.UID) uint32, at uint64) (string, uint64) {
	n := ns.Get("unix", newNames(ns)).(*names)
	var b strings.Builder
	if at == 0 {
		b.WriteString("Num       RefCount Protocol Flags    Type St Inode Path\n")
	}
	n.mu.Lock()
	var ids []uint64
	for id := range n.all {
		if id >= at {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	next := uint64(0)
	if len(ids) > listedAtOnce {
		next, ids = ids[listedAtOnce], ids[:listedAtOnce]
	}
	var socks []*Socket
	for _, id := range ids {
		socks = append(socks, n.all[id])
	}
	n.mu.Unlock()
	for _, s := range socks {
		b.WriteString(s.line())
	}
	return b.String(), next
}

// line is the socket's.
func (s *Socket) line() string {
	s.mu.Lock()
	refs, flags, st := 2, 0, 1
	switch {
	case s.state == listening:
		flags = 1 << 16
	case s.peer != nil:
		refs, st = 3, 3
	}
	s.mu.Unlock()
	ino := uint64(0)
	if i := s.Inode(); i != nil {
		ino = i.Ino
	}
	line := fmt.Sprintf("%016x: %08X %08X %08X %04X %02X %5d", s.id, refs, 0, flags, s.Type, st, ino)
	if name := s.name.Load(); name != nil {
		path := *name
		if strings.HasPrefix(path, "\x00") {
			path = strings.ReplaceAll(path, "\x00", "@")
		}
		line += " " + path[:min(len(path), linux.UNIX_PATH_MAX)]
	}
	return line + "\n"
}
