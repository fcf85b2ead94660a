package vfs

import (
	"sync"
	"sync/atomic"
)

// Cached dentries that nobody uses go when there are too many, or when a file system can hold no more of what
// their inodes hold: those that were looked up longest ago first, and no more than needed. So who goes through a
// tree that just fits finds it whole the next time.

// dentries counts the cached ones of all file systems; past pruneAt a look-up prunes.
var (
	dentries atomic.Int64
	pruneAt  atomic.Int64
	pruning  sync.Mutex
)

const (
	maxDentries = 100_000 // how many there should be at most, not counting those in use
	fewDentries = maxDentries * 9 / 10
)

func init() { pruneAt.Store(maxDentries) }

// entered counts what was ever entered in the cache. An age is 1,024 of them: the clock by which look-ups are
// older or younger than others.
var entered atomic.Uint64

const (
	ageShift = 10
	ages     = 256 // that are told apart; what is older is as old
)

func now() uint32 { return uint32(entered.Load() >> ageShift) }

// touched notes that d was looked up.
func (d *Dentry) touched() {
	if t := now(); d.used.Load() != t {
		d.used.Store(t)
	}
}

// age is how long ago d was looked up last.
func (d *Dentry) age(now uint32) uint32 { return min(now-d.used.Load(), ages-1) }

// supers are the file systems that are mounted.
var supers struct {
	sync.Mutex
	live map[*Super]struct{}
}

// liveSupers returns the mounted file systems with a reference on each.
func liveSupers() []*Super {
	supers.Lock()
	defer supers.Unlock()
	list := make([]*Super, 0, len(supers.live))
	for sb := range supers.live {
		sb.users.Add(1)
		list = append(list, sb)
	}
	return list
}

// prune drops dentries until a tenth of the maximum is free. If too many are in use, it waits until there are a
// tenth more.
func prune() {
	if !pruning.TryLock() {
		return
	}
	defer pruning.Unlock()
	Shrink(dentries.Load()-fewDentries, func() bool { return dentries.Load() < fewDentries })
	pruneAt.Store(max(maxDentries, dentries.Load()+maxDentries/10))
}

// Shrink drops cached dentries that nobody uses, and with them what their inodes hold, until enough says so or
// there are no more. n is how many that may take. The caller may hold what look-ups hold.
func Shrink(n int64, enough func() bool) {
	for n = max(n, 1); !enough(); {
		before, t := dentries.Load(), now()
		oldest := oldestOf(n, t)
		for _, sb := range liveSupers() {
			sb.root.pruneBelow(t, oldest, enough)
			sb.put()
		}
		// Those of an overlay hold others below, which go in the next round.
		switch gone := before - dentries.Load(); {
		case oldest == 0 && gone <= 0:
			return
		case gone < n/2: // the others are in use
			n *= 4
		}
	}
}

// oldestOf returns from what age on there are n dentries, 0 if there are fewer in all.
func oldestOf(n int64, now uint32) uint32 {
	var count [ages]int64
	for _, sb := range liveSupers() {
		sb.root.eachBelow(func(_, c *Dentry) { count[c.age(now)]++ }, never)
		sb.put()
	}
	for age := uint32(ages - 1); age > 0; age-- {
		if n -= count[age]; n <= 0 {
			return age
		}
	}
	return 0
}

func never() bool { return false }

// pruneBelow drops what nobody uses below d and is of that age or older.
func (d *Dentry) pruneBelow(now, oldest uint32, enough func() bool) {
	d.eachBelow(func(parent, c *Dentry) {
		if c.age(now) >= oldest {
			parent.drop(c)
		}
	}, enough)
}

// pruneAll drops every cached dentry below d that nobody uses.
func (d *Dentry) pruneAll() { d.pruneBelow(0, 0, never) }

// eachBelow calls f for each cached dentry below d, with a reference, leaves first, until stop says so. The
// depth of a tree is the application's choice: there is no recursion.
func (d *Dentry) eachBelow(f func(parent, c *Dentry), stop func() bool) {
	type level struct {
		d    *Dentry
		todo []*Dentry
	}
	stack := []level{{d, d.held()}}
	stopped := false
	for {
		top := &stack[len(stack)-1]
		if n := len(top.todo); n > 0 {
			c := top.todo[n-1]
			top.todo = top.todo[:n-1]
			if stopped {
				c.Put()
				continue
			}
			stack = append(stack, level{c, c.held()})
			continue
		}
		if len(stack) == 1 {
			return
		}
		c := top.d
		stack = stack[:len(stack)-1]
		if stopped = stopped || stop(); !stopped {
			f(stack[len(stack)-1].d, c)
		}
		c.Put()
	}
}

// held returns the cached children with a reference on each.
func (d *Dentry) held() []*Dentry {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.children) == 0 {
		return nil
	}
	list := make([]*Dentry, 0, len(d.children))
	for _, c := range d.children {
		list = append(list, c)
		c.refs.Inc()
	}
	return list
}

// drop takes the child c out of the cache if nobody but the caller uses it.
func (d *Dentry) drop(c *Dentry) {
	d.mu.Lock()
	gone := c.parent.Load() == d && c.hashed && c.mounts.Load() == 0 && c.refs.Refs() == 2
	if gone {
		delete(d.children, c.name)
		c.hashed = false
	}
	d.mu.Unlock()
	if gone {
		dentries.Add(-1)
		c.Put()
	}
}
