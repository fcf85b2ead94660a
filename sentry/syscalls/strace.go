package syscalls

import (
	"strconv"
	"strings"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// Strace prints calls the way strace(1) does, one line a finished call:
//
//	[   3:sh] openat(AT_FDCWD, "/etc/passwd", O_RDONLY|O_CLOEXEC, 0) = 3 <0.000012>
//
// It reads the application's memory after the call, so an argument the call or another
// thread overwrote is shown as it is then; execve's are read before (Enter).
type Strace struct {
	// Line receives each line, without the newline. It may be called from many goroutines.
	Line func(string)
	// Only, if not empty, names the calls to print.
	Only map[string]bool
}

// before are the calls whose arguments are gone or changed once they are done.
func before(nr uint64) bool {
	switch nr {
	case linux.SYS_EXECVE, linux.SYS_EXECVEAT, linux.SYS_EXIT, linux.SYS_EXIT_GROUP, linux.SYS_RT_SIGRETURN:
		return true
	}
	return false
}

// Enter prints the calls that may not come back.
func (s *Strace) Enter(t *kernel.Task, nr uint64, a Args) {
	if before(nr) && s.wanted(nr) {
		s.Line(call(t, nr, a, 0, 0).String() + " ...")
	}
}

// wanted tells whether call nr is to be printed.
func (s *Strace) wanted(nr uint64) bool { return len(s.Only) == 0 || s.Only[Name(nr)] }

// Exit prints a finished call.
func (s *Strace) Exit(t *kernel.Task, nr uint64, a Args, ret uintptr, errno linux.Errno, took time.Duration) {
	if !s.wanted(nr) {
		return
	}
	var b *strings.Builder
	if before(nr) {
		b = new(strings.Builder)
		head(b, t)
		b.WriteString("... " + Name(nr) + " resumed")
	} else {
		b = call(t, nr, a, ret, errno)
	}
	b.WriteString(" = ")
	switch {
	case errno == kernel.NoReturn:
		b.WriteString("?")
	case errno != 0:
		b.WriteString("-1 ")
		b.WriteString(errno.Name() + " (" + errno.Text() + ")")
	case ret > 1<<32:
		b.WriteString("0x" + strconv.FormatUint(uint64(ret), 16))
	default:
		b.WriteString(strconv.FormatInt(int64(ret), 10))
	}
	b.WriteString(" <" + strconv.FormatFloat(took.Seconds(), 'f', 6, 64) + ">")
	s.Line(b.String())
}

func head(b *strings.Builder, t *kernel.Task) {
	b.WriteString("[")
	b.WriteString(strconv.Itoa(int(t.TID())))
	b.WriteString(":")
	b.WriteString(t.Comm())
	b.WriteString("] ")
}

func call(t *kernel.Task, nr uint64, a Args, ret uintptr, errno linux.Errno) *strings.Builder {
	b := new(strings.Builder)
	head(b, t)
	b.WriteString(Name(nr))
	b.WriteByte('(')
	kinds := []string{"hex", "hex", "hex", "hex", "hex", "hex"}
	if nr < Size && Table[nr].Name != "" {
		kinds = strings.Fields(Table[nr].Format)
	}
	p := printer{mem: t.Space(), args: a, ret: ret, failed: errno != 0, out: b}
	for i, k := range kinds {
		if i >= len(a) {
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		p.print(k, i)
	}
	b.WriteByte(')')
	return b
}

// printer prints the arguments of one call.
type printer struct {
	mem    *usermem.Space
	args   Args
	ret    uintptr
	failed bool
	out    *strings.Builder
}

// print writes argument i, which is of the kind k: one of straceKinds, or hexadecimal.
func (p *printer) print(k string, i int) {
	v := uint64(p.args[i])
	if f, ok := straceKinds[k]; ok {
		f(p, i, v)
		return
	}
	p.hex(v)
}

func (p *printer) hex(v uint64) {
	if v == 0 {
		p.out.WriteString("0")
		return
	}
	p.out.WriteString("0x" + strconv.FormatUint(v, 16))
}

func (p *printer) int(v int64) { p.out.WriteString(strconv.FormatInt(v, 10)) }

// straceString is how many bytes of a string or buffer are shown.
const straceString = 64

// quote prints at most n bytes at addr as a string.
func (p *printer) quote(addr uint64, n uint64) {
	if addr == 0 {
		p.out.WriteString("NULL")
		return
	}
	var buf [straceString]byte
	want := min(n, straceString)
	got, _ := p.mem.CopyIn(usermem.Addr(addr), buf[:want])
	if got == 0 && want > 0 {
		p.hex(addr)
		return
	}
	p.out.WriteString(strconv.QuoteToASCII(string(buf[:got])))
	if uint64(got) < n {
		p.out.WriteString("...")
	}
}

// path prints a NUL-terminated string.
func (p *printer) path(addr uint64) {
	if addr == 0 {
		p.out.WriteString("NULL")
		return
	}
	s, errno := p.mem.CopyInString(usermem.Addr(addr), 4096)
	if errno != 0 {
		p.hex(addr)
		return
	}
	p.out.WriteString(strconv.QuoteToASCII(s))
}

// flags prints the set bits of v by name, what is left in hexadecimal.
func (p *printer) flags(v uint64, names []flagName) {
	sep := ""
	for _, f := range names {
		if v&f.bits == f.bits && (f.bits != 0 || v == 0) {
			p.out.WriteString(sep + f.name)
			sep = "|"
			v &^= f.bits
		}
	}
	if v != 0 || sep == "" {
		p.out.WriteString(sep)
		p.hex(v)
	}
}

type flagName struct {
	bits uint64
	name string
}
