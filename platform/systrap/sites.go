package systrap

import (
	"encoding/binary"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// form is a way in which compilers and libraries write a call: the bytes around the SYSCALL
// instruction. moved and after give way to the jump, and are done in the trampoline; before and
// then only tell that they are what they seem, and not the end of a longer instruction.
type form struct {
	before, moved, after, then []int // bytes, or anyByte, numberByte
	// numbered: what is moved only sets EAX to the number, which is known, and is left out. Else
	// the number is what EAX holds.
	numbered bool
	class    slotClass
}

const (
	anyByte    = 0x100 + iota
	numberByte // of the call's number
)

// forms are the known ones.
var forms = []*form{
	newForm("", "b8 nr nr nr nr", "", ""),                    // mov $nr,%eax
	newForm("", "31 c0", "48 3d 00 f0 ff ff", ""),            // xor %eax,%eax: read(2) of glibc
	newForm("4d 89 c8", "4c 8b 4c 24 08", "", ""),            // mov 8(%rsp),%r9: syscall(3) of glibc
	newForm("48 89 ce", "48 89 df", "48 3d 01 f0 ff ff", ""), // mov %rbx,%rdi: Go
	newForm("", "40 80 f6 80", "48 3d 00 f0 ff ff", ""),      // xor $128,%sil: futex(2) of glibc
	newForm("", "40 80 f6 81", "48 3d 00 f0 ff ff", ""),      // xor $129,%sil
	newForm("", "44 89 c0", "48 3d 00 f0 ff ff", ""),         // mov %r8d,%eax
	newForm("", "44 89 c8", "48 3d 00 f0 ff ff", ""),         // mov %r9d,%eax
	newForm("", "44 89 e0", "48 3d 00 f0 ff ff", ""),         // mov %r12d,%eax
	newForm("", "8b 7c 24 any", "48 3d 00 f0 ff ff", ""),     // mov n(%rsp),%edi
	newForm("", "ba any 00 00 00", "", ""),                   // mov $n,%edx
	newForm("", "be any 00 00 00", "", ""),                   // mov $n,%esi
	newForm("", "bf any 00 00 00", "", ""),                   // mov $n,%edi
	newForm("", "bf 9c ff ff ff", "", ""),                    // mov $AT_FDCWD,%edi: open of glibc's ld.so
	newForm("", "81 e6 80 00 00 00", "", "48 3d"),            // and $128,%esi
	newForm("", "48 8b 74 24 any", "48 3d 00 f0 ff ff", ""),  // mov n(%rsp),%rsi: recvfrom(2) of glibc in a program of several threads
	newForm("", "ba ff ff ff 7f", "48 3d 00 f0 ff ff", ""),   // mov $0x7fffffff,%edx: futex(2) that wakes all
	newForm("4c 8b 4c 24 10", "4c 89 5c 24 08", "", "c3"),    // mov %r11,8(%rsp): calls of musl that wait
	newForm("48 8b 72 10", "48 8b 52 18", "48 89 c7", "e8"),  // mov 24(%rdx),%rdx: syscall(3) of musl
	newForm("4c 89 c8", "48 89 d6", "48 83 c4 08", ""),       // mov %rdx,%rsi: calls of musl
}

func newForm(before, moved, after, then string) *form {
	f := &form{before: pattern(before), moved: pattern(moved), after: pattern(after), then: pattern(then)}
	switch n := len(f.moved); {
	case n == 2:
		f.numbered, f.class = true, slotsZero
	case n < 5:
		f.class = slotsLow
	}
	f.numbered = f.numbered || f.moved[1] == numberByte
	return f
}

func pattern(s string) (p []int) {
	for word := range strings.FieldsSeq(s) {
		switch word {
		case "any":
			p = append(p, anyByte)
		case "nr":
			p = append(p, numberByte)
		default:
			b, err := strconv.ParseUint(word, 16, 8)
			if err != nil {
				panic("systrap: a form says " + word)
			}
			p = append(p, int(b))
		}
	}
	return p
}

// prefixes is how many bytes without effect precede the jump, so that who jumps to the SYSCALL
// instruction or to the one behind it finds no instruction (see patch.go).
func (f *form) prefixes() int {
	n := len(f.moved)
	switch {
	case n < 3:
		return 0
	case n < 5:
		return n - 3
	}
	return n - 5
}

// jumpSize is how many bytes of the site change.
func (f *form) jumpSize() int { return f.prefixes() + 7 }

// findForm returns the form of a call whose SYSCALL ends at b[at].
func findForm(b []byte, at int, nr uint32) *form {
	for _, f := range forms {
		first, end := at-2-len(f.moved)-len(f.before), at+len(f.after)+len(f.then)
		if first < 0 || end > len(b) || b[at-2] != 0x0f || b[at-1] != 0x05 || len(f.moved) == 2 && nr != 0 {
			continue
		}
		if matches(b[first:], f.before, nr) && matches(b[at-2-len(f.moved):], f.moved, nr) && matches(b[at:], append(f.after[:len(f.after):len(f.after)], f.then...), nr) {
			return f
		}
	}
	return nil
}

func matches(b []byte, p []int, nr uint32) bool {
	number := 0
	for i, want := range p {
		switch want {
		case anyByte:
		case numberByte:
			if b[i] != byte(nr>>(8*number)) {
				return false
			}
			number++
		default:
			if int(b[i]) != want {
				return false
			}
		}
	}
	return true
}

// site is a patched call site.
type site struct {
	ret   uint64 // address of the instruction behind SYSCALL
	nr    uint32 // if the form is numbered
	moved uint64 // bytes between the jump's address and SYSCALL
	form  *form
	tramp uint64 // address of its trampoline
	// The trampoline does what stood in front of SYSCALL; 0 bytes: nothing.
	pre uint64
}

// start is where the jump is.
func (s *site) start() uint64 { return s.ret - 2 - s.moved }

// end is where what was behind SYSCALL and gave way is done, at the end of the trampoline; 0 if
// nothing did.
func (s *site) end() uint64 {
	if len(s.form.after) == 0 {
		return 0
	}
	return s.tramp + trampEnd
}

// open tells whether the trampoline leaves the number in RAX, for entryOpen: if the form leaves it
// open, or the stub makes the call itself.
func (s *site) open() bool { return !s.form.numbered || s.nr == unix.SYS_SCHED_YIELD }

// number is that of a call from the site, which is in rax if it is open.
func (s *site) number(rax uint64) uint64 {
	if s.open() {
		return rax
	}
	return uint64(s.nr)
}

// compares returns what the instruction behind the call compares RAX with.
func (s *site) compares() (imm uint64, ok bool) {
	a := s.form.after
	if len(a) != 6 || a[0] != 0x48 || a[1] != 0x3d {
		return 0, false
	}
	v := int32(a[2]) | int32(a[3])<<8 | int32(a[4])<<16 | int32(a[5])<<24
	return uint64(int64(v)), true
}

// slotClass says which slots serve a form: their addresses are part of the jump, and are to be
// no instructions.
type slotClass uint8

const (
	slotsAny  slotClass = iota
	slotsZero           // the second byte is none
	slotsLow            // the first byte is none
	slotClasses
)

func classOf(slot int) slotClass {
	first, second := byte(slot*8), byte(slot*8>>8)
	switch {
	case first == 0x60:
		return slotsLow
	case second == 0x06 || second == 0x07 || second == 0x0e:
		return slotsZero
	}
	return slotsAny
}

// jump writes the jump by a slot over the site that begins at b.
func (f *form) jump(b []byte, slot int) {
	n := f.prefixes()
	for i := range n {
		b[i] = 0x3e
	}
	copy(b[n:], []byte{0xff, 0x24, 0x25})
	binary.LittleEndian.PutUint32(b[n+3:], uint32(slotsAt+8*slot))
}

// jumpSlot returns the slot of the jump that begins at b, -1 if there is none.
func jumpSlot(b []byte) int {
	for len(b) > 7 && b[0] == 0x3e {
		b = b[1:]
	}
	if len(b) < 7 || b[0] != 0xff || b[1] != 0x24 || b[2] != 0x25 {
		return -1
	}
	at := binary.LittleEndian.Uint32(b[3:])
	if at < slotsAt || at >= slotsAt+8*maxSlots || at%8 != 0 {
		return -1
	}
	return int(at-slotsAt) / 8
}

// trampEnd is where the second half of a trampoline begins: what was behind the call, then a jump
// to the rest of the application, whose address is in the last word.
const trampEnd = trampSize / 2

// code assembles a trampoline.
type code struct {
	b  []byte
	n  int
	at uint64 // address of b
}

func (c *code) put(b ...byte) { c.n += copy(c.b[c.n:], b) }

func (c *code) put32(v uint32) { c.n += copy(c.b[c.n:], binary.LittleEndian.AppendUint32(nil, v)) }

// jmp goes to an address in the stub's text.
func (c *code) jmp(to uint64) {
	c.put(0xe9)
	c.put32(uint32(to - (c.at + uint64(c.n) + 4)))
}

// back jumps to the address in the last word.
func (c *code) back() {
	c.put(0xff, 0x25)
	c.put32(uint32(trampSize - 8 - c.n - 4))
}

// ifArea goes on if GS is an area, which is then in R11, and else does what other puts, of n bytes.
// RCX is lost, no flag changes: RCX becomes 0 if GS is in the uppermost 4 GiB.
func (c *code) ifArea(n byte, other func()) {
	c.put(0xf3, 0x49, 0x0f, 0xae, 0xcb) // rdgsbase %r11
	c.put(0x48, 0xb9)                   // movabs $-areaAt,%rcx
	areas := uint64(areaAt)
	c.n += copy(c.b[c.n:], binary.LittleEndian.AppendUint64(nil, -areas))
	c.put(0x4a, 0x8d, 0x0c, 0x19) // lea (%rcx,%r11),%rcx
	c.put(0x48, 0x0f, 0xc9)       // bswap %rcx
	c.put(0x67, 0xe3, n)          // jecxz
	other()
}

// trampoline writes the code of a slot, whose address is at, to b.
func (s *site) trampoline(b []byte, at uint64, slot uint32, moved, after []byte) {
	clear(b)
	c := &code{b: b, at: at}
	if !s.open() {
		if fact := answered(s.nr); fact != 0 {
			c.ifArea(2, func() { c.put(0xeb, 7+3+3+6) }) // jmp to the general part
			c.put(0x41, 0x8b, 0x8b)                      // mov fact(%r11),%ecx
			c.put32(uint32(fact))
			c.put(0x67, 0xe3, 3+6)  // jecxz to the general part
			c.put(0x8d, 0x41, 0xff) // lea -1(%rcx),%eax
			c.back()
		} else if kind := lent(s.nr); kind != 0 {
			c.ifArea(2, func() { c.put(0xeb, 11) }) // jmp to the general part
			c.put(0x41, 0xc7, 0x83)                 // movl $kind,io(%r11)
			c.put32(areaIO)
			c.put32(kind)
		}
		c.put(0xb8) // mov $slot,%eax
		c.put32(slot)
		c.jmp(textAt + entryCall)
	} else {
		c.put(moved...)
		c.ifArea(10, func() {
			c.put(0xb9) // mov $slot,%ecx
			c.put32(slot)
			c.jmp(textAt + entryOpenNoArea)
		})
		c.put(0xb9) // mov $end,%ecx
		c.put32(uint32(at + trampEnd))
		c.jmp(textAt + entryOpen)
	}
	if c.n > trampEnd {
		panic("systrap: a trampoline is too long")
	}
	c.n = trampEnd
	c.put(after...)
	c.back()
	binary.LittleEndian.PutUint64(b[trampSize-8:], s.ret+uint64(len(after)))
}

// answered returns where in the area the answer to a call is, 0 for the most. What is there is
// one more than the answer, or 0: ask the sentry.
func answered(nr uint32) int {
	switch nr {
	case unix.SYS_GETPID:
		return areaPID
	case unix.SYS_GETTID:
		return areaTID
	case unix.SYS_GETPPID:
		return areaPPID
	case unix.SYS_GETUID:
		return areaUID
	case unix.SYS_GETEUID:
		return areaEUID
	case unix.SYS_GETGID:
		return areaGID
	case unix.SYS_GETEGID:
		return areaEGID
	}
	return 0
}

// lent returns the kind of a call that may be answered from what was lent, 0 of most.
func lent(nr uint32) uint32 {
	switch nr {
	case unix.SYS_READ:
		return ioRead
	case unix.SYS_WRITE:
		return ioWrite
	case unix.SYS_RECVFROM:
		return ioRecv
	case unix.SYS_SENDTO:
		return ioSend
	case unix.SYS_WRITEV:
		return ioGather
	case unix.SYS_CLOSE:
		return ioClose
	case unix.SYS_FSTAT:
		return ioStat
	case unix.SYS_NEWFSTATAT:
		return ioStatAt
	case unix.SYS_SENDFILE:
		return ioSendfile
	case unix.SYS_OPENAT:
		return ioOpenAt
	case unix.SYS_FCNTL:
		return ioFcntl
	case unix.SYS_GETDENTS64:
		return ioGetdents
	case unix.SYS_READLINK:
		return ioReadlink
	}
	return 0
}
