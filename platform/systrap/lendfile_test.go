package systrap

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/conformance"
)

// opens lends the guest room to write to something, and then a file.
func opens(t *testing.T, c *context, fd int32) (stat []byte) {
	t.Helper()
	c.Return()
	if c.LendsFiles() || c.Lend(lentFD+1, nil, leastRoom, new(lender)) == nil || !c.LendsFiles() {
		t.Fatal("no room was lent")
	}
	stat = bytes.Repeat([]byte{7}, statSize)
	c.LendFile(fd, stat, nil, platform.Opening{})
	return stat
}

// TestLendFile: attributes of a file are answered once, and its close; nothing of other descriptors.
func TestLendFile(t *testing.T) {
	caller(t, unix.SYS_FSTAT, unix.SYS_CLOSE, func(g *guest, c *context) {
		stat := opens(t, c, lentFD)
		c.lent.rooms.Store(false) // nobody looks
		g.next(t, c, unix.SYS_FSTAT)
		got := make([]byte, statSize)
		unix.Pread(g.fd, got, pageSize)
		if closed := c.Closed(false); !bytes.Equal(got, stat) || !slices.Equal(closed, []int32{lentFD}) {
			t.Errorf("stat %v, closed %v", got, closed)
		}
		g.next(t, c, unix.SYS_CLOSE)
		opens(t, c, lentFD+2)
		g.next(t, c, unix.SYS_FSTAT)
		g.next(t, c, unix.SYS_CLOSE)
		opens(t, c, lentFD)
		if len(c.Closed(false)) > 0 { // as at each trap: the attributes may have changed
			t.Error("something is closed")
		}
		c.lent.rooms.Store(false)
		g.next(t, c, unix.SYS_FSTAT)
		g.next(t, c, unix.SYS_FSTAT)
		if closed := c.Closed(true); !slices.Equal(closed, []int32{lentFD}) {
			t.Errorf("closed %v", closed)
		}
		opens(t, c, lentFD)
		if len(c.Closed(true)) > 0 {
			t.Error("something is closed")
		}
		g.next(t, c, unix.SYS_CLOSE)
		g.next(t, c, unix.SYS_FSTAT)
	})
}

// TestLendFileAt: attributes are asked for with an empty path; whatever else is asked is the sentry's.
func TestLendFileAt(t *testing.T) {
	caller(t, unix.SYS_NEWFSTATAT, unix.SYS_GETDENTS, func(g *guest, c *context) {
		ask := func(want uint64, path, flags uint64) {
			t.Helper()
			g.regs.Rsi, g.regs.Rdx, g.regs.R10 = path, conformance.DataAt+8, flags
			opens(t, c, lentFD)
			c.lent.rooms.Store(false) // nobody looks
			if trap := c.Switch(g.as, &g.regs); trap.Kind != platform.Syscall || g.regs.OrigRax != want {
				t.Errorf("path %#x, flags %#x: %+v, call %d", path, flags, trap, g.regs.OrigRax)
			}
			if r := &g.regs; r.Rdi != lentFD || r.Rsi != path || r.Rdx != conformance.DataAt+8 || r.R10 != flags || r.R8 != 8 || r.R15 != 15 {
				t.Errorf("registers %+v", r)
			}
			if want == unix.SYS_NEWFSTATAT {
				c.Return()
				c.Switch(g.as, &g.regs)
			}
		}
		unix.Pwrite(g.fd, []byte("\x00x"), pageSize)
		ask(unix.SYS_GETDENTS, conformance.DataAt, unix.AT_EMPTY_PATH)
		ask(unix.SYS_NEWFSTATAT, conformance.DataAt+1, unix.AT_EMPTY_PATH)
		ask(unix.SYS_NEWFSTATAT, conformance.DataAt, 0)
		ask(unix.SYS_NEWFSTATAT, 0, unix.AT_EMPTY_PATH)
		ask(unix.SYS_GETDENTS, conformance.DataAt, unix.AT_EMPTY_PATH)
	})
}

// closes closes a file until %esi is set, and then computes.
var closes = []byte{
	0xb8, unix.SYS_CLOSE, 0, 0, 0, 0x0f, 0x05, // again: close
	0x85, 0xf6, // test %esi,%esi
	0x74, 0xf5, // jz again
	0xeb, 0xfe, // jmp .
}

