package vfs_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// events reads what there is, as wd:mask:name.
func (w *world) events(n *vfs.Inotify) (list []string) {
	w.Helper()
	b := make([]byte, 64<<10)
	dst := usermem.Bytes(b)
	got, errno := n.Read(w.ctx, nil, &dst, -1)
	if errno == linux.EAGAIN {
		return nil
	}
	w.ok(errno)
	for b = b[:got]; len(b) > 0; {
		k := binary.LittleEndian.Uint32(b[12:])
		list = append(list, fmt.Sprintf("%d:%#x:%s", binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:]), strings.TrimRight(string(b[16:16+k]), "\x00")))
		b = b[16+k:]
	}
	return list
}

func TestInotify(t *testing.T) {
	w := newWorld(t)
	w.mkdir("/d")
	n := vfs.NewInotify()
	d := w.walk("/d")
	wd, errno := n.Add(d.Inode(), vfs.InAllEvents)
	w.ok(errno)
	w.write("/d/f", "x")
	w.ok(vfs.Rename(w.ctx, w.at, "/d/f", w.at, "/g", 0))
	w.ok(vfs.Unlink(w.ctx, w.at, "/g", false))
	w.ok(vfs.Unlink(w.ctx, w.at, "/d", true))
	d.Put() // the last that used it
	want := []string{"1:0x100:f", "1:0x20:f", "1:0x2:f", "1:0x8:f", "1:0x40:f", "1:0x400:", "1:0x8000:"}
	if got := w.events(n); wd != 1 || !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	w.is(n.Remove(wd), linux.EINVAL)
}

// TestInotifyClosed adds a watch after the last close, as a thread does that was overtaken.
func TestInotifyClosed(t *testing.T) {
	w := newWorld(t)
	w.mkdir("/d")
	n := vfs.NewInotify()
	n.Release(nil)
	d := w.walk("/d")
	defer d.Put()
	if _, errno := n.Add(d.Inode(), vfs.InAllEvents); errno != linux.EBADF {
		t.Errorf("a watch of a closed instance: %v", errno)
	}
	if errno := n.Remove(1); errno != linux.EINVAL {
		t.Errorf("its removal: %v", errno)
	}
}

// TestInotifyLocks adds and removes watches while events happen.
func TestInotifyLocks(t *testing.T) {
	w := newWorld(t)
	w.write("/f", "")
	i := w.walk("/f").Inode()
	n := vfs.NewInotify()
	soon(t, "inotify", func() {
		var wg sync.WaitGroup
		for g := range 4 {
			wg.Go(func() {
				for range 5000 {
					if g%2 == 0 {
						i.Notify(vfs.InAttrib, "", 0)
						continue
					}
					if wd, errno := n.Add(i, vfs.InAllEvents); errno == 0 {
						n.Remove(wd)
					}
				}
			})
		}
		wg.Wait()
	})
}

// signal is a file whose readiness the test sets.
type signal struct {
	queue wait.Queue
	mu    sync.Mutex
	ready wait.Event
}

func (s *signal) set(e wait.Event) {
	s.mu.Lock()
	s.ready = e
	s.mu.Unlock()
	s.queue.Notify(e)
}

func (s *signal) Poll(*vfs.File) wait.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ready
}
func (s *signal) Queue(*vfs.File) *wait.Queue { return &s.queue }
func (s *signal) Release(*vfs.File)           {}
func (s *signal) Read(vfs.Ctx, *vfs.File, *usermem.Buf, int64) (int, linux.Errno) {
	return 0, linux.EAGAIN
}
func (s *signal) Write(vfs.Ctx, *vfs.File, *usermem.Buf, int64) (int, linux.Errno) {
	return 0, linux.EAGAIN
}

