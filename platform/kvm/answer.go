package kvm

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform"
)

// answers are calls that ring 0 answers itself. Its code for one is
//
//	cmp $number, %eax
//	jne next
//	mov $result, %eax
//	sysretq
//
// which changes nothing but RAX and the flags, and those SYSRET takes from R11, where SYSCALL put them. RCX is the
// address behind the SYSCALL instruction, which is below maxAddr, so that SYSRET does not fail.
type answers struct {
	n    int
	list [6]answer
}

// stubOffset is where the stub lies in the entry page, behind all answers.
const stubOffset = 7 * 16

type answer struct{ number, result uint32 }

// Orphan implements platform.Answerer: getppid(2) is not answered here.
func (c *context) Orphan() {}

// Answer implements platform.Answerer.
func (c *context) Answer(f *platform.Facts) {
	c.facts = answers{}
	if f == nil || c.p.outside {
		return
	}
	c.facts.list = [6]answer{{unix.SYS_GETPID, uint32(f.PID)}, {unix.SYS_GETTID, uint32(f.TID)},
		{unix.SYS_GETUID, f.UID}, {unix.SYS_GETEUID, f.EUID}, {unix.SYS_GETGID, f.GID}, {unix.SYS_GETEGID, f.EGID}}
	if c.facts.n = 2; f.IDs {
		c.facts.n = len(c.facts.list)
	}
}

// write makes them the entry's code, which goes on to the stub. The vCPU does not run.
func (a *answers) write(code []byte) {
	const size = 15
	fill(code[:stubOffset])
	for i, x := range a.list[:a.n] {
		b := [size]byte{0x3d, 0, 0, 0, 0, 0x75, 8, 0xb8, 0, 0, 0, 0, 0x48, 0x0f, 0x07}
		binary.LittleEndian.PutUint32(b[1:], x.number)
		binary.LittleEndian.PutUint32(b[8:], x.result)
		copy(code[i*size:], b[:])
	}
	at := a.n * size
	code[at] = jmp
	binary.LittleEndian.PutUint32(code[at+1:], uint32(stubOffset-at-5))
}
