package syscalls

import (
	"encoding/binary"
	"sync"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

func init() {
	register(rows{
		linux.SYS_POLL:              {"poll", "hex uint int", poll, ""},
		linux.SYS_PPOLL:             {"ppoll", "hex uint ts sigset size", ppoll, ""},
		linux.SYS_SELECT:            {"select", "int hex hex hex hex", selectCall, ""},
		linux.SYS_PSELECT6:          {"pselect6", "int hex hex hex ts hex", pselect6, ""},
		linux.SYS_EPOLL_CREATE:      {"epoll_create", "int", epollCreate, ""},
		linux.SYS_EPOLL_CREATE1:     {"epoll_create1", "hex", epollCreate1, ""},
		linux.SYS_EPOLL_CTL:         {"epoll_ctl", "fd int fd hex", epollCtl, ""},
		linux.SYS_EPOLL_WAIT:        {"epoll_wait", "fd hex int int", epollWait, ""},
		linux.SYS_EPOLL_PWAIT:       {"epoll_pwait", "fd hex int int sigset size", epollPwait, ""},
		linux.SYS_EPOLL_PWAIT2:      {"epoll_pwait2", "fd hex int ts sigset size", epollPwait2, ""},
		linux.SYS_INOTIFY_INIT:      {"inotify_init", "", inotifyInit, ""},
		linux.SYS_INOTIFY_INIT1:     {"inotify_init1", "hex", inotifyInit1, ""},
		linux.SYS_INOTIFY_ADD_WATCH: {"inotify_add_watch", "fd path hex", inotifyAddWatch, ""},
		linux.SYS_INOTIFY_RM_WATCH:  {"inotify_rm_watch", "fd int", inotifyRmWatch, ""},
	})
}

// polled is one file of a poll or select.
type polled struct {
	f     *vfs.File
	want  wait.Event
	got   wait.Event
	entry wait.Entry
	queue *wait.Queue
}

// pollFiles waits until one of list is ready, or for deadline; with nonblock it only looks. It
// returns how many are ready. Entries without a file do not count. EINTR if interrupted.
func pollFiles(t *kernel.Task, list []polled, deadline time.Time, nonblock bool) (int, linux.Errno) {
	look := func() (n int) {
		for i := range list {
			p := &list[i]
			if p.f == nil {
				continue
			}
			if p.got = p.f.Poll() & (p.want | wait.Err | wait.Hup | wait.Nval); p.got != 0 {
				n++
			}
		}
		return n
	}
	if n := look(); n > 0 {
		return n, 0
	}
	if nonblock {
		if t.Waiter().Interrupted() {
			return 0, linux.ERESTARTSYS
		}
		return 0, 0
	}
	w := t.Waiter()
	for i := range list {
		p := &list[i]
		if p.f == nil {
			continue
		}
		if p.queue = p.f.PollQueue(); p.queue != nil {
			p.entry.Wake = func(*wait.Entry, wait.Event) { w.Wake() }
			p.queue.Register(&p.entry, p.want|wait.Err|wait.Hup)
		}
	}
	defer func() {
		for i := range list {
			if q := list[i].queue; q != nil {
				q.Unregister(&list[i].entry)
			}
		}
	}()
	for {
		if n := look(); n > 0 {
			return n, 0
		}
		switch errno := w.Sleep(deadline); errno {
		case 0:
		case linux.ETIMEDOUT:
			return look(), 0
		default:
			return 0, errno
		}
	}
}

// doPoll is poll(2) over struct pollfds at addr.
func doPoll(t *kernel.Task, addr usermem.Addr, n uint32, deadline time.Time, nonblock bool) (uintptr, linux.Errno) {
	if uint64(n) > t.Limit(linux.RLIMIT_NOFILE) {
		return 0, linux.EINVAL
	}
	fds, errno := usermem.CopyInSlice[linux.Pollfd](t.Space(), addr, int(n))
	if errno != 0 {
		return 0, errno
	}
	list := make([]polled, n)
	bad := 0
	for i := range fds {
		fds[i].Revents = 0
		if fds[i].FD < 0 {
			continue
		}
		f, errno := t.File(fds[i].FD)
		if errno != 0 {
			fds[i].Revents = int16(wait.Nval)
			bad++
			continue
		}
		defer f.Put()
		list[i].f, list[i].want = f, wait.Event(uint16(fds[i].Events))
	}
	ready, errno := pollFiles(t, list, deadline, nonblock || bad > 0)
	if errno != 0 {
		return 0, errno
	}
	for i := range list {
		if list[i].f != nil {
			fds[i].Revents = int16(list[i].got)
		}
	}
	for i := range fds {
		if errno := usermem.CopyOutInt(t.Space(), addr+usermem.Addr(i*8+6), fds[i].Revents); errno != 0 {
			return 0, errno
		}
	}
	return uintptr(ready + bad), 0
}

// millis turns the time-out of poll and epoll_wait into a deadline.
func millis(ms int32) (deadline time.Time, zero bool) {
	if ms < 0 {
		return wait.Forever, false
	}
	return deadlineAfter(int64(ms) * 1_000_000), ms == 0
}

// poll is poll(2). Interrupted, it goes on by restart_syscall(2).
func poll(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	deadline, zero := millis(a.Int(2))
	addr, n := a.Addr(0), a.Uint(1)
	return pollUntil(t, addr, n, deadline, zero)
}

func pollUntil(t *kernel.Task, addr usermem.Addr, n uint32, deadline time.Time, zero bool) (uintptr, linux.Errno) {
	r, errno := doPoll(t, addr, n, deadline, zero)
	if errno == linux.ERESTARTSYS {
		t.SetRestart(func(t *kernel.Task) (uintptr, linux.Errno) { return pollUntil(t, addr, n, deadline, zero) })
		errno = linux.ERESTART_RESTARTBLOCK
	}
	return r, errno
}

// withMask runs f with another signal mask: the old one comes back with its result, or after the
// handler that ended it.
func withMask(t *kernel.Task, addr usermem.Addr, size uint64, f func() (uintptr, linux.Errno)) (uintptr, linux.Errno) {
	if addr == 0 {
		r, errno := f()
		if errno == linux.ERESTARTSYS {
			errno = linux.ERESTARTNOHAND
		}
		return r, errno
	}
	mask, errno := sigset(t, addr, size)
	if errno != 0 {
		return 0, errno
	}
	t.SwapMask(mask)
	r, errno := f()
	if errno == linux.ERESTARTSYS {
		errno = linux.ERESTARTNOHAND
	}
	t.UnswapMask(errno)
	return r, errno
}

// storeLeft stores the time that is left of a time-out, which Linux does unless the call fails in
// another way than by a signal. Errors are of no consequence.
func storeLeft(t *kernel.Task, addr usermem.Addr, deadline time.Time) {
	if addr == 0 || t.Personality()&0x4000000 != 0 {
		return
	}
	left := linux.TimespecOf(max(int64(time.Until(deadline)), 0))
	usermem.CopyOut(t.Space(), addr, &left)
}

// ppoll is ppoll(2).
func ppoll(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	deadline, zero, errno := timeout(t, a.Addr(2))
	if errno != 0 {
		return 0, errno
	}
	r, errno := withMask(t, a.Addr(3), a.Size(4), func() (uintptr, linux.Errno) {
		return doPoll(t, a.Addr(0), a.Uint(1), deadline, zero)
	})
	storeLeft(t, a.Addr(2), deadline)
	return r, errno
}

// What select(2) takes for readable, writable and exceptional (fs/select.c).
const (
	selectIn  = wait.In | wait.Hup | wait.Err
	selectOut = wait.Out | wait.Err
	selectEx  = wait.Pri
)

// doSelect is select(2) over three sets of n bits.
func doSelect(t *kernel.Task, n int32, sets [3]usermem.Addr, deadline time.Time, zero bool) (uintptr, linux.Errno) {
	if n < 0 {
		return 0, linux.EINVAL
	}
	n = min(n, int32(t.Files().Size()))
	bytes := (int(n) + 63) / 64 * 8
	var in [3][]byte
	for i, addr := range sets {
		in[i] = make([]byte, bytes)
		if addr != 0 {
			if _, errno := t.Space().CopyIn(addr, in[i]); errno != 0 {
				return 0, errno
			}
		}
	}
	has := func(set []byte, fd int32) bool { return set[fd/8]&(1<<(fd%8)) != 0 }
	var list []polled
	var fds []int32
	defer func() {
		for i := range list {
			list[i].f.Put()
		}
	}()
	for fd := range n {
		var want wait.Event
		for i, e := range [3]wait.Event{wait.In, wait.Out, wait.Pri} {
			if has(in[i], fd) {
				want |= e
			}
		}
		if want == 0 {
			continue
		}
		f, errno := t.File(fd)
		if errno != 0 {
			return 0, errno
		}
		list, fds = append(list, polled{f: f, want: want}), append(fds, fd)
	}
	if _, errno := pollFiles(t, list, deadline, zero); errno != 0 {
		return 0, errno
	}
	var out [3][]byte
	count := uintptr(0)
	for i := range out {
		out[i] = make([]byte, bytes)
	}
	for k := range list {
		fd := fds[k]
		for i, e := range [3]wait.Event{selectIn, selectOut, selectEx} {
			if has(in[i], fd) && list[k].got&e != 0 {
				out[i][fd/8] |= 1 << (fd % 8)
				count++
			}
		}
	}
	for i, addr := range sets {
		if addr != 0 {
			if _, errno := t.Space().CopyOut(addr, out[i]); errno != 0 {
				return 0, errno
			}
		}
	}
	return count, 0
}

// selectCall is select(2).
func selectCall(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	deadline, zero := wait.Forever, false
	if p := a.Addr(4); p != 0 {
		tv, errno := usermem.CopyIn[linux.Timeval](t.Space(), p)
		if errno != 0 {
			return 0, errno
		}
		tv.Sec, tv.Usec = tv.Sec+tv.Usec/1_000_000, tv.Usec%1_000_000
		if tv.Sec < 0 || tv.Usec < 0 {
			return 0, linux.EINVAL
		}
		deadline, zero = deadlineAfter(tv.Nanos()), tv.Nanos() == 0
	}
	r, errno := doSelect(t, a.Int(0), [3]usermem.Addr{a.Addr(1), a.Addr(2), a.Addr(3)}, deadline, zero)
	if errno == linux.ERESTARTSYS {
		errno = linux.ERESTARTNOHAND
	}
	if p := a.Addr(4); p != 0 && t.Personality()&0x4000000 == 0 {
		left := linux.TimevalOf(max(int64(time.Until(deadline)), 0))
		usermem.CopyOut(t.Space(), p, &left)
	}
	return r, errno
}

// pselect6 is pselect(2): the sixth argument points to the mask's address and size.
func pselect6(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	deadline, zero, errno := timeout(t, a.Addr(4))
	if errno != 0 {
		return 0, errno
	}
	var mask [2]uint64
	if p := a.Addr(5); p != 0 {
		if errno := usermem.CopyInIntsTo(t.Space(), p, mask[:]); errno != 0 {
			return 0, errno
		}
	}
	r, errno := withMask(t, usermem.Addr(mask[0]), mask[1], func() (uintptr, linux.Errno) {
		return doSelect(t, a.Int(0), [3]usermem.Addr{a.Addr(1), a.Addr(2), a.Addr(3)}, deadline, zero)
	})
	storeLeft(t, a.Addr(4), deadline)
	return r, errno
}

// epollCreate is epoll_create(2).
func epollCreate(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Int(0) <= 0 {
		return 0, linux.EINVAL
	}
	return newEpoll(t, false)
}

// epollCreate1 is epoll_create1(2).
func epollCreate1(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Uint(0)&^linux.O_CLOEXEC != 0 {
		return 0, linux.EINVAL
	}
	return newEpoll(t, a.Uint(0) != 0)
}

func newEpoll(t *kernel.Task, cloexec bool) (uintptr, linux.Errno) {
	fd, errno := t.Install(vfs.AnonFile(t, "[eventpoll]", vfs.NewEpoll(), linux.O_RDWR), cloexec)
	return uintptr(fd), errno
}

// epoll finds the epoll instance fd with a reference on its file: EINVAL if it is another file.
func epoll(t *kernel.Task, fd int32) (*vfs.Epoll, *vfs.File, linux.Errno) {
	f, errno := t.File(fd)
	if errno != 0 {
		return nil, nil, errno
	}
	e, ok := f.Ops.(*vfs.Epoll)
	if !ok {
		f.Put()
		return nil, nil, linux.EINVAL
	}
	return e, f, 0
}

// Operations of epoll_ctl(2).
const (
	epollCtlAdd = 1
	epollCtlDel = 2
	epollCtlMod = 3
)

// epollCtl is epoll_ctl(2). struct epoll_event is packed: 12 bytes.
func epollCtl(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	op := a.Int(1)
	var ev vfs.EpollEvent
	if op != epollCtlDel {
		var b [12]byte
		if _, errno := t.Space().CopyIn(a.Addr(3), b[:]); errno != 0 {
			return 0, errno
		}
		ev = vfs.EpollEvent{Events: binary.LittleEndian.Uint32(b[:]), Data: binary.LittleEndian.Uint64(b[4:])}
	}
	ef, errno := t.File(a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer ef.Put()
	f, errno := t.File(a.Int(2))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	e, ok := ef.Ops.(*vfs.Epoll)
	if !ok || ef == f {
		if _, pollable := f.Ops.(vfs.Poller); !pollable {
			return 0, linux.EPERM
		}
		return 0, linux.EINVAL
	}
	switch op {
	case epollCtlAdd:
		return ret(e.Add(f, a.Int(2), ev))
	case epollCtlDel:
		return ret(e.Delete(f, a.Int(2)))
	case epollCtlMod:
		return ret(e.Modify(f, a.Int(2), ev))
	}
	return 0, linux.EINVAL
}

// eventsPool holds room for what epoll_wait(2) finds.
var eventsPool = sync.Pool{New: func() any { return new([1024]vfs.EpollEvent) }}

// doEpollWait is epoll_wait(2).
func doEpollWait(t *kernel.Task, fd int32, addr usermem.Addr, n int32, deadline time.Time, zero bool) (uintptr, linux.Errno) {
	if n <= 0 || int(n) > 1<<31/12 {
		return 0, linux.EINVAL
	}
	e, f, errno := epoll(t, fd)
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	room := eventsPool.Get().(*[1024]vfs.EpollEvent)
	defer eventsPool.Put(room)
	events := room[:min(int(n), len(room))]
	if most := min(int(n), e.Len()); most > len(events) {
		events = make([]vfs.EpollEvent, most)
	}
	got, errno := e.Wait(t, events, deadline, zero)
	if errno != 0 {
		if errno == linux.ERESTARTSYS {
			errno = linux.EINTR
		}
		return 0, errno
	}
	out := make([]byte, 12*got)
	for i, ev := range events[:got] {
		binary.LittleEndian.PutUint32(out[12*i:], ev.Events)
		binary.LittleEndian.PutUint64(out[12*i+4:], ev.Data)
	}
	_, errno = t.Space().CopyOut(addr, out)
	return uintptr(got), errno
}

// epollWait is epoll_wait(2).
func epollWait(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	deadline, zero := millis(a.Int(3))
	return doEpollWait(t, a.Int(0), a.Addr(1), a.Int(2), deadline, zero)
}

// epollPwait is epoll_pwait(2).
func epollPwait(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	deadline, zero := millis(a.Int(3))
	return withMask(t, a.Addr(4), a.Size(5), func() (uintptr, linux.Errno) {
		return doEpollWait(t, a.Int(0), a.Addr(1), a.Int(2), deadline, zero)
	})
}

// epollPwait2 is epoll_pwait2(2).
func epollPwait2(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	deadline, zero, errno := timeout(t, a.Addr(3))
	if errno != 0 {
		return 0, errno
	}
	return withMask(t, a.Addr(4), a.Size(5), func() (uintptr, linux.Errno) {
		return doEpollWait(t, a.Int(0), a.Addr(1), a.Int(2), deadline, zero)
	})
}

// inotifyInit is inotify_init(2).
func inotifyInit(t *kernel.Task, _ Args) (uintptr, linux.Errno) { return newInotify(t, 0) }

// inotifyInit1 is inotify_init1(2).
func inotifyInit1(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Uint(0)&^(linux.O_CLOEXEC|linux.O_NONBLOCK) != 0 {
		return 0, linux.EINVAL
	}
	return newInotify(t, a.Uint(0))
}

func newInotify(t *kernel.Task, flags uint32) (uintptr, linux.Errno) {
	f := vfs.AnonFile(t, "inotify", vfs.NewInotify(), linux.O_RDONLY|flags&linux.O_NONBLOCK)
	fd, errno := t.Install(f, flags&linux.O_CLOEXEC != 0)
	return uintptr(fd), errno
}

// inotify finds the instance fd.
func inotify(t *kernel.Task, fd int32) (*vfs.Inotify, linux.Errno) {
	f, errno := t.File(fd)
	if errno != 0 {
		return nil, errno
	}
	defer f.Put()
	n, ok := f.Ops.(*vfs.Inotify)
	if !ok {
		return nil, linux.EINVAL
	}
	return n, 0
}

// inotifyAddWatch is inotify_add_watch(2).
func inotifyAddWatch(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	mask := a.Uint(2)
	const flags = vfs.InOnlydir | vfs.InDontFollow | vfs.InExclUnlink | vfs.InMaskCreate | vfs.InMaskAdd | vfs.InIsDir | vfs.InOneshot
	if mask&^(vfs.InAllEvents|vfs.InUnmount|vfs.InQOverflow|vfs.InIgnored|flags) != 0 || mask&vfs.InAllEvents == 0 {
		return 0, linux.EINVAL
	}
	n, errno := inotify(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	if mask&(vfs.InMaskAdd|vfs.InMaskCreate) == vfs.InMaskAdd|vfs.InMaskCreate {
		return 0, linux.EINVAL
	}
	name, errno := path(t, a.Addr(1), false)
	if errno != 0 {
		return 0, errno
	}
	var wf uint32
	if mask&vfs.InDontFollow == 0 {
		wf |= vfs.Follow
	}
	if mask&vfs.InOnlydir != 0 {
		wf |= vfs.WantDir
	}
	p, errno := walkFrom(t, linux.AT_FDCWD, name, wf)
	if errno != 0 {
		return 0, errno
	}
	defer p.Put()
	if errno := p.Inode().Permission(t, vfs.MayRead); errno != 0 {
		return 0, errno
	}
	wd, errno := n.Add(p.Inode(), mask)
	return uintptr(wd), errno
}

// inotifyRmWatch is inotify_rm_watch(2).
func inotifyRmWatch(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	n, errno := inotify(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	return ret(n.Remove(a.Int(1)))
}
