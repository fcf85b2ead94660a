package vfs

import (
	"sync"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/lock"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Events of inotify(7).
const (
	InAccess       uint32 = 0x1
	InModify       uint32 = 0x2
	InAttrib       uint32 = 0x4
	InCloseWrite   uint32 = 0x8
	InCloseNowrite uint32 = 0x10
	InOpen         uint32 = 0x20
	InMovedFrom    uint32 = 0x40
	InMovedTo      uint32 = 0x80
	InCreate       uint32 = 0x100
	InDelete       uint32 = 0x200
	InDeleteSelf   uint32 = 0x400
	InMoveSelf     uint32 = 0x800
	InUnmount      uint32 = 0x2000
	InQOverflow    uint32 = 0x4000
	InIgnored      uint32 = 0x8000
	InOnlydir      uint32 = 0x1000000
	InDontFollow   uint32 = 0x2000000
	InExclUnlink   uint32 = 0x4000000
	InMaskCreate   uint32 = 0x10000000
	InMaskAdd      uint32 = 0x20000000
	InIsDir        uint32 = 0x40000000
	InOneshot      uint32 = 0x80000000
	InAllEvents    uint32 = 0xfff
)

// watchList is the watches on one inode.
type watchList struct {
	some atomic.Bool // false: nobody watches, Notify has nothing to do
	mu   lock.Mutex[lock.Inotify]
	list []*Watch
	dirs []*dirNotice
}

// changed is called after a change with mu held.
func (l *watchList) changed() {
	l.some.Store(len(l.list)+len(l.dirs) > 0)
	tellChange(false)
}

// Watch is one watch of an Inotify on an inode.
type Watch struct {
	n     *Inotify
	inode *Inode
	wd    int32
	mask  uint32 // guarded by inode.watches.mu
}

// maxQueued is /proc/sys/fs/inotify/max_queued_events.
const maxQueued = 16384

// maxWatches is /proc/sys/fs/inotify/max_user_watches.
const maxWatches = 1 << 17

// Inotify is an inotify instance.
type Inotify struct {
	queue wait.Queue

	mu      sync.Mutex
	events  []inotifyEvent
	watches map[int32]*Watch
	lastWD  int32
}

type inotifyEvent struct {
	wd           int32
	mask, cookie uint32
	name         string
}

// size is how many bytes the event takes: the name padded to a multiple of 16.
func (e *inotifyEvent) size() int {
	if e.name == "" {
		return 16
	}
	return 16 + (len(e.name)+1+15)&^15
}

// NewInotify returns an instance without watches.
func NewInotify() *Inotify { return &Inotify{watches: map[int32]*Watch{}} }

var lastCookie atomic.Uint32

func nextCookie() uint32 { return lastCookie.Add(1) }

// inChanges are events of names and of who may open a file. But for InCreate, a path may not lead where it did.
const (
	inNames   = InAttrib | InDelete | InDeleteSelf | InMovedFrom | InMovedTo | InMoveSelf | InUnmount
	inChanges = inNames | InCreate
)

// Notify tells those who watch i. name is empty for what happens to i itself.
func (i *Inode) Notify(event uint32, name string, cookie uint32) {
	if event&inChanges != 0 {
		tellChange(event&inNames != 0)
	}
	if event&^InIsDir == 0 || !i.watches.some.Load() {
		return
	}
	i.watches.mu.Lock()
	var once []*Watch
	for _, w := range i.watches.list {
		if event&w.mask&InAllEvents != 0 || event&(InUnmount|InIgnored) != 0 {
			w.n.add(inotifyEvent{w.wd, event, cookie, name})
			if w.mask&InOneshot != 0 {
				once = append(once, w)
			}
		}
	}
	i.watches.tellDirs(event, name)
	i.watches.mu.Unlock()
	for _, w := range once {
		w.n.Remove(w.wd)
	}
}

// notify tells the watchers of what is at p and of the directory that it is in.
func (p Path) notify(event uint32) {
	d := p.Dentry
	i := d.Inode()
	if i.IsDir() {
		event |= InIsDir
	}
	if up := d.parent.Load(); up != nil {
		if dir := up.Inode(); dir != nil && dir.watches.some.Load() {
			dir.Notify(event, d.Name(), 0)
		}
	}
	i.Notify(event, "", 0)
}

func (f *File) notify(event uint32) { f.Path.notify(event) }

// deleted tells watchers that i has lost its last name, and ends their watches.
func (i *Inode) deleted() {
	if !i.watches.some.Load() {
		return
	}
	i.Notify(InDeleteSelf, "", 0)
	i.watches.mu.Lock()
	list := append([]*Watch(nil), i.watches.list...)
	i.watches.mu.Unlock()
	for _, w := range list {
		w.n.Remove(w.wd)
	}
}

// add queues an event, joined with an equal last one.
func (n *Inotify) add(e inotifyEvent) {
	n.mu.Lock()
	switch k := len(n.events); {
	case k > 0 && n.events[k-1] == e:
	case k >= maxQueued:
		if n.events[k-1].mask != InQOverflow {
			n.events = append(n.events, inotifyEvent{wd: -1, mask: InQOverflow})
		}
	default:
		n.events = append(n.events, e)
	}
	n.mu.Unlock()
	n.queue.Notify(wait.In)
}

// Add is inotify_add_watch(2) on the inode; the instance keeps a reference on it.
func (n *Inotify) Add(i *Inode, mask uint32) (int32, linux.Errno) {
	i.watches.mu.Lock() // before n.mu, as in Notify
	defer i.watches.mu.Unlock()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.watches == nil { // another thread has closed it meanwhile
		return 0, linux.EBADF
	}
	for _, w := range i.watches.list {
		if w.n != n {
			continue
		}
		if mask&InMaskCreate != 0 {
			return 0, linux.EEXIST
		}
		if mask&InMaskAdd != 0 {
			mask |= w.mask
		}
		w.mask = mask
		return w.wd, 0
	}
	if len(n.watches) >= maxWatches {
		return 0, linux.ENOSPC
	}
	n.lastWD++
	i.Get()
	w := &Watch{n: n, inode: i, wd: n.lastWD, mask: mask}
	n.watches[w.wd] = w
	i.watches.list = append(i.watches.list, w)
	i.watches.changed()
	return w.wd, 0
}

// Remove is inotify_rm_watch(2): IN_IGNORED is the last event of the watch.
func (n *Inotify) Remove(wd int32) linux.Errno {
	n.mu.Lock()
	w := n.watches[wd]
	delete(n.watches, wd)
	n.mu.Unlock()
	if w == nil {
		return linux.EINVAL
	}
	w.detach()
	n.add(inotifyEvent{wd: wd, mask: InIgnored})
	return 0
}

// detach takes w off its inode.
func (w *Watch) detach() {
	l := &w.inode.watches
	l.mu.Lock()
	for k, o := range l.list {
		if o == w {
			l.list = append(l.list[:k:k], l.list[k+1:]...)
			break
		}
	}
	l.changed()
	l.mu.Unlock()
	w.inode.Put()
}

// Stream marks it as without a position.
func (n *Inotify) Stream() {}

// Read returns whole events; EINVAL if not even the first fits.
func (n *Inotify) Read(_ Ctx, _ *File, dst *usermem.Buf, _ int64) (int, linux.Errno) {
	n.mu.Lock()
	if len(n.events) == 0 {
		n.mu.Unlock()
		return 0, linux.EAGAIN
	}
	var out []byte
	taken := 0
	for _, e := range n.events {
		if len(out)+e.size() > dst.Len() {
			break
		}
		b := make([]byte, e.size())
		putU32(b, uint32(e.wd))
		putU32(b[4:], e.mask)
		putU32(b[8:], e.cookie)
		putU32(b[12:], uint32(len(b)-16))
		copy(b[16:], e.name)
		out = append(out, b...)
		taken++
	}
	if taken == 0 {
		n.mu.Unlock()
		return 0, linux.EINVAL
	}
	n.events = append(n.events[:0:0], n.events[taken:]...)
	n.mu.Unlock()
	return dst.CopyOut(out)
}

func putU32(b []byte, v uint32) {
	b[0], b[1], b[2], b[3] = byte(v), byte(v>>8), byte(v>>16), byte(v>>24)
}

// Write is not possible.
func (n *Inotify) Write(Ctx, *File, *usermem.Buf, int64) (int, linux.Errno) { return 0, linux.EBADF }

// Ioctl tells how many bytes can be read (FIONREAD).
func (n *Inotify) Ioctl(ctx Ctx, _ *File, cmd uint32, arg uint64) (uintptr, linux.Errno) {
	if cmd != linux.FIONREAD {
		return 0, linux.ENOTTY
	}
	n.mu.Lock()
	sum := 0
	for i := range n.events {
		sum += n.events[i].size()
	}
	n.mu.Unlock()
	return 0, usermem.CopyOutInt(ctx.Space(), usermem.Addr(arg), int32(sum))
}

// Poll tells whether there are events.
func (n *Inotify) Poll(*File) wait.Event {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.events) > 0 {
		return wait.In
	}
	return 0
}

// Queue is notified of new events.
func (n *Inotify) Queue(*File) *wait.Queue { return &n.queue }

// Release ends all watches.
func (n *Inotify) Release(*File) {
	n.mu.Lock()
	list := n.watches
	n.watches = nil
	n.events = nil
	n.mu.Unlock()
	for _, w := range list {
		w.detach()
	}
}
