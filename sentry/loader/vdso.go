package loader

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/mm"
	"github.com/seed-7423c386/runsc/sentry/pages"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// VDSO is the memory that every process has as its vDSO: a page of parameters, which the kernel
// changes while it is mapped, and the image behind it.
type VDSO struct {
	mappings mm.Mappings
	object   *pages.Object
	size     uint64
	params   []byte
}

// NewVDSO puts image into the memory file.
func NewVDSO(p *pages.Pool, image []byte) (*VDSO, linux.Errno) {
	n, _ := usermem.PageUp(uint64(len(image)))
	v := &VDSO{object: pages.NewObject(p, pages.Shmem, nil), size: usermem.PageSize + n}
	b := usermem.Bytes(image)
	if _, errno := v.object.Write(&b, usermem.PageSize); errno != 0 {
		return nil, errno
	}
	// The reference to the parameter page is kept, as are its bytes.
	at, _, errno := v.object.Backing(0, usermem.PageSize, usermem.PageSize)
	if errno != 0 {
		return nil, errno
	}
	v.params = p.File().Bytes(at, usermem.PageSize)
	return v, 0
}

// Params is the page of parameters.
func (v *VDSO) Params() []byte { return v.params }

// Backing is mm.Mappable's.
func (v *VDSO) Backing(off, max uint64, write bool) (mm.Backing, linux.Errno) {
	if off >= v.size {
		return mm.Backing{}, linux.EFAULT
	}
	at, n, errno := v.object.Backing(off, min(max, v.size-off), usermem.PageSize)
	return mm.Backing{Off: at, Len: n}, errno
}

// Sync is mm.Mappable's.
func (v *VDSO) Sync(off, n uint64) linux.Errno { return 0 }

// Mappings is mm.Mappable's.
func (v *VDSO) Mappings() *mm.Mappings { return &v.mappings }

// mapVDSO maps the parameters and the image behind them where mmap(2) would put them.
func (l *load) mapVDSO(v *VDSO) linux.Errno {
	at, errno := l.m.Unmapped(v.size, usermem.PageSize)
	if errno != 0 {
		return errno
	}
	a := mm.MapArgs{Addr: at, Len: usermem.PageSize, Prot: linux.PROT_READ, Mappable: v, NoMove: true,
		Flags: linux.MAP_PRIVATE | linux.MAP_FIXED, Fixed: true, Name: "[vvar]"}
	if _, errno := l.m.Map(a); errno != 0 {
		return errno
	}
	a.Addr, a.Off, a.Len = at+usermem.PageSize, usermem.PageSize, v.size-usermem.PageSize
	a.Prot, a.Fixed, a.Name = linux.PROT_READ|linux.PROT_EXEC, false, "[vdso]"
	if _, errno := l.m.Map(a); errno != 0 {
		return errno
	}
	l.m.Prefault(at, false)
	l.m.Prefault(a.Addr, false)
	l.layout.VDSO = a.Addr
	return 0
}
