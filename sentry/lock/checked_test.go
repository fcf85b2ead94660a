//go:build lockranks

package lock

import "testing"

func panics(f func()) (text any) {
	defer func() { text = recover() }()
	f()
	return nil
}

// TestChecked: what is out of order panics, and nothing else.
func TestChecked(t *testing.T) {
	var tasks RWMutex[Tasks]
	var group, other Mutex[Group]
	var parent, child RWMutex[Memory]
	for name, c := range map[string]struct {
		f    func()
		want any
	}{
		"in order":     {func() { tasks.RLock(); group.Lock(); group.Unlock(); tasks.RUnlock() }, nil},
		"out of order": {func() { group.Lock(); defer group.Unlock(); tasks.Lock() }, "lock: lock.Tasks taken under lock.Group"},
		"same rank":    {func() { group.Lock(); defer group.Unlock(); other.Lock() }, "lock: lock.Group taken under lock.Group"},
		"nesting":      {func() { parent.Lock(); child.Lock(); parent.Unlock(); child.Unlock() }, nil},
		"twice":        {func() { parent.Lock(); defer parent.Unlock(); parent.RLock() }, "lock: lock.Memory taken twice"},
		"tried":        {func() { group.Lock(); defer group.Unlock(); tasks.TryLock(); tasks.Unlock() }, nil},
		"released by other": {func() {
			group.Lock()
			done := make(chan bool)
			go func() { group.Unlock(); close(done) }()
			<-done
			tasks.Lock()
			tasks.Unlock()
		}, nil},
	} {
		if got := panics(c.f); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	for i := range held {
		if len(held[i].by) != 0 {
			t.Errorf("held at the end: %v", held[i].by)
		}
	}
}
