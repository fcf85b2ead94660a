// Package conformance is the contract of package platform as tests: every platform's own tests call
// Run and Benchmark with what makes one. Programs are a few bytes of machine code, given as such, so
// that nothing but the platform is tested.
package conformance

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/arch"
)

// Where the pages of a Guest are. Only the first is mapped.
const (
	TextAt  = 0x100000
	DataAt  = TextAt + pageSize
	StackAt = TextAt + 2*pageSize

	pageSize = 4096
)

// CallLoop is mov $39,%eax; syscall; jmp back: getpid(2) for ever. Spin is jmp to itself.
var (
	CallLoop = []byte{0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7}
	Spin     = []byte{0xeb, 0xfe}
)

// Guest is a program in an address space of its own, its text the first page of the file FD.
type Guest struct {
	AS   platform.AddressSpace
	FD   int
	Regs arch.Registers // as it begins
}

// NewGuest returns a guest on p that goes away with the test.
func NewGuest(t testing.TB, p platform.Platform, text ...byte) *Guest {
	t.Helper()
	fd, err := unix.MemfdCreate("guest", 0)
	if err != nil {
		t.Fatal(err)
	}
	unix.Ftruncate(fd, 1<<20)
	unix.Pwrite(fd, text, 0)
	as, errno := p.NewAddressSpace()
	if errno != 0 {
		t.Fatal(errno)
	}
	if errno := as.Map(TextAt, pageSize, fd, 0, platform.Read|platform.Exec, false); errno != 0 {
		t.Fatal(errno)
	}
	t.Cleanup(func() { as.Release(); unix.Close(fd) })
	return &Guest{AS: as, FD: fd, Regs: arch.Registers{Rip: TextAt, Rsp: StackAt}}
}

// mapData maps the n-th page of the guest's file at DataAt.
func (g *Guest) mapData(t testing.TB, n uint64, prot platform.Prot) {
	t.Helper()
	if errno := g.AS.Map(DataAt, pageSize, g.FD, n*pageSize, prot, false); errno != 0 {
		t.Fatal(errno)
	}
}

// On runs f on a goroutine of its own, which a context may lock to its thread.
func On(f func()) {
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	<-done
}
