package gofer

import (
	"container/list"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-7423c386/runsc/gofer/wire"
)

// Lists of directories of an exclusive mount are kept after they were read, as far as there is room for
// them. Before one is read again the gofer is asked whether the directory is as it was; that is done for
// many at a time, more each time, since a program that reads one again goes through a tree and reads the others next, in
// the order of the last time.

// kept is a list of a directory's entries.
type kept struct {
	entries atomic.Pointer[wire.Entries] // nil once there is no room for it, or it holds no longer
	whole   bool                         // that is all that the directory has

	// For a whole list.
	early        atomic.Bool  // it came with the look-up of the directory and nobody has read it
	asked        int64        // when, on the client's clock
	lost         uint64       // the mount's at that time
	dir          uint64       // id of the directory, once it is known
	mtime, ctime int64        // of the directory before it was read
	settled      bool         // a later change is seen by these times
	checked      atomic.Int64 // when it held last

	place *list.Element // in the mount's order; guarded by its lock
}

const (
	firstChecked = 32 // lists that are checked with the first that is read again
	mostUnread   = 64
	mostLists    = wire.MaxNames
	mostEarly    = 512      // lists that nobody has read yet, of a mount: some megabytes
	mostKept     = 16 << 20 // bytes of the lists that were read, of a mount
	keptSize     = 256      // what a list takes beside its entries

	// settleTime is how long ago a directory must have changed last for its times to tell of the next
	// change: the host's clock for files has ticks.
	settleTime = int64(100 * time.Millisecond)
)

// listTime is for how long an early list holds, checkTime for how long one that was read or checked. Tests on a busy
// machine take longer.
var (
	listTime  = int64(time.Second)
	checkTime = int64(50 * time.Millisecond)
)

// lists are those of a mount.
type lists struct {
	lost   atomic.Uint64 // directories that were changed here and forgotten
	unread atomic.Int32  // lists that came early and were of no use, less those that were
	used   atomic.Int64  // lists that came early and were of use
	files  atomic.Bool   // the last program that went through a tree looked up files too

	mu    sync.Mutex
	ring  [mostEarly]*kept // that came early
	next  int
	order list.List // those that were read, the one read longest ago in front
	size  int       // of these

	batch    int   // how many were checked last,
	expected *kept // and which one is next if they are read again in order
}

// newKept makes a list of all entries of the directory with attributes a, which was asked for at the time
// asked.
func newKept(entries *wire.Entries, a *wire.Attr, asked int64, lost uint64) *kept {
	l := &kept{whole: true, asked: asked, lost: lost, mtime: a.Mtime, ctime: a.Ctime}
	l.settled = time.Now().UnixNano()-max(a.Mtime, a.Ctime) > settleTime
	l.entries.Store(entries)
	l.checked.Store(asked)
	return l
}

// addEarly keeps a list that came early until there are too many younger ones.
func (s *lists) addEarly(l *kept) {
	l.early.Store(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.ring[s.next]; old != nil && old.early.Load() && old.entries.Swap(nil) != nil {
		s.unread.Add(1)
	}
	s.ring[s.next] = l
	s.next = (s.next + 1) % mostEarly
}

// use notes that l is read, and makes room for it.
func (s *lists) use(l *kept) {
	entries := l.entries.Load()
	if entries == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.place != nil {
		s.order.MoveToBack(l.place)
		return
	}
	l.place = s.order.PushBack(l)
	for s.size += entries.Size() + keptSize; s.size > mostKept; {
		s.dropLocked(s.order.Front().Value.(*kept))
	}
}

// drop forgets l's entries.
func (s *lists) drop(l *kept) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropLocked(l)
}

func (s *lists) dropLocked(l *kept) {
	entries := l.entries.Swap(nil)
	if l.place != nil {
		s.order.Remove(l.place)
		l.place = nil
		if entries != nil {
			s.size -= entries.Size() + keptSize
		}
	}
}

// wasRead counts a directory that was read.
func (s *lists) wasRead(n int32) {
	if s.unread.Load() > 0 {
		s.unread.Add(-n)
	}
}

// old returns l and lists that were read after it and have to be checked as well: the more, the longer they are
// read again in that order.
func (s *lists) old(l *kept, now int64) []*kept {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.batch *= 2; l != s.expected {
		s.batch = firstChecked
	}
	s.batch, s.expected = min(s.batch, wire.MaxAttrs), nil
	all := make([]*kept, 1, s.batch)
	all[0] = l
	if l.place == nil {
		return all
	}
	for e := l.place.Next(); e != nil; e = e.Next() {
		if len(all) == s.batch {
			s.expected = e.Value.(*kept)
			break
		}
		if next := e.Value.(*kept); next.whole && next.settled && now-next.checked.Load() > checkTime {
			all = append(all, next)
		}
	}
	return all
}

// check asks the gofer whether directories are as they were when they were listed: l's, and others that
// will be read next. Lists that hold no longer are dropped.
func (m *mount) check(l *kept) {
	now := m.c.now()
	all := m.lists.old(l, now)
	req := wire.ForgetReq{IDs: make([]uint64, len(all))}
	for i, l := range all {
		req.IDs[i] = l.dir
	}
	var reply wire.Attrs
	_, errno := m.c.conn.request(wire.OpGetattrs, &req, &reply)
	for i, l := range all {
		if errno != 0 || i >= len(reply.List) || reply.List[i].Mtime != l.mtime || reply.List[i].Ctime != l.ctime {
			m.lists.drop(l)
			continue
		}
		l.checked.Store(now)
	}
}

// read returns the entries of l, which is whole, for a program that reads the directory: nil if they do not
// hold.
func (m *mount) read(l *kept) *wire.Entries {
	if l.entries.Load() == nil {
		return nil
	}
	now := m.c.now()
	if l.early.Load() {
		if l.early.Swap(false) && now-l.asked > listTime {
			m.lists.drop(l)
			return nil
		}
		m.lists.wasRead(2)
		m.lists.used.Add(1)
	} else if now-l.checked.Load() > checkTime {
		if !l.settled {
			m.lists.drop(l)
			return nil
		}
		m.check(l)
	}
	m.lists.use(l)
	return l.entries.Load()
}
