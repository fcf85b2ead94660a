package systrap

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform"
)

// fresh runs n calls of g's text in an address space of its own, and tells whether the first was patched.
func (g *guest) fresh(t *testing.T, n int) (patched bool) {
	t.Helper()
	old := *g
	defer func() { *g = old }()
	as := g.space(t)
	defer as.Release()
	g.as = as
	on(func() {
		c := plat(t).NewContext().(debuggable).context
		defer c.Release()
		g.regs.Rip = guestAt
		g.calls(t, c, 1)
		patched = c.live
		g.calls(t, c, n-1)
		if !patched {
			return
		}
		// The old instruction: the number is in RAX.
		g.regs.Rip, g.regs.Rax = guestAt+5, 200
		if trap := c.Switch(g.as, &g.regs); trap.Kind != platform.Syscall || g.regs.OrigRax != 200 || g.regs.Rip != guestAt+7 {
			t.Errorf("restarted: %+v %+v", trap, g.regs)
		}
	})
	return patched
}

// TestKnownCalls has one process after the other run the same file, none of them for long enough to be patched: in the end
// they find its calls patched, unless the file has changed.
func TestKnownCalls(t *testing.T) {
	patchable(t, true)
	g := newGuest(t, getpidLoop...)
	const each, most = patchAfter / 2, 100
	n := 0
	for n < most && !g.fresh(t, each) {
		n++
	}
	if n == 0 || n == most {
		t.Fatalf("patched after %d", n)
	}
	for range 3 {
		if !g.fresh(t, 3*patchAfter) {
			t.Error("not patched")
		}
	}
	p := plat(t)
	f := p.textFile(g.fd)
	if len(f.pages) != 1 || f.copies != 1 || p.copyRefs[f.pages[0].unit] != 1 {
		t.Fatalf("%d pages, %d copies", len(f.pages), f.copies)
	}
	// The file changes, but looks as it did.
	var st unix.Stat_t
	unix.Pwrite(g.fd, []byte{0x90}, 2000)
	unix.Fstat(g.fd, &st)
	p.infos.files[infoFile{st.Dev, st.Ino, st.Size, st.Mtim, st.Ctim}] = f
	if g.fresh(t, each) {
		t.Error("patched although it has changed")
	}
}

// TestKnownPatch: that one process had to patch a call is enough for the next to find it patched, also if many have run
// the file before, who did not make it.
func TestKnownPatch(t *testing.T) {
	patchable(t, true)
	g := newGuest(t, getpidLoop...)
	if g.fresh(t, 2*patchAfter) {
		t.Fatal("patched before it was called")
	}
	if !g.fresh(t, 1) {
		t.Error("not patched")
	}

	g = newGuest(t, getpidLoop...)
	for range 50 * mostMaps {
		g.fresh(t, 1)
		f := plat(t).textFile(g.fd)
		for _, c := range f.calls {
			c.traps = 0
		}
	}
	const most = 3
	n := 0
	for n < most && !g.fresh(t, 2*patchAfter) {
		n++
	}
	if n == most {
		t.Error("what was run long ago counts for ever")
	}
}

// TestKnownSlot maps a page with a known call where the process has given the slot to another.
func TestKnownSlot(t *testing.T) {
	patchable(t, true)
	g := newGuest(t, getpidLoop...)
	for !g.fresh(t, patchAfter/2) {
	}
	p := plat(t)
	as, _ := p.NewAddressSpace()
	defer as.Release()
	for at := uint64(guestAt); at < guestAt+2*pageSize; at += pageSize {
		if errno := as.Map(at, pageSize, g.fd, 0, platform.Read|platform.Exec, false); errno != 0 {
			t.Fatal(errno)
		}
	}
	proc := as.(*space).proc
	if n := len(proc.patches.pages); n != 1 {
		t.Errorf("%d copies", n)
	}
	if st := proc.patches.set.Load().sites[p.textFile(g.fd).pages[0].calls[0].slot].Load(); st == nil || st.ret != guestAt+7 {
		t.Errorf("the slot is for %+v", st)
	}
}

// TestKnownLies has a process say that it calls from where there only seems to be a call.
func TestKnownLies(t *testing.T) {
	patchable(t, true)
	text := append([]byte{0xb8, 39, 0, 0, 1, 0x0f, 0x05}, getpidLoop...)
	g := newGuest(t, text...)
	p := plat(t)
	for range 3 {
		as, errno := p.NewAddressSpace()
		if errno != 0 {
			t.Fatal(errno)
		}
		if errno := as.Map(guestAt, pageSize, g.fd, 0, platform.Read|platform.Exec, false); errno != 0 {
			t.Fatal(errno)
		}
		proc := as.(*space).proc
		if n := len(proc.patches.pages); n != 0 {
			t.Errorf("%d copies", n)
		}
		for range 10 * lookAtCalls {
			proc.note(guestAt+7, 39|1<<24)
			proc.note(guestAt+7, 39)
			proc.note(guestAt+5, 39)
			proc.note(guestAt+pageSize, 0)
			proc.note(guestAt+pageSize+1, 39)
			proc.note(1, 39)
			proc.note(^uint64(0), 39)
		}
		as.Release()
	}
}
