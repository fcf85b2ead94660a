package loader

import (
	"encoding/binary"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/mm"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// File is an open executable.
type File interface {
	Reader
	// MapArgs fills in the file's side of a: the file, its contents, how it is open.
	MapArgs(a *mm.MapArgs)
}

// Program is what an exec runs.
type Program[F File] struct {
	Exe  Executable[F]
	Envv []string
	// Open opens the ELF interpreter with the caller's rights; Put closes it.
	Open func(path string) (F, linux.Errno)
	Put  func(F)

	UID, EUID, GID, EGID uint32 // of the new program, in its user namespace
	Secure               bool   // AT_SECURE
	// Personality bits.
	NoRandomize     bool
	ReadImpliesExec bool

	Random  func(b []byte) // fills b with random bytes
	Machine Machine
	VDSO    *VDSO // nil: none
}

// Machine is what the auxiliary vector says about the processor.
type Machine struct {
	Hwcap, Hwcap2, MinSigStack uint64
}

// Start is where the new program begins.
type Start struct {
	Entry usermem.Addr // of the interpreter, if there is one
	SP    usermem.Addr
	// Fatal says of a failure that Linux would have given up the old program before it: the process
	// dies of SIGSEGV.
	Fatal bool
}

// Load maps a program into m, which is empty, and lays out its first stack
// (load_elf_binary, fs/binfmt_elf.c). On failure m is half made and to be thrown away.
func Load[F File](m *mm.MM, p Program[F]) (Start, linux.Errno) {
	im, errno := parseELF(p.Exe.File)
	if errno != 0 {
		return Start{}, errno
	}
	if errno := CheckArgs(p.Exe.Name, p.Exe.Argv, p.Envv, m.Limits().Stack); errno != 0 {
		return Start{}, errno
	}
	var (
		interp *image
		file   F
	)
	if im.interp != "" {
		if file, errno = p.Open(im.interp); errno != 0 {
			return Start{}, errno
		}
		defer p.Put(file)
		if interp, errno = parseELF(file); errno != 0 {
			if errno == linux.ENOEXEC {
				errno = linux.ELIBBAD
			}
			return Start{}, errno
		}
	}
	start, errno := place(m, p, im, interp, file)
	start.Fatal = errno != 0
	return start, errno
}

// place is Load once the headers are read.
func place[F File](m *mm.MM, p Program[F], im, interp *image, file F) (Start, linux.Errno) {
	var random func(uint64) uint64
	if !p.NoRandomize {
		random = func(n uint64) uint64 {
			var b [8]byte
			p.Random(b[:])
			return binary.LittleEndian.Uint64(b[:]) % n
		}
	}
	l := load{m: m, im: im, place: mm.PlaceFor(m.Top(), m.Limits().Stack, random)}
	l.layout = mm.Layout{MmapBase: l.place.MmapBase, ReadImpliesExec: p.ReadImpliesExec}
	m.SetLayout(l.layout)
	if errno := l.program(p.Exe.File); errno != 0 {
		return Start{}, errno
	}
	entry := usermem.Addr(im.entry + l.bias)
	var base uint64
	if interp != nil {
		var errno linux.Errno
		if entry, base, errno = l.interpreter(file, interp); errno != 0 {
			return Start{}, errno
		}
	}
	if entry >= mm.TaskSize {
		return Start{}, linux.EINVAL
	}
	if p.VDSO != nil {
		if errno := l.mapVDSO(p.VDSO); errno != 0 {
			return Start{}, errno
		}
	}
	aux := auxVector(&p, im, l.bias, base, uint64(l.layout.VDSO))
	sp, errno := l.stack(p.Exe, p.Envv, aux, p.Random, !p.NoRandomize)
	if errno != 0 {
		return Start{}, errno
	}
	l.layout.StartStack = sp
	m.SetLayout(l.layout)
	m.Prefault(entry, false)
	if interp != nil {
		m.Starting()
	}
	return Start{Entry: entry, SP: sp}, 0
}

// load is a Load under way.
type load struct {
	m      *mm.MM
	im     *image
	place  mm.Place
	layout mm.Layout
	bias   uint64 // added to the program's addresses
}

// program maps the program itself and sets the heap behind it.
func (l *load) program(f File) linux.Errno {
	im := l.im
	if im.bad != 0 {
		return im.bad
	}
	if im.dynamic {
		at := l.place.PIEBase &^ usermem.Addr(im.align-1)
		if im.interp == "" { // a static one, or ld.so called by name: where mmap would put it
			var errno linux.Errno
			if at, errno = l.m.Unmapped(im.high-im.low, im.align); errno != 0 {
				return errno
			}
		}
		l.bias = uint64(at) - im.low
	}
	if errno := l.segments(f, im, l.bias, !im.dynamic); errno != 0 {
		return errno
	}
	y := &l.layout
	y.StartCode, y.StartData = ^usermem.Addr(0), 0
	for _, s := range im.segments {
		at := usermem.Addr(s.start + l.bias)
		end := usermem.Addr(max(s.fileEnd, s.start) + l.bias)
		if s.prot&protExec != 0 {
			y.StartCode, y.EndCode = min(y.StartCode, at), max(y.EndCode, end)
		}
		y.StartData, y.EndData = max(y.StartData, at), max(y.EndData, end)
	}
	if y.EndCode == 0 {
		y.StartCode = 0
	}
	brk := usermem.Addr(im.high + l.bias)
	if im.dynamic && im.interp == "" {
		// Away from the mmap region, where it would soon run into something.
		brk = l.place.PIEBase.PageDown()
	}
	brk += usermem.Addr(l.place.BrkGap)
	y.StartBrk, y.Brk = brk, brk
	l.m.SetLayout(*y)
	return 0
}

// interpreter maps the ELF interpreter and returns its entry point and load address.
func (l *load) interpreter(f File, im *image) (entry usermem.Addr, base uint64, errno linux.Errno) {
	if im.bad != 0 {
		return 0, 0, im.bad
	}
	bias := uint64(0)
	if im.dynamic {
		at, errno := l.m.Unmapped(im.high-im.low, im.align)
		if errno != 0 {
			return 0, 0, errno
		}
		bias = uint64(at) - im.low
	}
	if errno := l.segments(f, im, bias, !im.dynamic); errno != 0 {
		return 0, 0, errno
	}
	return usermem.Addr(im.entry + bias), im.low + bias, 0
}

// segments maps the segments of an image. With check true the first must not lie over
// anything that is there.
func (l *load) segments(f File, im *image, bias uint64, check bool) linux.Errno {
	for i, s := range im.segments {
		a := mm.MapArgs{
			Addr: usermem.Addr(s.addr + bias), Prot: uint32(s.prot), Off: s.off, Eager: true,
			Flags: linux.MAP_PRIVATE | linux.MAP_FIXED,
		}
		if i == 0 && check {
			a.Flags |= linux.MAP_FIXED_NOREPLACE
		}
		if errno := l.segment(f, s, bias, a); errno != 0 {
			return errno
		}
	}
	for _, s := range im.segments {
		if s.fileEnd > s.addr {
			l.m.Prefault(usermem.Addr(s.addr+bias), s.prot&protWrite != 0)
		}
		if zero := (s.fileEnd + bias + usermem.PageMask) &^ usermem.PageMask; zero < s.memEnd+bias {
			l.m.Prefault(usermem.Addr(zero), true)
		}
	}
	return 0
}

// segment maps one segment: the file's part as a says, zero memory behind it (elf_load).
func (l *load) segment(f File, s segment, bias uint64, a mm.MapArgs) linux.Errno {
	fileEnd, memEnd := usermem.Addr(s.fileEnd+bias), usermem.Addr(s.memEnd+bias)
	zero := a.Addr
	if fileEnd > a.Addr {
		f.MapArgs(&a)
		a.Len = uint64(fileEnd - a.Addr)
		if _, errno := l.m.Map(a); errno != 0 {
			return errno
		}
		if memEnd <= fileEnd {
			return 0
		}
		end, _ := fileEnd.PageUp()
		if _, errno := l.m.Space().ZeroOut(fileEnd, int(end-fileEnd)); errno != 0 && s.prot&protWrite != 0 {
			return errno
		}
		zero = end
	}
	if end, _ := memEnd.PageUp(); zero < end {
		prot := uint32(linux.PROT_READ | linux.PROT_WRITE | s.prot&protExec)
		_, errno := l.m.Map(mm.MapArgs{Addr: zero, Len: uint64(end - zero), Prot: prot,
			Flags: linux.MAP_PRIVATE | linux.MAP_ANONYMOUS | linux.MAP_FIXED})
		return errno
	}
	return 0
}

// Sizes of the first stack (setup_arg_pages, fs/exec.c).
const (
	stackExpand = 128 << 10
	stackGapMax = 8192
)

// stack makes the stack area and fills its top.
func (l *load) stack(exe interface{ names() (string, []string) }, envv []string, aux []auxEntry, random func([]byte), shift bool) (usermem.Addr, linux.Errno) {
	var bytes [18]byte
	random(bytes[:])
	gap := uint64(0)
	if shift {
		gap = uint64(binary.LittleEndian.Uint16(bytes[16:])) % stackGapMax
	}
	name, argv := exe.names()
	img := buildStack(l.place.StackTop, name, argv, envv, aux, [16]byte(bytes[:16]), gap)
	size, _ := usermem.PageUp(uint64(len(img.bytes)))
	limit := l.m.Limits().Stack &^ usermem.PageMask
	size = max(size, min(size+stackExpand, limit))
	prot := uint32(linux.PROT_READ | linux.PROT_WRITE)
	if l.im.execStack || l.layout.ReadImpliesExec {
		prot |= linux.PROT_EXEC
	}
	_, errno := l.m.Map(mm.MapArgs{Addr: l.place.StackTop - usermem.Addr(size), Len: size, Prot: prot, Stack: true,
		Flags: linux.MAP_PRIVATE | linux.MAP_ANONYMOUS | linux.MAP_FIXED_NOREPLACE})
	if errno != 0 {
		return 0, errno
	}
	if _, errno := l.m.Space().CopyOut(img.sp, img.bytes); errno != 0 {
		return 0, errno
	}
	y := &l.layout
	y.ArgStart, y.ArgEnd, y.EnvStart, y.EnvEnd = img.argStart, img.argEnd, img.envStart, img.envEnd
	y.Auxv = make([]uint64, len(img.auxv)/8)
	for i := range y.Auxv {
		y.Auxv[i] = binary.LittleEndian.Uint64(img.auxv[i*8:])
	}
	return img.sp, 0
}

// names returns what the stack says about the program.
func (e Executable[F]) names() (string, []string) { return e.Name, e.Argv }

// auxVector returns the auxiliary vector in Linux's order (create_elf_tables).
func auxVector[F File](p *Program[F], im *image, bias, base, vdso uint64) []auxEntry {
	phdr := uint64(0)
	if im.phdrAddr != 0 {
		phdr = im.phdrAddr + bias
	}
	secure := uint64(0)
	if p.Secure {
		secure = 1
	}
	aux := []auxEntry{
		{atSysinfoEhdr, vdso},
		{atMinsigstksz, p.Machine.MinSigStack},
		{atHwcap, p.Machine.Hwcap},
		{atPagesz, usermem.PageSize},
		{atClktck, 100},
		{atPhdr, phdr},
		{atPhent, phdrSize},
		{atPhnum, uint64(im.phnum)},
		{atBase, base},
		{atFlags, 0},
		{atEntry, im.entry + bias},
		{atUID, uint64(p.UID)},
		{atEUID, uint64(p.EUID)},
		{atGID, uint64(p.GID)},
		{atEGID, uint64(p.EGID)},
		{atSecure, secure},
		{atRandom, 0},
		{atHwcap2, p.Machine.Hwcap2},
		{atExecfn, 0},
		{atPlatform, 0},
		{atNull, 0},
	}
	if vdso == 0 {
		aux = aux[1:]
	}
	return aux
}
