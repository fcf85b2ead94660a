package loader

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/sentry/mm"
	"github.com/seed-7423c386/runsc/sentry/pages"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// noPlatform is a platform on which nothing runs.
type noPlatform struct{}

func (noPlatform) NewAddressSpace() (platform.AddressSpace, linux.Errno)                  { return noPlatform{}, 0 }
func (noPlatform) NewContext() platform.Context                                           { return nil }
func (noPlatform) Limits() (min, max uint64)                                              { return 0x1000, 1 << 47 }
func (noPlatform) Map(a, n uint64, fd int, o uint64, p platform.Prot, b bool) linux.Errno { return 0 }
func (noPlatform) Protect(a, n uint64, p platform.Prot) linux.Errno                       { return 0 }
func (noPlatform) Unmap(a, n uint64)                                                      {}
func (noPlatform) Clone(platform.AddressSpace) linux.Errno                                { return linux.ENOSYS }
func (noPlatform) Release()                                                               {}

// testFile is an executable with a host descriptor.
type testFile struct {
	*os.File
	host     *pages.HostFile
	mappings mm.Mappings
	refs     int
}

func openFile(t testing.TB, path string) *testFile {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return newFile(t, f)
}

func newFile(t testing.TB, f *os.File) *testFile {
	h := &testFile{File: f, host: pages.NewHostFile(int(f.Fd()), false)}
	opened[t] = append(opened[t], h)
	return h
}

// opened are the files of a test, which live longer than its address space.
var opened = map[testing.TB][]*testFile{}

func closeFiles(t testing.TB) {
	for _, h := range opened[t] {
		if h.refs != 0 || h.mappings.Mapped() {
			t.Errorf("%s: %d references left", h.Name(), h.refs)
		}
		h.host.Release()
		h.Close()
	}
	delete(opened, t)
}

func (f *testFile) ReadAt(b []byte, off int64) (int, linux.Errno) {
	n, _ := f.File.ReadAt(b, off)
	return n, 0
}
func (f *testFile) MapArgs(a *mm.MapArgs) { a.File, a.Mappable, a.Readable = f, f, true }
func (f *testFile) Mappable() mm.Mappable { return f }
func (f *testFile) Mappings() *mm.Mappings {
	return &f.mappings
}
func (f *testFile) Get()                           { f.refs++ }
func (f *testFile) Put()                           { f.refs-- }
func (f *testFile) MapInfo() mm.MapInfo            { return mm.MapInfo{Name: f.Name()} }
func (f *testFile) Sync(off, n uint64) linux.Errno { return 0 }
func (f *testFile) Backing(off, max uint64, write bool) (mm.Backing, linux.Errno) {
	st, _ := f.Stat()
	end, _ := usermem.PageUp(uint64(st.Size()))
	if off >= end {
		return mm.Backing{}, linux.EFAULT
	}
	return mm.Backing{Host: f.host, Off: off, Len: min(max, end-off)}, 0
}

// newMM returns an empty address space and the pool it allocates from.
func newMM(t testing.TB) (*mm.MM, *pages.Pool) {
	if _, ok := opened[t]; !ok {
		opened[t] = nil
		t.Cleanup(func() { closeFiles(t) })
	}
	fd, err := unix.MemfdCreate("loader", 0)
	if err != nil {
		t.Fatal(err)
	}
	const size = 1 << 30
	unix.Ftruncate(fd, size)
	f, errno := pages.NewFile(fd, size)
	if errno != 0 {
		t.Fatal(errno)
	}
	pool := f.NewPool()
	m, errno := mm.New(mm.NewSystem(16<<30), pool, noPlatform{})
	if errno != 0 {
		t.Fatal(errno)
	}
	t.Cleanup(func() {
		m.Put()
		f.Close()
		unix.Close(fd)
	})
	return m, pool
}

// program is a Program that runs path.
func program(t testing.TB, path string) Program[*testFile] {
	return Program[*testFile]{
		Exe:     Executable[*testFile]{File: openFile(t, path), Name: path, Path: path, Argv: []string{path, "arg"}},
		Envv:    []string{"A=1"},
		Open:    func(path string) (*testFile, linux.Errno) { return openFile(t, path), 0 },
		Put:     func(*testFile) {},
		Random:  func(b []byte) { copy(b, "0123456789abcdefgh") },
		Machine: Machine{Hwcap: 1, Hwcap2: 2, MinSigStack: 3376},
		UID:     1000,
	}
}