func TestEpoll(t *testing.T) {
	w := newWorld(t)
	s := new(signal)
	f := vfs.AnonFile(w.ctx, "[signal]", s, linux.O_RDWR)
	e := vfs.NewEpoll()
	ready := func() string {
		out := make([]vfs.EpollEvent, 4)
		n, errno := e.Wait(w.ctx, out, time.Time{}, true)
		w.ok(errno)
		return fmt.Sprint(out[:n])
	}
	expect := func(want string) {
		t.Helper()
		if got := ready(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	regular := w.open("/f", linux.O_RDWR|linux.O_CREAT)
	w.is(e.Add(regular, 3, vfs.EpollEvent{Events: 1}), linux.EPERM)
	w.ok(e.Add(f, 4, vfs.EpollEvent{Events: uint32(wait.In), Data: 7}))
	w.is(e.Add(f, 4, vfs.EpollEvent{}), linux.EEXIST)
	w.ok(e.Add(f, 5, vfs.EpollEvent{Events: uint32(wait.In) | vfs.EpollET, Data: 8}))
	expect("[]")
	s.set(wait.In)
	expect("[{1 7} {1 8}]")
	expect("[{1 7}]") // level-triggered stays
	s.set(wait.In)
	expect("[{1 7} {1 8}]")
	s.set(0)
	expect("[]")
	w.ok(e.Delete(f, 5))
	w.is(e.Delete(f, 5), linux.ENOENT)
	w.ok(e.Modify(f, 4, vfs.EpollEvent{Events: uint32(wait.In) | vfs.EpollOneshot, Data: 9}))
	s.set(wait.In)
	expect("[{1 9}]")
	s.set(wait.In)
	expect("[]")
	w.ok(e.Modify(f, 4, vfs.EpollEvent{Events: uint32(wait.RdNorm), Data: 9}))
	s.set(0)
	expect("[]")
	go func() {
		time.Sleep(10 * time.Millisecond)
		s.set(wait.In | wait.RdNorm)
	}()
	out := make([]vfs.EpollEvent, 1)
	if n, errno := e.Wait(w.ctx, out, wait.Forever, false); n != 1 || errno != 0 || out[0].Events != uint32(wait.RdNorm) {
		t.Errorf("%d %v %v", n, errno, out)
	}
	f.Put() // a closed file leaves
	expect("[]")
}

// TestEpollNesting puts instances into each other: five deep at most, and never in a circle.
func TestEpollNesting(t *testing.T) {
	w := newWorld(t)
	in := vfs.EpollEvent{Events: uint32(wait.In)}
	first := vfs.NewEpoll()
	inner := vfs.AnonFile(w.ctx, "[eventpoll]", first, 0)
	for depth := 2; depth <= 6; depth++ {
		outer := vfs.NewEpoll()
		want := linux.Errno(0)
		if depth == 6 {
			want = linux.ELOOP
		}
		w.is(outer.Add(inner, 3, in), want)
		inner = vfs.AnonFile(w.ctx, "[eventpoll]", outer, 0)
		if want == 0 {
			w.is(first.Add(inner, 3, in), linux.ELOOP)
		}
	}
}

// TestNeverReady reads from a file that is waited for but never notified.
func TestNeverReady(t *testing.T) {
	w := newWorld(t)
	f := vfs.AnonFile(w.ctx, "[never]", never{}, linux.O_RDONLY)
	time.AfterFunc(20*time.Millisecond, w.ctx.W.Interrupt)
	b := usermem.Bytes(make([]byte, 1))
	_, errno := f.Read(w.ctx, &b)
	w.is(errno, linux.ERESTARTSYS)
}

type never struct{}

func (never) Poll(*vfs.File) wait.Event   { return 0 }
func (never) Queue(*vfs.File) *wait.Queue { return nil }
func (never) Release(*vfs.File)           {}
func (never) Read(vfs.Ctx, *vfs.File, *usermem.Buf, int64) (int, linux.Errno) {
	return 0, linux.EAGAIN
}
func (never) Write(vfs.Ctx, *vfs.File, *usermem.Buf, int64) (int, linux.Errno) {
	return 0, linux.EAGAIN
}

// TestNoticeClosed asks for a notice after the descriptor was closed, as a thread does that was overtaken.
func TestNoticeClosed(t *testing.T) {
	w := newWorld(t)
	w.mkdir("/d")
	told := 0
	table := new(int)
	f := w.open("/d", linux.O_RDONLY)
	f.Get()
	f.Flush(w.ctx, table)
	f.Put()
	w.is(f.SetNotice(table, linux.DN_CREATE|linux.DN_MULTISHOT, func() { told++ }), 0)
	w.write("/d/a", "x")
	f.Put()
	w.write("/d/b", "x")
	if told != 1 {
		t.Errorf("told %d times, want once, before the last close", told)
	}
}
