package systrap

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform"
)

// unhurried has nothing taken back because the machine is busy.
func unhurried(t *testing.T) {
	was := lookAfter
	lookAfter = int64(time.Hour)
	t.Cleanup(func() { lookAfter = was })
	near(t)
}

// near has near contexts told as well, as those of tests are.
func near(t *testing.T) {
	nearToo = true
	t.Cleanup(func() { nearToo = false })
}

// TestLendOpen: attributes of a file that was opened are answered once, right behind that, and its close; nothing of others.
func TestLendOpen(t *testing.T) {
	unhurried(t)
	caller(t, unix.SYS_FSTAT, unix.SYS_CLOSE, func(g *guest, c *context) {
		stat := bytes.Repeat([]byte{7}, statSize)
		open := func(fd int32, next uint64, closed ...int32) {
			t.Helper()
			c.LendClose(fd)
			c.LendOpen(fd, stat, 0, false)
			g.next(t, c, next)
			if got := c.Closed(false); !slices.Equal(got, closed) {
				t.Errorf("closed %v, not %v", got, closed)
			}
		}
		open(lentFD, unix.SYS_FSTAT, lentFD)
		got := make([]byte, statSize)
		if unix.Pread(g.fd, got, pageSize); !bytes.Equal(got, stat) {
			t.Errorf("stat %v", got)
		}
		g.next(t, c, unix.SYS_CLOSE) // it was for one answer, and one close
		open(lentFD+1, unix.SYS_FSTAT)
		open(lentFD, unix.SYS_FSTAT, lentFD) // close only: the last call was the other
		open(lentFD, unix.SYS_FSTAT, lentFD)
		g.next(t, c, unix.SYS_CLOSE)
		c.LendClose(lentFD)
		c.LendOpen(lentFD, stat, 0, false)
		c.FilesChanged()
		g.next(t, c, unix.SYS_FSTAT)
		open(lentFD, unix.SYS_FSTAT, lentFD)
	})
}

// TestLendOpenOver: what was lent is over when the kernel says so, and while other registers are loaded.
func TestLendOpenOver(t *testing.T) {
	unhurried(t)
	caller(t, unix.SYS_FSTAT, unix.SYS_CLOSE, func(g *guest, c *context) {
		stat := make([]byte, statSize)
		for _, end := range []func(){
			func() { c.Closed(true) },
			func() { c.Return() },
			func() { nearToo = false },
			func() { g.regs.R12++ },
		} {
			c.LendClose(lentFD)
			c.LendOpen(lentFD, stat, 0, false)
			c.open.file = 0
			end()
			g.next(t, c, unix.SYS_FSTAT)
			if got := c.Closed(true); len(got) > 0 {
				t.Errorf("closed %v", got)
			}
			nearToo = true
			g.next(t, c, unix.SYS_CLOSE)
		}
	})
}

// TestLendControl: fcntl(2) is answered where it asks for flags, or sets them to what they are.
func TestLendControl(t *testing.T) {
	unhurried(t)
	caller(t, unix.SYS_FCNTL, unix.SYS_GETPGRP, func(g *guest, c *context) {
		for _, o := range []struct {
			fd       int32
			cmd, arg uint64
			cloexec  bool
			result   uint64
			answered bool
		}{
			{lentFD, unix.F_GETFL, 0, false, 0x18800, true},
			{lentFD, unix.F_GETFD, 0, false, 0, true},
			{lentFD, unix.F_GETFD, 0, true, 1, true},
			{lentFD, unix.F_SETFD, 1, true, 0, true},
			{lentFD, unix.F_SETFD, 2, false, 0, true}, // FD_CLOEXEC is the only one there is
			{lentFD, unix.F_SETFD, 0, true, 0, false},
			{lentFD, unix.F_SETFD, 1, false, 0, false},
			{lentFD, unix.F_SETFL, 0x18800, false, 0, false},
			{lentFD, unix.F_DUPFD, 0, false, 0, false},
			{lentFD + 1, unix.F_GETFL, 0, false, 0, false},
			{-2, unix.F_GETFL, 0, false, 0, false},
		} {
			for g.regs.OrigRax != unix.SYS_GETPGRP {
				c.Switch(g.as, &g.regs)
			}
			g.regs.Rsi, g.regs.Rdx = o.cmd, o.arg
			c.Switch(g.as, &g.regs) // with these registers
			c.Switch(g.as, &g.regs)
			c.LendClose(o.fd)
			c.LendOpen(o.fd, nil, 0x18800, o.cloexec)
			want := uint64(unix.SYS_FCNTL)
			if o.answered {
				want = unix.SYS_GETPGRP
			}
			if trap := c.Switch(g.as, &g.regs); trap.Kind != platform.Syscall || g.regs.OrigRax != want {
				t.Errorf("%+v: %+v, call %d", o, trap, g.regs.OrigRax)
			}
			if r := &g.regs; r.Rsi != o.cmd || r.Rdx != o.arg || r.R8 != 8 || r.R15 != 15 {
				t.Errorf("%+v: registers %+v", o, r)
			}
			c.Closed(true)
		}
	})
}

