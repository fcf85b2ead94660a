//go:build lockranks

package lock

import (
	"bytes"
	"fmt"
	"reflect"
	"runtime"
	"strconv"
	"sync"
)

// Mutex is a sync.Mutex of rank R.
type Mutex[R any] struct{ mu sync.Mutex }

// Lock locks m. It panics if the goroutine holds a lock of an inner rank.
func (m *Mutex[R]) Lock() { take[R](m); m.mu.Lock() }

// Unlock unlocks m.
func (m *Mutex[R]) Unlock() { m.mu.Unlock(); give(m) }

// TryLock locks m if that can be done at once; so it may be out of order.
func (m *Mutex[R]) TryLock() bool {
	ok := m.mu.TryLock()
	if ok {
		note[R](m)
	}
	return ok
}

// RWMutex is a sync.RWMutex of rank R.
type RWMutex[R any] struct{ mu sync.RWMutex }

// Lock locks m for writing. It panics if the goroutine holds a lock of an inner rank.
func (m *RWMutex[R]) Lock() { take[R](m); m.mu.Lock() }

// Unlock unlocks m.
func (m *RWMutex[R]) Unlock() { m.mu.Unlock(); give(m) }

// RLock locks m for reading. It panics if the goroutine holds a lock of an inner rank.
func (m *RWMutex[R]) RLock() { take[R](m); m.mu.RLock() }

// RUnlock unlocks m.
func (m *RWMutex[R]) RUnlock() { m.mu.RUnlock(); give(m) }

// TryLock locks m if that can be done at once; so it may be out of order.
func (m *RWMutex[R]) TryLock() bool {
	ok := m.mu.TryLock()
	if ok {
		note[R](m)
	}
	return ok
}

// TryRLock is TryLock for reading.
func (m *RWMutex[R]) TryRLock() bool {
	ok := m.mu.TryRLock()
	if ok {
		note[R](m)
	}
	return ok
}

// holding is a lock that a goroutine holds.
type holding struct {
	rank int
	lock any
}

// held are the locks of all goroutines, by their number, in shards.
var held [64]struct {
	sync.Mutex
	by map[uint64][]holding
}

var ranks = func() map[reflect.Type]int {
	m := map[reflect.Type]int{}
	for i, r := range Order {
		m[reflect.TypeOf(r)] = i
	}
	return m
}()

// take checks that a lock of rank R may be taken now, and notes it.
func take[R any](lock any) {
	t := reflect.TypeFor[R]()
	mine, ok := ranks[t]
	if !ok {
		panic(fmt.Sprintf("lock: %v is not in Order", t))
	}
	_, nests := any(*new(R)).(nesting)
	g := goroutine()
	s := &held[g%64]
	s.Lock()
	for _, h := range s.by[g] {
		if h.lock == lock {
			s.Unlock()
			panic(fmt.Sprintf("lock: %v taken twice", t))
		}
		if h.rank > mine || h.rank == mine && !nests {
			s.Unlock()
			panic(fmt.Sprintf("lock: %v taken under %T", t, Order[h.rank]))
		}
	}
	s.Unlock()
	note[R](lock)
}

func note[R any](lock any) {
	g := goroutine()
	s := &held[g%64]
	s.Lock()
	if s.by == nil {
		s.by = map[uint64][]holding{}
	}
	s.by[g] = append(s.by[g], holding{ranks[reflect.TypeFor[R]()], lock})
	s.Unlock()
}

// give forgets a lock. One that another goroutine took is forgotten there.
func give(lock any) {
	g := goroutine()
	if drop(g, lock) {
		return
	}
	for i := range held {
		s := &held[i]
		s.Lock()
		var all []uint64
		for g := range s.by {
			all = append(all, g)
		}
		s.Unlock()
		for _, g := range all {
			if drop(g, lock) {
				return
			}
		}
	}
}

func drop(g uint64, lock any) bool {
	s := &held[g%64]
	s.Lock()
	defer s.Unlock()
	list := s.by[g]
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].lock != lock {
			continue
		}
		if list = append(list[:i:i], list[i+1:]...); len(list) == 0 {
			delete(s.by, g)
		} else {
			s.by[g] = list
		}
		return true
	}
	return false
}

// goroutine is the number of the calling goroutine, of which the runtime tells only in a trace.
func goroutine() uint64 {
	var b [64]byte
	text := bytes.TrimPrefix(b[:runtime.Stack(b[:], false)], []byte("goroutine "))
	number, _, _ := bytes.Cut(text, []byte(" "))
	n, err := strconv.ParseUint(string(number), 10, 64)
	if err != nil {
		panic("lock: no goroutine number in " + string(b[:]))
	}
	return n
}
