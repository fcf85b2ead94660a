package main

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/gofer/wire"
)

// under looks up what is below the directories that a walk has found and listed, each before those beside it:
// that is the order in which a program goes through a tree.
type under struct {
	s     *server
	r     *reply
	flags uint32
	out   []wire.Under
	room  *int // left in the frame
}

// inner marks an index that counts from the first of what is below.
const inner = 1 << 31

// found returns what was looked up below that many steps.
func (u *under) found(steps int) []wire.Under {
	for i := range u.out {
		if in := &u.out[i].In; *in&inner != 0 {
			*in += uint32(steps) - inner
		}
	}
	return u.out
}

// enter looks up the entries of dir, which is step in or has that mark; false if there is no room for more.
func (u *under) enter(dir *node, in uint32, entries wire.Entries) bool {
	if u.flags&wire.ByIno != 0 {
		entries = *entries.ByIno()
	}
	for i := range entries.Len() {
		e := entries.At(i)
		if u.flags&wire.Dirs != 0 && e.Type != linux.DT_DIR {
			continue
		}
		if len(u.out) == wire.MaxUnder || *u.room < stepRoom {
			return false
		}
		opens := u.flags&(wire.OpenRead|wire.OpenWrite) != 0
		if opens && e.Type == linux.DT_REG && len(u.r.fds) == wire.MaxFDs {
			return false // it is going to be opened, and would be asked for again
		}
		step := wire.Under{In: in, Name: e.Name}
		n, errno := u.s.find(dir, e.Name, u.flags, u.r, &step.File)
		if errno == linux.ENFILE {
			return false
		}
		if errno != 0 {
			continue // it is gone, or whoever needs it hears why
		}
		u.s.list(n, &step.Step)
		at := uint32(len(u.out)) | inner
		u.out = append(u.out, step)
		*u.room -= step.Size() + len(e.Name) + 8
		more := !step.Listed || u.enter(n, at, step.Entries)
		n.put()
		if !more {
			return false
		}
	}
	return true
}