// TestLendFileLate: who computes after it has closed a file is taken out, so that the file is closed.
func TestLendFileLate(t *testing.T) {
	patchable(t, true)
	g := newGuest(t, closes...)
	on(func() {
		c := plat(t).NewContext().(debuggable).context
		defer c.Release()
		g.regs.Rdi = lentFD
		for range patchAfter + 2 {
			c.Switch(g.as, &g.regs)
		}
		g.regs.Rsi = 0
		opens(t, c, lentFD)
		c.lent.area.loans[lentFD].fd.Store(0) // the next one is asked for
		if trap := c.Switch(g.as, &g.regs); trap.Kind != platform.Syscall {
			t.Fatalf("%+v", trap)
		}
		g.regs.Rsi = 1
		c.lent.area.loans[lentFD].fd.Store(lentFD + 1)
		g.regs.Rip -= 7
		trap := c.Switch(g.as, &g.regs)
		if closed := c.Closed(true); trap.Kind != platform.Interrupted || !slices.Equal(closed, []int32{lentFD}) || c.lent.until == 0 {
			t.Errorf("%+v, closed %v, banned until %d", trap, closed, c.lent.until)
		}
	})
}

// TestLendFileLies: whatever is written to the area, nothing is closed but what was lent, and once.
func TestLendFileLies(t *testing.T) {
	server(t, func(g *guest, c *context) {
		for state := range uint32(4) {
			opens(t, c, lentFD)
			for i := range c.lent.area.loans {
				e := &c.lent.area.loans[i]
				e.close.Store(state)
				e.fd.Store(uint32(i) + 77)
			}
			c.lent.area.takes.Add(3)
			c.Settle(-1)
			closed := slices.Clone(c.Closed(state&1 == 0))
			if want := state == closeDone; want != slices.Equal(closed, []int32{lentFD}) || !want && len(closed) > 0 || len(c.Closed(true)) > 0 {
				t.Errorf("state %d: closed %v", state, closed)
			}
		}
	})
}

// TestSendLent: a short file's bytes go from an offset to what room was lent for, once; all else is the sentry's.
func TestSendLent(t *testing.T) {
	caller(t, unix.SYS_SENDFILE, unix.SYS_GETPGRP, func(g *guest, c *context) {
		for _, o := range []struct {
			what     string
			in       uint64
			at       uint64
			off, n   uint64
			sent     string
			left     uint64
			answered bool
			changed  bool
		}{
			{"all", lentFD + 2, conformance.DataAt, 0, 5, "hello", 5, true, false},
			{"more", lentFD + 2, conformance.DataAt, 2, 1 << 40, "llo", 5, true, false},
			{"less", lentFD + 2, conformance.DataAt, 1, 2, "el", 3, true, false},
			{"behind the end", lentFD + 2, conformance.DataAt, 5, 2, "", 5, false, false},
			{"nothing", lentFD + 2, conformance.DataAt, 1, 0, "", 1, false, false},
			{"another file", lentFD + 3, conformance.DataAt, 0, 5, "", 0, false, false},
			{"no offset", lentFD + 2, 0, 0, 5, "", 0, false, false},
			{"an offset that is not there", lentFD + 2, 0x1000_0000, 0, 5, "", 0, false, false},
			{"a file, and there was a change", lentFD + 2, conformance.DataAt, 0, 5, "", 0, false, true},
		} {
			var l lender
			c.Return()
			c.Lend(lentFD, nil, leastRoom, &l)
			c.LendFile(lentFD+2, make([]byte, statSize), []byte("hello"), platform.Opening{})
			c.lent.rooms.Store(false) // nobody looks
			if o.changed {
				c.FilesChanged()
			}
			var pos [8]byte
			binary.LittleEndian.PutUint64(pos[:], o.off)
			unix.Pwrite(g.fd, pos[:], pageSize)
			g.regs.Rsi, g.regs.Rdx, g.regs.R10 = o.in, o.at, o.n
			for i, want := range []uint64{unix.SYS_SENDFILE, unix.SYS_GETPGRP, unix.SYS_SENDFILE} {
				if o.answered && i == 0 {
					continue
				}
				if trap := c.Switch(g.as, &g.regs); trap.Kind != platform.Syscall || g.regs.OrigRax != want {
					t.Fatalf("%s: %+v, call %d", o.what, trap, g.regs.OrigRax)
				}
				if r := &g.regs; r.Rdi != lentFD || r.Rsi != o.in || r.Rdx != o.at || r.R10 != o.n || r.R8 != 8 || r.R15 != 15 {
					t.Errorf("%s: registers %+v", o.what, r)
				}
				c.Settle(-1)
				if !o.answered {
					break
				}
			}
			c.Closed(false)
			unix.Pread(g.fd, pos[:], pageSize)
			if at := binary.LittleEndian.Uint64(pos[:]); string(l.posted) != o.sent || at != o.left {
				t.Errorf("%s: sent %q, the offset is %d", o.what, l.posted, at)
			}
			if wasted := c.LendFile(lentFD+4, make([]byte, statSize), nil, platform.Opening{}); wasted == o.answered {
				t.Errorf("%s: wasted %v", o.what, wasted)
			}
			c.Return()
			c.Switch(g.as, &g.regs) // the call after it
		}
	})
}