// TestLendClose: the last four descriptors may be closed, once each; large ones are the sentry's.
func TestLendClose(t *testing.T) {
	unhurried(t)
	caller(t, unix.SYS_CLOSE, unix.SYS_GETPGRP, func(g *guest, c *context) {
		if c.LendClose(lastMay+1) || c.LendClose(-1) {
			t.Error("a descriptor that has no byte is lent")
		}
		for fd := int32(lastMay - mostMay); fd <= lastMay; fd++ {
			c.LendClose(fd)
			c.LendClose(fd)
		}
		for _, o := range []struct {
			fd     int32
			closed bool
		}{{lastMay - mostMay, false}, {lastMay, true}, {lastMay, false}, {lastMay - 3, true}, {lastMay + 1, false}, {-1, false}, {-2, false}, {lastMay - 1, true}, {lastMay - 2, true}, {0, false}} {
			for g.regs.OrigRax != unix.SYS_GETPGRP {
				c.Switch(g.as, &g.regs)
			}
			g.regs.Rdi = uint64(o.fd)
			c.Switch(g.as, &g.regs) // with this register: nothing is lent
			c.Closed(false)
			c.Switch(g.as, &g.regs)
			c.Closed(false)
			c.Switch(g.as, &g.regs)
			if got := c.Closed(false); slices.Contains(got, o.fd) != o.closed || len(got) > 1 || (g.regs.OrigRax == unix.SYS_CLOSE) == o.closed {
				t.Errorf("%d: closed %v, call %d", o.fd, got, g.regs.OrigRax)
			}
		}
	})
}

// TestLendOpenLate: who computes after it has closed a file is taken out, so that the file is closed, and lent no other for a while.
func TestLendOpenLate(t *testing.T) {
	near(t)
	patchable(t, true)
	g := newGuest(t, closes...)
	on(func() {
		c := plat(t).NewContext().(debuggable).context
		defer c.Release()
		g.regs.Rdi = lentFD
		for range patchAfter + 2 {
			c.Switch(g.as, &g.regs)
		}
		g.regs.Rsi = 1
		g.regs.Rip -= 7
		c.Switch(g.as, &g.regs)
		g.regs.Rip -= 7
		c.Switch(g.as, &g.regs)
		g.regs.Rip -= 7
		c.live, c.last = true, g.regs
		if !c.LendClose(lentFD) {
			t.Fatal("nothing is lent")
		}
		trap := c.Switch(g.as, &g.regs)
		if closed := c.Closed(true); trap.Kind != platform.Interrupted || !slices.Equal(closed, []int32{lentFD}) || c.lent.until == 0 {
			t.Errorf("%+v, closed %v, banned until %d", trap, closed, c.lent.until)
		}
	})
}

// TestLendOpenLies: whatever is written to the area, nothing is closed but what was lent, and once.
func TestLendOpenLies(t *testing.T) {
	unhurried(t)
	caller(t, unix.SYS_FSTAT, unix.SYS_GETPGRP, func(g *guest, c *context) {
		for _, lie := range []int32{0, 1, -1, lentFD + 2, (lentFD + 1) << 8, 0x01020304} {
			c.Closed(true)
			c.LendClose(lentFD)
			c.Switch(g.as, &g.regs)
			c.thread.Load().area.may.Store(lie)
			want := []int32{lentFD}
			if lie&0xff != 0 {
				want = nil
			}
			closed := slices.Clone(c.Closed(false))
			if !slices.Equal(closed, want) || len(c.Closed(true)) > 0 {
				t.Errorf("%#x: closed %v", lie, closed)
			}
		}
	})
}

// TestLendOpenEndless: who asks for flags without end is interrupted.
func TestLendOpenEndless(t *testing.T) {
	unhurried(t)
	caller(t, unix.SYS_FCNTL, unix.SYS_FCNTL, func(g *guest, c *context) {
		g.regs.Rsi = unix.F_GETFL
		c.Switch(g.as, &g.regs)
		c.LendClose(lentFD)
		c.LendOpen(lentFD, nil, 0, false)
		done := make(chan struct{})
		go func() {
			time.Sleep(time.Millisecond)
			c.Interrupt()
			close(done)
		}()
		trap := c.Switch(g.as, &g.regs)
		if <-done; trap.Kind != platform.Syscall && trap.Kind != platform.Interrupted {
			t.Errorf("%+v", trap)
		}
	})
}

// TestLendEnd: that there is nothing more in a directory is answered once, if nothing has changed and it may be closed.
func TestLendEnd(t *testing.T) {
	unhurried(t)
	caller(t, unix.SYS_GETDENTS64, unix.SYS_GETPGRP, func(g *guest, c *context) {
		for _, o := range []struct {
			what     string
			fd, may  int32
			changed  bool
			answered bool
		}{
			{"all", lentFD, lentFD, false, true},
			{"another", lentFD + 1, lentFD + 1, false, false},
			{"not its own", lentFD, lentFD + 1, false, false},
			{"a change", lentFD, lentFD, true, false},
			{"none", -1, lentFD, false, false},
		} {
			c.Closed(true)
			c.LendClose(o.may)
			c.LendEnd(o.fd)
			if o.changed {
				c.FilesChanged()
			}
			if o.answered {
				g.next(t, c, unix.SYS_GETPGRP)
			}
			g.next(t, c, unix.SYS_GETDENTS64)
			g.next(t, c, unix.SYS_GETPGRP)
		}
	})
}
