package mm

import (
	"math/rand/v2"
	"testing"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// The model is what an application may expect, in the simplest form: each page has a
// protection and a cell with a byte; pages of shared memory have the same cell.
type cell struct{ v byte }

type modelPage struct {
	prot   uint32
	cell   *cell
	shared bool
	anon   bool // DONTNEED empties it
}

type model map[usermem.Addr]modelPage

const (
	modelBase  = usermem.Addr(0x40000000)
	modelPages = 1200 // more than two leaves
)

// modelRun does random things to address spaces and compares them with their models.
type modelRun struct {
	t     *testing.T
	r     *rand.Rand
	apps  []*app
	wants []model
	file  *memFile
	cells []*cell // of file
}

func (m *modelRun) area() (addr usermem.Addr, pages int) {
	start := m.r.IntN(modelPages)
	pages = 1 + m.r.IntN(1+min(modelPages-start-1, []int{3, 40, 700}[m.r.IntN(3)]))
	return modelBase + usermem.Addr(start)*page, pages
}

// mapped tells whether all pages of a range are in the model.
func (w model) mapped(addr usermem.Addr, pages int) bool {
	for i := range pages {
		if _, ok := w[addr+usermem.Addr(i)*page]; !ok {
			return false
		}
	}
	return true
}

func (m *modelRun) step() {
	k := m.r.IntN(len(m.apps))
	a, w := m.apps[k], m.wants[k]
	addr, n := m.area()
	size := uint64(n) * page
	prot := []uint32{rw, rw, rw, linux.PROT_READ, linux.PROT_NONE}[m.r.IntN(5)]
	at := func(i int) usermem.Addr { return addr + usermem.Addr(i)*page }
	switch op := m.r.IntN(20); op {
	case 0, 1: // private
		a.mmap(addr, size, prot, anon|linux.MAP_FIXED)
		for i := range n {
			w[at(i)] = modelPage{prot: prot, cell: new(cell), anon: true}
		}
	case 2: // shared
		a.mmap(addr, size, prot, linux.MAP_SHARED|linux.MAP_ANONYMOUS|linux.MAP_FIXED)
		for i := range n {
			w[at(i)] = modelPage{prot: prot, cell: new(cell), shared: true}
		}
	case 3: // file
		n = min(n, len(m.cells)/2)
		off := m.r.IntN(len(m.cells) - n)
		_, errno := a.Map(MapArgs{Addr: addr, Len: uint64(n) * page, Prot: prot, Off: uint64(off) * page,
			Flags: linux.MAP_SHARED | linux.MAP_FIXED, File: m.file, Mappable: m.file, Readable: true, Writable: true})
		if errno != 0 {
			m.t.Fatal(errno)
		}
		for i := range n {
			w[at(i)] = modelPage{prot: prot, cell: m.cells[off+i], shared: true}
		}
	case 4:
		if errno := a.Unmap(addr, size); errno != 0 {
			m.t.Fatal(errno)
		}
		for i := range n {
			delete(w, at(i))
		}
	case 5, 6:
		errno := a.Protect(addr, size, prot)
		if w.mapped(addr, n) != (errno == 0) {
			m.t.Fatalf("mprotect: %v", errno)
		}
		for i := range n {
			p, ok := w[at(i)]
			if !ok {
				break
			}
			p.prot = prot
			w[at(i)] = p
		}
	case 7:
		a.Advise(addr, size, linux.MADV_DONTNEED)
		for i := range n {
			if p, ok := w[at(i)]; ok && p.anon {
				p.cell = new(cell)
				w[at(i)] = p
			}
		}
	case 8:
		m.remap(a, w, addr, n)
	case 9:
		if len(m.apps) < 4 && m.r.IntN(3) == 0 {
			m.fork(a, w)
		} else if len(m.apps) > 1 && m.r.IntN(3) == 0 {
			a.check()
			a.Put()
			m.apps[k], m.wants[k] = m.apps[len(m.apps)-1], m.wants[len(m.apps)-1]
			m.apps, m.wants = m.apps[:len(m.apps)-1], m.wants[:len(m.apps)-1]
		}
	default:
		m.touch(a, w, addr, n, op)
	}
}

// fork copies the model: private cells become two.
func (m *modelRun) fork(a *app, w model) {
	c := model{}
	for addr, p := range w {
		if !p.shared {
			p.cell = &cell{p.cell.v}
		}
		c[addr] = p
	}
	m.apps, m.wants = append(m.apps, a.fork()), append(m.wants, c)
}

// remap moves a range somewhere else, if it is all of one area.
func (m *modelRun) remap(a *app, w model, addr usermem.Addr, n int) {
	to, _ := m.area()
	size := usermem.Addr(n) * page
	if to < addr+size && addr < to+size || to+size > modelBase+modelPages*page {
		return
	}
	_, errno := a.Remap(addr, uint64(size), uint64(size), linux.MREMAP_MAYMOVE|linux.MREMAP_FIXED, to)
	if !w.mapped(addr, n) && errno == 0 {
		m.t.Fatal("mremap of a hole")
	}
	if errno == linux.EFAULT { // the target is gone already
		if w.mapped(addr, 1) {
			for i := range n {
				delete(w, to+usermem.Addr(i)*page)
			}
		}
		return
	}
	if errno != 0 {
		m.t.Fatalf("mremap: %v", errno)
	}
	for i := range n {
		from := addr + usermem.Addr(i)*page
		w[to+usermem.Addr(i)*page] = w[from]
		delete(w, from)
	}
}

// touch reads and writes some pages, by the application or by the kernel.
func (m *modelRun) touch(a *app, w model, addr usermem.Addr, n, op int) {
	for i := 0; i < n; i += 1 + m.r.IntN(8) {
		at := addr + usermem.Addr(i)*page
		p, ok := w[at]
		write := m.r.IntN(2) == 0
		v := byte(m.r.IntN(256))
		allowed := ok && p.prot != 0 && (!write || p.prot&linux.PROT_WRITE != 0)
		var got byte
		if op%2 == 0 {
			var sig Signal
			got, sig = a.access(at, write, v)
			if allowed != (sig == Signal{}) || !allowed && (sig == segvMaperr) == ok {
				m.t.Fatalf("access to %#x: %v", at, sig)
			}
		} else {
			var b [1]byte
			n, _ := a.Space().CopyIn(at, b[:])
			got = b[0]
			if readable := ok && p.prot != 0; readable != (n == 1) {
				m.t.Fatalf("CopyIn from %#x: %d", at, n)
			}
			if write {
				if n, _ := a.Space().CopyOut(at, []byte{v}); allowed != (n == 1) {
					m.t.Fatalf("CopyOut to %#x: %d", at, n)
				}
			}
		}
		if !allowed {
			continue
		}
		if got != p.cell.v {
			m.t.Fatalf("%#x has %d, want %d", at, got, p.cell.v)
		}
		if write {
			p.cell.v = v
		}
	}
}

func TestModel(t *testing.T) {
	for seed := range uint64(12) {
		w := newWorld(t)
		w.plat.clones = seed%2 == 0
		m := &modelRun{t: t, r: rand.New(rand.NewPCG(seed, 7)), file: w.memFile(300 * page)}
		for range 300 {
			m.cells = append(m.cells, new(cell))
		}
		m.apps, m.wants = []*app{w.app()}, []model{{}}
		for i := range 1500 {
			m.step()
			if i%100 == 0 {
				for _, a := range m.apps {
					a.check()
				}
			}
			if t.Failed() {
				t.Fatalf("seed %d, step %d", seed, i)
			}
		}
	}
}
