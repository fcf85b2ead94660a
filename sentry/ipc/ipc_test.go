package ipc

import (
	"testing"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// caller is a task of a test.
type caller struct {
	cred *auth.Cred
	w    *wait.Waiter
	pid  int32
}

func (c *caller) Cred() *auth.Cred     { return c.cred }
func (c *caller) Waiter() *wait.Waiter { return c.w }
func (c *caller) PID() int32           { return c.pid }
func (c *caller) Now() int64           { return 7e9 }

func setup() (*Namespace, *caller, *caller) {
	ns := auth.NewRootNS()
	user := &auth.Cred{Euid: 1000, Egid: 1000, NS: ns}
	return NewNamespace(ns), &caller{auth.Root(ns), wait.NewWaiter(), 1}, &caller{user, wait.NewWaiter(), 2}
}

func TestGetRules(t *testing.T) {
	ns, root, user := setup()
	id, errno := ns.Semget(root, 5, 2, linux.IPC_CREAT|0o600)
	if errno != 0 {
		t.Fatal(errno)
	}
	for _, c := range []struct {
		who   *caller
		key   int32
		n     int
		flags uint32
		errno linux.Errno
	}{
		{root, 5, 2, 0, 0}, {root, 5, 3, 0, linux.EINVAL}, {root, 5, 2, linux.IPC_CREAT | linux.IPC_EXCL, linux.EEXIST},
		{root, 6, 1, 0, linux.ENOENT}, {root, 6, 0, linux.IPC_CREAT, linux.EINVAL}, {user, 5, 1, 0o400, linux.EACCES},
	} {
		if _, errno := ns.Semget(c.who, c.key, c.n, c.flags); errno != c.errno {
			t.Errorf("%+v: %v", c, errno)
		}
	}
	if errno := ns.SemRemove(user, id); errno != linux.EPERM {
		t.Errorf("removal by a stranger: %v", errno)
	}
	if errno := ns.SemRemove(root, id); errno != 0 {
		t.Error(errno)
	}
	if next, _ := ns.Semget(root, 5, 2, linux.IPC_CREAT); next == id {
		t.Error("an identifier came back at once")
	}
}

func TestSemopIsAtomicAndBlocks(t *testing.T) {
	ns, a, b := setup()
	b.cred = a.cred
	id, _ := ns.Semget(a, linux.IPC_PRIVATE, 2, 0o600)
	var ua, ub Undo
	if errno := ns.Semop(a, id, []linux.Sembuf{{Num: 0, Op: 1}, {Num: 1, Op: -1, Flg: linux.IPC_NOWAIT}}, wait.Forever, &ua); errno != linux.EAGAIN {
		t.Errorf("got %v, want EAGAIN", errno)
	}
	if v, _ := ns.SemValue(a, id, 0, linux.GETVAL); v != 0 {
		t.Errorf("half an operation was done: %d", v)
	}
	done := make(chan linux.Errno)
	go func() {
		done <- ns.Semop(b, id, []linux.Sembuf{{Num: 0, Op: -2, Flg: linux.SEM_UNDO}}, wait.Forever, &ub)
	}()
	for n := int32(0); n != 1; n, _ = ns.SemValue(a, id, 0, linux.GETNCNT) {
		time.Sleep(time.Millisecond)
	}
	ns.Semop(a, id, []linux.Sembuf{{Num: 0, Op: 3}}, wait.Forever, &ua)
	if errno := <-done; errno != 0 {
		t.Error(errno)
	}
	if v, _ := ns.SemValue(a, id, 0, linux.GETVAL); v != 1 {
		t.Errorf("value %d, want 1", v)
	}
	ub.Exit(2)
	if v, _ := ns.SemValue(a, id, 0, linux.GETVAL); v != 3 {
		t.Errorf("value after undo %d, want 3", v)
	}
	if n, _ := ns.SemValue(a, id, 0, linux.GETNCNT); n != 0 {
		t.Errorf("%d sleepers counted, none there", n)
	}
}

func TestSleepersSeeRemovalAndSignals(t *testing.T) {
	ns, a, b := setup()
	b.cred = a.cred
	id, _ := ns.Semget(a, linux.IPC_PRIVATE, 1, 0o600)
	done := make(chan linux.Errno)
	sleep := func() { done <- ns.Semop(b, id, []linux.Sembuf{{Op: -1}}, wait.Forever, new(Undo)) }
	go sleep()
	b.w.Interrupt()
	if errno := <-done; errno != linux.EINTR {
		t.Errorf("interrupted: %v, want EINTR", errno)
	}
	b.w.ClearInterrupt()
	go sleep()
	for n := int32(0); n != 1; n, _ = ns.SemValue(a, id, 0, linux.GETNCNT) {
		time.Sleep(time.Millisecond)
	}
	ns.SemRemove(a, id)
	if errno := <-done; errno != linux.EIDRM {
		t.Errorf("removed: %v, want EIDRM", errno)
	}
	if errno := ns.Semop(a, id, []linux.Sembuf{{Op: 1}}, time.Now().Add(time.Second), new(Undo)); errno != linux.EINVAL {
		t.Errorf("gone: %v, want EINVAL", errno)
	}
}

func TestMessagesByType(t *testing.T) {
	ns, a, _ := setup()
	id, _ := ns.Msgget(a, linux.IPC_PRIVATE, 0o600)
	for _, m := range []Message{{3, []byte("three")}, {1, []byte("one")}, {2, []byte("two")}} {
		if errno := ns.Msgsnd(a, id, m, 0); errno != 0 {
			t.Fatal(errno)
		}
	}
	for _, c := range []struct {
		typ   int64
		flags uint32
		size  uint64
		want  string
		errno linux.Errno
	}{
		{2, 0, 2, "", linux.E2BIG}, {2, linux.MSG_NOERROR, 2, "tw", 0}, {-2, 0, 9, "one", 0},
		{3, linux.MSG_EXCEPT | linux.IPC_NOWAIT, 9, "", linux.ENOMSG}, {0, linux.MSG_COPY | linux.IPC_NOWAIT, 9, "three", 0},
		{0, 0, 9, "three", 0}, {0, linux.IPC_NOWAIT, 9, "", linux.ENOMSG},
	} {
		m, errno := ns.Msgrcv(a, id, c.size, c.typ, c.flags)
		if errno != c.errno || (errno == 0 && string(m.Data) != c.want) {
			t.Errorf("%+v: %q %v", c, m.Data, errno)
		}
	}
	for errno := linux.Errno(0); errno != linux.EAGAIN; errno = ns.Msgsnd(a, id, Message{1, make([]byte, 5000)}, linux.IPC_NOWAIT) {
		if errno != 0 {
			t.Fatal(errno)
		}
	}
}