func TestLoadARealProgram(t *testing.T) {
	m, pool := newMM(t)
	p := program(t, "/bin/true")
	vdso, errno := NewVDSO(pool, bytes.Repeat([]byte("vdso"), 1500))
	if errno != 0 {
		t.Fatal(errno)
	}
	vdso.Params()[0] = 99
	p.VDSO = vdso
	start, errno := Load(m, p)
	if errno != 0 {
		t.Fatal(errno)
	}
	s := m.Space()
	word := func(a usermem.Addr) uint64 {
		v, errno := usermem.CopyInInt[uint64](s, a)
		if errno != 0 {
			t.Fatalf("%#x: %v", a, errno)
		}
		return v
	}
	str := func(a uint64) string {
		v, _ := s.CopyInString(usermem.Addr(a), 4096)
		return v
	}
	sp := start.SP
	if word(sp) != 2 || str(word(sp+8)) != "/bin/true" || str(word(sp+16)) != "arg" || str(word(sp+32)) != "A=1" {
		t.Error("arguments are wrong")
	}
	aux := map[uint64]uint64{}
	for a := sp + 48; word(a) != atNull; a += 16 {
		aux[word(a)] = word(a + 8)
	}
	if aux[atUID] != 1000 || aux[atHwcap2] != 2 || str(aux[atExecfn]) != "/bin/true" || str(aux[atRandom])[:8] != "01234567" {
		t.Errorf("auxiliary vector: %v", aux)
	}
	f, err := elf.Open("/bin/true")
	if err != nil {
		t.Fatal(err)
	}
	if aux[atEntry]-f.Entry != aux[atPhdr]-64 || aux[atPhnum] != uint64(len(f.Progs)) {
		t.Errorf("entry %#x, program headers at %#x", aux[atEntry], aux[atPhdr])
	}
	if uint32(word(usermem.Addr(aux[atBase]))) != 0x464c457f || uint64(start.Entry) <= aux[atBase] {
		t.Error("no interpreter at AT_BASE")
	}
	// Segments are there byte by byte, with zero bytes up to their size in memory.
	bias := aux[atEntry] - f.Entry
	for _, seg := range f.Progs {
		if seg.Type != elf.PT_LOAD {
			continue
		}
		want := make([]byte, seg.Memsz)
		seg.ReadAt(want[:seg.Filesz], 0)
		got := make([]byte, seg.Memsz)
		if _, errno := s.CopyIn(usermem.Addr(seg.Vaddr+bias), got); errno != 0 || !bytes.Equal(got, want) {
			t.Errorf("segment at %#x: %v", seg.Vaddr, errno)
		}
	}
	var v [8]byte
	if _, errno := s.CopyIn(usermem.Addr(aux[atSysinfoEhdr]), v[:]); errno != 0 || string(v[:]) != "vdsovdso" || word(usermem.Addr(aux[atSysinfoEhdr]-4096))&0xff != 99 {
		t.Error("vDSO")
	}
	l := m.Layout()
	if l.StartCode == 0 || l.EndCode <= l.StartCode || l.Brk < l.EndData || l.StartStack != sp || len(l.Auxv) != 2*len(aux)+2 {
		t.Errorf("%+v", l)
	}
	names := map[string]bool{}
	for _, a := range m.Areas(0, 0, false) {
		names[a.Info.Name] = true
	}
	for _, want := range []string{"/bin/true", "[stack]", "[vdso]", "[vvar]"} {
		if !names[want] {
			t.Errorf("no area %s in %v", want, names)
		}
	}
	if errno := m.Protect(usermem.Addr(aux[atSysinfoEhdr]-4096), 4096, 3); errno != linux.EACCES {
		t.Errorf("the parameters can be made writable: %v", errno)
	}
}

func TestLoadLayoutWithoutRandomness(t *testing.T) {
	m, _ := newMM(t)
	p := program(t, "/bin/true")
	p.NoRandomize = true
	if _, errno := Load(m, p); errno != 0 {
		t.Fatal(errno)
	}
	areas := m.Areas(0, 0, false)
	first, last := areas[0], areas[len(areas)-1]
	if first.Start != 0x555555554000 || last.End != 0x7ffffffff000 || last.Start != 0x7ffffffde000 {
		t.Errorf("program at %#x, stack %#x-%#x", first.Start, last.Start, last.End)
	}
	if before := areas[len(areas)-2]; before.End != 0x7ffff7fff000 {
		t.Errorf("the mmap region ends at %#x", before.End)
	}
}

