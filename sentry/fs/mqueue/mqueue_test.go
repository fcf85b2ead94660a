package mqueue

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/ipc"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// ctx is a caller with a limit for queues.
type ctx struct {
	vfs.KernelCtx
	limit uint64
}

func (c ctx) Limit(resource int) uint64 {
	if resource == linux.RLIMIT_MSGQUEUE {
		return c.limit
	}
	return c.KernelCtx.Limit(resource)
}

func caller() ctx { return ctx{vfs.KernelCtx{W: wait.NewWaiter()}, 819200} }

// teller records what a process is told.
type teller struct{ signals []int }

func (p *teller) MessageSignal(_ vfs.Ctx, signo int, _ uint64) { p.signals = append(p.signals, signo) }
func (p *teller) PIDSeenBy(vfs.Ctx) int32                      { return 7 }

func open2(t *testing.T, fs *FS, c vfs.Ctx, name string, flags uint32, attr *linux.MqAttr) *vfs.File {
	t.Helper()
	f, errno := fs.Open(c, name, flags, 0o600, attr)
	if errno != 0 {
		t.Fatal(errno)
	}
	return f
}

func send(c vfs.Ctx, f *vfs.File, s string, prio uint32) linux.Errno {
	return Send(c, f, uint64(len(s)), prio, wait.Forever, func() ([]byte, linux.Errno) { return []byte(s), 0 })
}

func TestOrder(t *testing.T) {
	c, fs := caller(), New(auth.NewRootNS(), &ipc.NewNamespace(nil).Limits)
	f := open2(t, fs, c, "q", linux.O_RDWR|linux.O_CREAT|linux.O_NONBLOCK, &linux.MqAttr{Maxmsg: 6, Msgsize: 4})
	defer f.Put()
	defer fs.Unlink(c, "q")
	for i, s := range []string{"b1", "a1", "c1", "a2", "b2", "c2"} {
		if errno := send(c, f, s, uint32('z'-s[0])); errno != 0 {
			t.Fatal(i, errno)
		}
	}
	if errno := send(c, f, "x", 0); errno != linux.EAGAIN {
		t.Error("full:", errno)
	}
	if errno := send(c, f, "xxxxx", 0); errno != linux.EMSGSIZE {
		t.Error("too long:", errno)
	}
	var got []string
	for range 6 {
		m, errno := Receive(c, f, 4, wait.Forever)
		if errno != 0 {
			t.Fatal(errno)
		}
		got = append(got, string(m.Data))
	}
	if s := strings.Join(got, " "); s != "a1 a2 b1 b2 c1 c2" {
		t.Error(s)
	}
	if _, errno := Receive(c, f, 4, wait.Forever); errno != linux.EAGAIN {
		t.Error("empty:", errno)
	}
}

// TestHandOver: who waits is served in turn, and a message that is handed over tells nobody.
func TestHandOver(t *testing.T) {
	c, fs := caller(), New(auth.NewRootNS(), &ipc.NewNamespace(nil).Limits)
	f := open2(t, fs, c, "q", linux.O_RDWR|linux.O_CREAT, &linux.MqAttr{Maxmsg: 1, Msgsize: 4})
	defer f.Put()
	defer fs.Unlink(c, "q")
	q, p := f.Ops.(*open).q, new(teller)
	if errno := Notify(c, f, p, &linux.Sigevent{Signo: 10}, nil, nil); errno != 0 {
		t.Fatal(errno)
	}
	got := make(chan string)
	for i := range 2 {
		go func() {
			m, _ := Receive(caller(), f, 4, wait.Forever)
			got <- string(m.Data)
		}()
		for waiting := 0; waiting <= i; time.Sleep(time.Millisecond) {
			q.mu.Lock()
			waiting = len(q.receivers)
			q.mu.Unlock()
		}
	}
	send(c, f, "1", 0)
	send(c, f, "2", 0)
	if a, b := <-got, <-got; a+b != "12" && a+b != "21" {
		t.Error(a, b)
	}
	if len(p.signals) != 0 {
		t.Error("told of a message that was handed over")
	}
	send(c, f, "3", 0)
	if len(p.signals) != 1 {
		t.Error("not told")
	}
	done := make(chan linux.Errno)
	go func() { done <- send(caller(), f, "4", 9) }()
	for waiting := 0; waiting == 0; time.Sleep(time.Millisecond) {
		q.mu.Lock()
		waiting = len(q.senders)
		q.mu.Unlock()
	}
	for _, want := range []string{"3", "4"} {
		if m, errno := Receive(c, f, 4, wait.Forever); string(m.Data) != want {
			t.Error(want, string(m.Data), errno)
		}
	}
	if errno := <-done; errno != 0 {
		t.Error(errno)
	}
	if _, errno := Receive(c, f, 4, time.Now().Add(time.Millisecond)); errno != linux.ETIMEDOUT {
		t.Error(errno)
	}
	if len(q.receivers) != 0 {
		t.Error("who has given up still waits")
	}
}

// TestNamespaceEnds: what the queues of a namespace were charged is given back with it.
func TestNamespaceEnds(t *testing.T) {
	c := caller()
	for range 2 {
		open2(t, New(auth.NewRootNS(), &ipc.NewNamespace(nil).Limits), c, "left", linux.O_RDWR|linux.O_CREAT, nil).Put()
	}
	for range 200 {
		runtime.GC()
		charges.Lock()
		n := len(charges.of)
		charges.Unlock()
		if n == 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Error("still charged:", charges.of)
}

func TestLimits(t *testing.T) {
	c, fs := caller(), New(auth.NewRootNS(), &ipc.NewNamespace(nil).Limits)
	a := &linux.MqAttr{Maxmsg: 10, Msgsize: 8192}
	var files []*vfs.File
	errno := linux.Errno(0)
	for errno == 0 && len(files) < 100 {
		var f *vfs.File
		if f, errno = fs.Open(c, "q"+strings.Repeat("x", len(files)), linux.O_RDWR|linux.O_CREAT, 0o600, a); errno == 0 {
			files = append(files, f)
		}
	}
	if errno != linux.EMFILE || len(files) != 819200/(10*(8192+48+48)) {
		t.Error(len(files), errno)
	}
	for i, f := range files {
		if errno := fs.Unlink(c, "q"+strings.Repeat("x", i)); errno != 0 {
			t.Error(errno)
		}
		f.Put()
	}
	if len(charges.of) != 0 || fs.queues != 0 {
		t.Error("still charged:", charges.of, fs.queues)
	}
	for name, want := range map[string]linux.Errno{"": linux.ENOENT, ".": linux.EACCES, "a/b": linux.EACCES, strings.Repeat("x", 256): linux.ENAMETOOLONG} {
		if _, errno := fs.Open(c, name, linux.O_CREAT, 0o600, nil); errno != want {
			t.Errorf("%.8q: %v, not %v", name, errno, want)
		}
	}
}
