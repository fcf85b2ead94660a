package ipc

import (
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/lock"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Caller is who asks.
type Caller interface {
	Cred() *auth.Cred
	Waiter() *wait.Waiter
	PID() int32 // in its own PID namespace
	Now() int64 // CLOCK_REALTIME, ns
}

const capIPCOwner, capSysAdmin, capSysResource = 15, 21, 24

// Namespace is an IPC namespace.
type Namespace struct {
	Limits Limits
	userNS *auth.UserNS

	mu   lock.Mutex[lock.IPC]
	sems table[*Set]
	msgs table[*Msgs]
	shms table[*Segment]
}

// NewNamespace returns an empty namespace owned by ns.
func NewNamespace(ns *auth.UserNS) *Namespace {
	n := &Namespace{userNS: ns}
	n.Limits.init()
	return n
}

// Perm says whose an object is (struct kern_ipc_perm). Guarded by the object's lock, but for Key
// and ID, which never change.
type Perm struct {
	Key, ID   int32
	UID, CUID auth.UID
	GID, CGID auth.GID
	Mode      uint32
	CtimeSec  int64
	userNS    *auth.UserNS
	removed   bool
	seq       uint16
}

// Seq is the sequence number of the identifier.
func (p *Perm) Seq() uint16 { return p.seq }

// may checks access for want, permission bits as in the lowest three of a mode
// (ipc/util.c, ipcperms).
func (p *Perm) may(c *auth.Cred, want uint32) linux.Errno {
	mode := p.Mode
	switch {
	case c.Euid == p.CUID || c.Euid == p.UID:
		mode >>= 6
	case c.InGroup(p.CGID) || c.InGroup(p.GID):
		mode >>= 3
	}
	if want&^mode&7 != 0 && !c.HasIn(p.userNS, capIPCOwner) {
		return linux.EACCES
	}
	return 0
}

// owns checks whether c may change or remove the object (ipcctl_obtain_check).
func (p *Perm) owns(c *auth.Cred) linux.Errno {
	if c.Euid == p.CUID || c.Euid == p.UID || c.HasIn(p.userNS, capSysAdmin) {
		return 0
	}
	return linux.EPERM
}

// set is IPC_SET.
func (p *Perm) set(c Caller, uid auth.UID, gid auth.GID, mode uint32) linux.Errno {
	if errno := p.owns(c.Cred()); errno != 0 {
		return errno
	}
	p.UID, p.GID = uid, gid
	p.Mode = p.Mode&^0o777 | mode&0o777
	p.CtimeSec = c.Now() / int64(time.Second)
	return 0
}

// object is what a table holds.
type object interface {
	comparable
	perm() *Perm
}

// maxIndex is IPCMNI: an identifier is seq*maxIndex + index.
const maxIndex = 32768

// table holds the objects of one kind. Guarded by Namespace.mu.
type table[T object] struct {
	slots []T // by index; the zero T is free
	used  int
	keys  map[int32]T
	seq   uint16
	next  int // where to look for a free slot
}

// add gives o an identifier; false if there are limit already.
func (t *table[T]) add(o T, limit int) bool {
	if t.used >= limit {
		return false
	}
	index := t.free()
	for len(t.slots) <= index {
		var free T
		t.slots = append(t.slots, free)
	}
	t.slots[index] = o
	if index < t.next {
		t.seq = (t.seq + 1) & 0x7fff
	}
	t.next = index + 1
	p := o.perm()
	p.seq = t.seq
	p.ID = int32(t.seq)*maxIndex + int32(index)
	if p.ID < 0 {
		p.ID &= 0x7fffffff
	}
	if p.Key != linux.IPC_PRIVATE {
		if t.keys == nil {
			t.keys = make(map[int32]T)
		}
		t.keys[p.Key] = o
	}
	t.used++
	return true
}

// free is the index of the next object: the first free one after the last that was given,
// beginning again only once there are more than enough (ipc_idr_alloc, ipc_min_cycle).
func (t *table[T]) free() int {
	const minCycle = 64
	var none T
	most := min(max(t.used*3/2, minCycle), maxIndex)
	for n, i := 0, t.next; n <= most; n, i = n+1, i+1 {
		if i >= most {
			i = 0
		}
		if i >= len(t.slots) || t.slots[i] == none {
			return i
		}
	}
	return len(t.slots) // not reached: less than two thirds are in use
}

// remove takes o out.
func (t *table[T]) remove(o T) {
	var free T
	p := o.perm()
	if i := int(p.ID % maxIndex); i < len(t.slots) && t.slots[i] == o {
		t.slots[i] = free
		t.used--
	}
	t.dropKey(o)
}

// dropKey makes o unfindable by key (a segment marked for destruction).
func (t *table[T]) dropKey(o T) {
	if p := o.perm(); p.Key != linux.IPC_PRIVATE && t.keys[p.Key] == o {
		delete(t.keys, p.Key)
	}
}

// byID finds an object by identifier: EINVAL if there is none.
func (t *table[T]) byID(id int32) (T, linux.Errno) {
	var none T
	if id < 0 || int(id%maxIndex) >= len(t.slots) {
		return none, linux.EINVAL
	}
	o := t.slots[id%maxIndex]
	if o == none {
		return none, linux.EINVAL
	}
	if o.perm().ID != id {
		return none, linux.EIDRM
	}
	return o, 0
}

// byIndex finds the object at index for SEM_STAT and the like.
func (t *table[T]) byIndex(index int32) (T, linux.Errno) {
	var none T
	if index < 0 || int(index) >= len(t.slots) || t.slots[index] == none {
		return none, linux.EINVAL
	}
	return t.slots[index], 0
}

// highest is the largest index in use, 0 if none: what IPC_INFO returns.
func (t *table[T]) highest() int32 {
	var none T
	for i := len(t.slots) - 1; i > 0; i-- {
		if t.slots[i] != none {
			return int32(i)
		}
	}
	return 0
}

// get finds or makes the object of key (ipc/util.c, ipcget). fits checks an object that
// exists already; make returns a new one. The namespace is locked.
func (t *table[T]) get(c Caller, key int32, flags uint32, limit int, fits func(T) linux.Errno, make func(Perm) (T, linux.Errno), ns *auth.UserNS) (int32, linux.Errno) {
	if key != linux.IPC_PRIVATE {
		if o, ok := t.keys[key]; ok {
			switch {
			case flags&linux.IPC_CREAT != 0 && flags&linux.IPC_EXCL != 0:
				return 0, linux.EEXIST
			}
			if errno := fits(o); errno != 0 {
				return 0, errno
			}
			want := flags>>6 | flags>>3 | flags
			if errno := o.perm().may(c.Cred(), want&7); errno != 0 {
				return 0, errno
			}
			return o.perm().ID, 0
		}
		if flags&linux.IPC_CREAT == 0 {
			return 0, linux.ENOENT
		}
	}
	cred := c.Cred()
	o, errno := make(Perm{Key: key, UID: cred.Euid, CUID: cred.Euid, GID: cred.Egid, CGID: cred.Egid,
		Mode: flags & 0o777, CtimeSec: c.Now() / int64(time.Second), userNS: ns})
	if errno != 0 {
		return 0, errno
	}
	if !t.add(o, limit) {
		return 0, linux.ENOSPC
	}
	return o.perm().ID, 0
}
