package loader

import (
	"encoding/binary"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// taskSize is the first address above the application's half, less the guard page
// (TASK_SIZE_MAX).
const taskSize = 1<<47 - usermem.PageSize

// Protection bits of a segment, as in mmap(2).
const (
	protRead  = 1
	protWrite = 2
	protExec  = 4
)

// image is a checked ELF header with its segments.
type image struct {
	entry    uint64
	dynamic  bool // ET_DYN: may be loaded anywhere
	phoff    uint64
	phnum    int
	phdrAddr uint64 // where the program headers are once loaded; 0: not in any segment
	segments []segment
	interp   string // "" if none
	// execStack tells that PT_GNU_STACK asks for an executable stack.
	execStack bool
	align     uint64 // largest p_align of the segments, a power of two
	low, high uint64 // pages that the segments span
	// bad is why the segments cannot be mapped: Linux finds out when the old program is gone.
	bad linux.Errno
}

// segment is a PT_LOAD, cut into pages: the file's pages from off are mapped at addr; what
// lies from fileEnd to memEnd is zero.
type segment struct {
	start   uint64 // the first byte
	addr    uint64 // start, page-aligned
	off     uint64 // page-aligned
	fileEnd uint64 // addr of the first byte that is not of the file
	memEnd  uint64
	prot    int
}

// Sizes and constants of the ELF-64 format (elf(5)).
const (
	ehdrSize = 64
	phdrSize = 56
	maxPhdrs = 65536 / phdrSize // fs/binfmt_elf.c, load_elf_phdrs: at most 64 KiB

	etExec, etDyn = 2, 3
	emX8664       = 62

	ptLoad, ptInterp, ptPhdr, ptGNUStack = 1, 3, 6, 0x6474e551

	pfX, pfW, pfR = 1, 2, 4

	pathMax = 4096
)

// parseELF reads and checks an ELF file. ENOEXEC for what is none or malformed; EIO if the
// interpreter's name is cut off. Segments that cannot be mapped are only noted (image.bad).
func parseELF(f Reader) (*image, linux.Errno) {
	var h [ehdrSize]byte
	n, errno := f.ReadAt(h[:], 0)
	if errno != 0 {
		return nil, errno
	}
	le := binary.LittleEndian
	kind := le.Uint16(h[16:])
	switch {
	case n < ehdrSize, string(h[:4]) != "\x7fELF", le.Uint16(h[18:]) != emX8664,
		kind != etExec && kind != etDyn, le.Uint16(h[54:]) != phdrSize:
		return nil, linux.ENOEXEC
	}
	im := &image{entry: le.Uint64(h[24:]), dynamic: kind == etDyn, phoff: le.Uint64(h[32:]), phnum: int(le.Uint16(h[56:]))}
	if im.phnum < 1 || im.phnum > maxPhdrs || im.phoff > 1<<62 {
		return nil, linux.ENOEXEC
	}
	table := make([]byte, im.phnum*phdrSize)
	if n, errno = f.ReadAt(table, int64(im.phoff)); errno != 0 {
		return nil, errno
	}
	if n < len(table) {
		return nil, linux.ENOEXEC
	}
	for ; len(table) > 0; table = table[phdrSize:] {
		if errno := im.add(f, parsePhdr(table)); errno != 0 {
			return nil, errno
		}
	}
	im.finish()
	return im, 0
}

// phdr is a program header.
type phdr struct {
	kind, flags                       uint32
	off, vaddr, filesz, memsz, palign uint64
}

func parsePhdr(b []byte) phdr {
	le := binary.LittleEndian
	return phdr{kind: le.Uint32(b), flags: le.Uint32(b[4:]), off: le.Uint64(b[8:]), vaddr: le.Uint64(b[16:]),
		filesz: le.Uint64(b[32:]), memsz: le.Uint64(b[40:]), palign: le.Uint64(b[48:])}
}

// add takes in one program header.
func (im *image) add(f Reader, p phdr) linux.Errno {
	switch p.kind {
	case ptInterp:
		if im.interp == "" {
			return im.readInterp(f, p)
		}
	case ptGNUStack:
		im.execStack = p.flags&pfX != 0
	case ptPhdr:
		im.phdrAddr = p.vaddr
	case ptLoad:
		if errno := im.addSegment(p); im.bad == 0 {
			im.bad = errno
		}
	}
	return 0
}

// readInterp reads the path of the interpreter.
func (im *image) readInterp(f Reader, p phdr) linux.Errno {
	if p.filesz > pathMax || p.filesz < 2 || p.off > 1<<62 {
		return linux.ENOEXEC
	}
	b := make([]byte, p.filesz)
	n, errno := f.ReadAt(b, int64(p.off))
	if errno != 0 {
		return errno
	}
	if n < len(b) {
		return linux.EIO
	}
	if b[len(b)-1] != 0 {
		return linux.ENOEXEC
	}
	for i, c := range b {
		if c == 0 {
			b = b[:i]
			break
		}
	}
	im.interp = string(b)
	return 0
}

// addSegment checks a PT_LOAD and cuts it into pages.
func (im *image) addSegment(p phdr) linux.Errno {
	inPage := p.vaddr & usermem.PageMask
	switch {
	case p.memsz == 0:
		return 0
	case p.filesz > p.memsz, p.vaddr >= taskSize, p.memsz > taskSize-p.vaddr, p.off > 1<<62:
		return linux.EINVAL
	case p.filesz > 0 && p.off&usermem.PageMask != inPage:
		return linux.EINVAL
	case p.palign > 1 && p.palign&(p.palign-1) == 0 && p.palign <= taskSize:
		im.align = max(im.align, p.palign)
	}
	s := segment{start: p.vaddr, addr: p.vaddr - inPage, fileEnd: p.vaddr + p.filesz, memEnd: p.vaddr + p.memsz}
	if p.filesz > 0 {
		s.off = p.off - inPage
	} else {
		s.fileEnd = s.addr // no page of the file
	}
	for _, b := range [...]struct {
		flag uint32
		prot int
	}{{pfR, protRead}, {pfW, protWrite}, {pfX, protExec}} {
		if p.flags&b.flag != 0 {
			s.prot |= b.prot
		}
	}
	im.segments = append(im.segments, s)
	return 0
}

// finish checks what only the whole shows and works out the span.
func (im *image) finish() {
	if len(im.segments) == 0 && im.bad == 0 {
		im.bad = linux.ENOEXEC
	}
	im.align = max(im.align, usermem.PageSize)
	im.low = ^uint64(0)
	for i := range im.segments {
		s := &im.segments[i]
		im.low = min(im.low, s.addr)
		im.high = max(im.high, (s.memEnd+usermem.PageMask)&^uint64(usermem.PageMask))
		if im.phdrAddr == 0 && im.phoff >= s.off && im.phoff < s.off+(s.fileEnd-s.addr) {
			im.phdrAddr = im.phoff - s.off + s.addr
		}
	}
	if im.high > taskSize && im.bad == 0 {
		im.bad = linux.EINVAL
	}
}