// header returns an ELF header with program headers.
func header(kind uint16, phdrs ...[8]uint64) []byte {
	b := make([]byte, 64+56*len(phdrs))
	le := binary.LittleEndian
	copy(b, "\x7fELF\x02\x01\x01")
	le.PutUint16(b[16:], kind)
	le.PutUint16(b[18:], 62)
	le.PutUint64(b[24:], 0x400000)
	le.PutUint64(b[32:], 64)
	le.PutUint16(b[54:], 56)
	le.PutUint16(b[56:], uint16(len(phdrs)))
	for i, p := range phdrs { // type, flags, off, vaddr, filesz, memsz, align
		at := b[64+56*i:]
		le.PutUint32(at, uint32(p[0]))
		le.PutUint32(at[4:], uint32(p[1]))
		le.PutUint64(at[8:], p[2])
		le.PutUint64(at[16:], p[3])
		le.PutUint64(at[32:], p[4])
		le.PutUint64(at[40:], p[5])
		le.PutUint64(at[48:], p[6])
	}
	return b
}

// bytesFile makes a file of b.
func bytesFile(t testing.TB, b []byte) *testFile {
	f, err := os.CreateTemp(t.TempDir(), "elf")
	if err != nil {
		t.Fatal(err)
	}
	f.Write(b)
	return newFile(t, f)
}

func TestLoadRefuses(t *testing.T) {
	load := func(b []byte) linux.Errno {
		m, _ := newMM(t)
		p := program(t, "/bin/true")
		p.Exe.File = bytesFile(t, b)
		_, errno := Load(m, p)
		return errno
	}
	good := [8]uint64{ptLoad, 5, 0, 0x400000, 100, 100, 0x1000}
	if errno := load(header(etExec, good)); errno != 0 {
		t.Fatalf("a good one: %v", errno)
	}
	with := func(i int, v uint64) [8]uint64 {
		p := good
		p[i] = v
		return p
	}
	for name, c := range map[string]struct {
		file  []byte
		errno linux.Errno
	}{
		"empty":              {nil, linux.ENOEXEC},
		"text":               {[]byte("hello"), linux.ENOEXEC},
		"no segments":        {header(etExec), linux.ENOEXEC},
		"relocatable":        {header(1, good), linux.ENOEXEC},
		"cut headers":        {header(etExec, good)[:100], linux.ENOEXEC},
		"offset not aligned": {header(etExec, with(2, 5)), linux.EINVAL},
		"kernel address":     {header(etExec, with(3, 1<<47)), linux.EINVAL},
		"wraps":              {header(etExec, with(5, ^uint64(0))), linux.EINVAL},
		"file beyond memory": {header(etExec, with(4, 200)), linux.EINVAL},
		"page zero":          {header(etExec, with(3, 0)), linux.EPERM},
		"too big":            {header(etExec, [8]uint64{ptLoad, 6, 0, 0x400000, 100, 1 << 45, 0x1000}), linux.ENOMEM},
		"interpreter long":   {header(etExec, good, [8]uint64{ptInterp, 4, 0, 0, 5000, 5000}), linux.ENOEXEC},
		"interpreter open":   {header(etExec, good, [8]uint64{ptInterp, 4, 0, 0, 7, 7}), linux.ENOEXEC},
	} {
		if errno := load(c.file); errno != c.errno {
			t.Errorf("%s: %v, want %v", name, errno, c.errno)
		}
	}
}

// FuzzLoad: no file makes the loader panic or leaves something behind.
func FuzzLoad(f *testing.F) {
	f.Add(header(etExec, [8]uint64{ptLoad, 5, 0, 0x400000, 100, 100, 0x1000}))
	f.Add(header(etDyn, [8]uint64{ptLoad, 7, 0, 0, 100, 0x5000, 0x1000}, [8]uint64{ptGNUStack, 7}))
	f.Add([]byte("#!/bin/sh\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, _ := newMM(t)
		p := program(t, "/bin/true")
		p.Exe.File = bytesFile(t, b)
		p.Open = func(string) (*testFile, linux.Errno) { return bytesFile(t, b), 0 }
		Load(m, p)
	})
}
