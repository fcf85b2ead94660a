package systrap

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/conformance"
)

// asks has the guest ask for the link at address at, and reports whether the stub answered.
func (g *guest) asks(t *testing.T, c *context, at uint64) bool {
	t.Helper()
	for g.regs.OrigRax != unix.SYS_GETPGRP {
		c.Switch(g.as, &g.regs)
	}
	paths := c.paths.Load()
	c.PathsChanged()
	g.regs.Rdi, g.regs.Rsi, g.regs.Rdx, g.regs.R10, g.regs.R12 = at, 2, 3, 4, 5
	c.Switch(g.as, &g.regs) // with these registers
	c.Switch(g.as, &g.regs)
	if c.paths.Store(paths); paths {
		c.thread.Load().area.linked.Store(1)
	}
	trap := c.Switch(g.as, &g.regs)
	r := &g.regs
	if r.Rdi != at || r.Rsi != 2 || r.Rdx != 3 || r.R10 != 4 || r.R12 != 5 || r.R8 != 8 || r.R15 != 15 {
		t.Errorf("registers %+v", r)
	}
	answered := r.OrigRax == unix.SYS_GETPGRP
	if trap.Kind != platform.Syscall || !answered && (r.OrigRax != unix.SYS_READLINK || trap.Addr != 0) {
		t.Errorf("%+v, call %d", trap, r.OrigRax)
	}
	return answered
}

// TestLendPath: readlink(2) is answered of exactly the paths that were lent, wherever they are in a page.
func TestLendPath(t *testing.T) {
	caller(t, unix.SYS_READLINK, unix.SYS_GETPGRP, func(g *guest, c *context) {
		long := "/" + strings.Repeat("usr/lib/", 9)
		for _, o := range []struct {
			lent, path string
			at         int
			answered   bool
		}{
			{"/", "/", 0, true},
			{"/usr", "/usr", 1, true},
			{"/usr", "/usr", pageSize - nameSize, true},
			{"/usr", "/usr", pageSize - nameSize + 1, false},
			{"/usr", "/usr", pageSize - 5, false},
			{"/usr", "/us", 0, false},
			{"/usr", "/usr/", 0, false},
			{"/usr/lib", "/usr", 0, false},
			{"/usr/lib", "/usr/lib", 3, true},
			{"/usr/bin", "/usr/lib", 3, false},
			{long[:15], long[:15], 7, true},
			{long[:16], long[:16], 7, true},
			{long[:17], long[:17], 7, true},
			{long[:nameSize-1], long[:nameSize-1], 9, true},
			{long[:nameSize], long[:nameSize], 9, false},
			{long[:nameSize-1], long[:nameSize], 9, false},
			{"usr", "usr", 0, false},
			{"/", "", 0, false},
			{"/\xff\x80\x01", "/\xff\x80\x01", 0, true},
			{"/\xff\x80\x01", "/\xff\x80\x02", 0, false},
		} {
			c.PathsChanged()
			c.LendPath(o.lent)
			if _, err := unix.Pwrite(g.fd, append([]byte(o.path), 0), int64(pageSize+o.at)); err != nil {
				t.Fatal(err)
			}
			if g.asks(t, c, conformance.DataAt+uint64(o.at)) != o.answered {
				t.Errorf("%+v", o)
			}
			unix.Pwrite(g.fd, []byte(strings.Repeat("x", nameSize)), int64(pageSize+o.at)) // for the next
		}
		if g.asks(t, c, conformance.DataAt+pageSize) { // which is not mapped
			t.Error("a path that is nowhere is known")
		}
	})
}

// TestLendPaths: of many, the last are known; none is when the kernel says so, when facts change, and while the thread is interrupted.
func TestLendPaths(t *testing.T) {
	caller(t, unix.SYS_READLINK, unix.SYS_GETPGRP, func(g *guest, c *context) {
		const all = 4 * mostNames
		known := func() (n int) {
			for i := range all {
				unix.Pwrite(g.fd, fmt.Appendf(nil, "/dir%d\x00", i), pageSize)
				if g.asks(t, c, conformance.DataAt) {
					n++
				} else if i == all-1 {
					t.Error("the last is not known")
				}
			}
			return n
		}
		lend := func() {
			for i := range all {
				c.LendPath(fmt.Sprintf("/dir%d", i))
			}
		}
		lend()
		if n := known(); n < mostNames/2 || n > mostNames {
			t.Errorf("%d of %d are known", n, mostNames)
		}
		for i, end := range []func(){c.PathsChanged, func() { c.Answer(nil) }, func() { c.mute(c.thread.Load()) }} {
			lend()
			end()
			if g.asks(t, c, conformance.DataAt) {
				t.Errorf("%d: a path is known that may have changed", i)
			}
			c.LendPath("/other")
			if g.asks(t, c, conformance.DataAt) {
				t.Errorf("%d: a path is known again that may have changed", i)
			}
		}
	})
}