// TestOpenAgain: a file that was closed is opened again by the same call, as often as may be before a trap, and then it is open or closed as the
// last call has left it; whatever else is opened is the sentry's.
func TestOpenAgain(t *testing.T) {
	caller(t, unix.SYS_OPENAT, unix.SYS_CLOSE, func(g *guest, c *context) {
		unix.Pwrite(g.fd, []byte("/name\x00/nam\x00"), pageSize)
		call := platform.Opening{Dir: lentFD, Flags: 100, Path: "/name"}
		for i, o := range slices.Repeat([]struct {
			what  string
			path  uint64
			again platform.Opening
		}{
			{"", conformance.DataAt, call},
			{"another name", conformance.DataAt + 6, call},
			{"the beginning of a name", conformance.DataAt, platform.Opening{Dir: lentFD, Flags: 100, Path: "/nam"}},
			{"another directory", conformance.DataAt, platform.Opening{Dir: lentFD + 1, Flags: 100, Path: "/name"}},
			{"other flags", conformance.DataAt, platform.Opening{Dir: lentFD, Flags: 101, Path: "/name"}},
			{"a name that is not there", 0x1000_0000, call},
			{"nothing that can be opened again", conformance.DataAt, platform.Opening{}},
		}, 20) {
			g.regs.Rsi = o.path
			for g.regs.OrigRax != unix.SYS_OPENAT {
				c.Switch(g.as, &g.regs)
			}
			c.Return()
			c.lent.until, c.lent.rest = 0, 0
			if c.Lend(lentFD+1, nil, leastRoom, new(lender)) == nil {
				t.Fatal("no room was lent")
			}
			c.LendFile(lentFD, make([]byte, statSize), nil, o.again)
			before := c.lent.area.takes.Load()
			count := func() uint32 { return c.lent.area.takes.Load() - before }
			looked := i%2 == 0 // while it goes on
			c.lent.rooms.Store(looked)
			endless := o.what == "" && !looked
			var over atomic.Bool
			done := make(chan struct{})
			go func() {
				for endless && count() < 100 && !over.Load() {
					runtime.Gosched()
				}
				if endless {
					c.Interrupt()
				}
				close(done)
			}()
			var closed []int32
			for {
				trap := c.Switch(g.as, &g.regs)
				c.Settle(-1)
				if closed = append(closed, c.Closed(true)...); trap.Kind == platform.Syscall {
					break
				}
			}
			over.Store(true)
			<-done
			if open := g.regs.OrigRax == unix.SYS_CLOSE; len(closed) > 1 || open == (len(closed) > 0) {
				t.Fatalf("%d %q: call %d, closed %v", i, o.what, g.regs.OrigRax, closed)
			}
			if n := count(); !looked && (endless && n < 100 || o.what != "" && n != 1) {
				t.Errorf("%d %q: closed %d times", i, o.what, n)
			}
		}
	})
}
