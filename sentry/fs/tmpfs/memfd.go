package tmpfs

import (
	"sync"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/mm"
	"github.com/seed-7423c386/runsc/sentry/pages"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// Seals (fcntl(2), F_ADD_SEALS).
const (
	SealSeal        = 1
	SealShrink      = 2
	SealGrow        = 4
	SealWrite       = 8
	SealFutureWrite = 16
	SealExec        = 32
	sealAll         = 63
)

// seals are the seals of a file. A file of a mounted tmpfs has none and takes none.
type seals struct {
	none bool       // set before anybody sees the file
	mu   sync.Mutex // of changes
	bits atomic.Uint32
}

func (s *seals) mayWrite() linux.Errno {
	if s.bits.Load()&(SealWrite|SealFutureWrite) != 0 {
		return linux.EPERM
	}
	return 0
}

// mayMap refuses shared writable mappings of a file sealed against writing, and lets others not
// become writable.
func (s *seals) mayMap(a *mm.MapArgs) linux.Errno {
	if s.bits.Load()&(SealWrite|SealFutureWrite) == 0 || a.Flags&linux.MAP_TYPE == linux.MAP_PRIVATE {
		return 0
	}
	if a.Prot&linux.PROT_WRITE != 0 {
		return linux.EPERM
	}
	a.Writable = false
	return 0
}

// MayResize is vfs.Sealer's.
func (r *file) MayResize(from, to int64) linux.Errno {
	bits := r.seals.bits.Load()
	if to < from && bits&SealShrink != 0 || to > from && bits&SealGrow != 0 {
		return linux.EPERM
	}
	return 0
}

// Seals is F_GET_SEALS.
func (r *file) Seals() uint32 {
	if r.seals.none {
		return SealSeal
	}
	return r.seals.bits.Load()
}

// AddSeals is F_ADD_SEALS: EPERM once sealed against seals; EBUSY for SealWrite while the file is
// mapped writable.
func (r *file) AddSeals(bits uint32) linux.Errno {
	if bits&^sealAll != 0 {
		return linux.EINVAL
	}
	if r.seals.none {
		return linux.EPERM
	}
	s := &r.seals
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bits.Load()&SealSeal != 0 {
		return linux.EPERM
	}
	if bits&SealWrite != 0 && s.bits.Load()&SealWrite == 0 && r.mappings.MappedShared() {
		return linux.EBUSY
	}
	if bits&SealExec != 0 && r.Attr().Mode&0o111 != 0 {
		bits |= SealShrink | SealGrow | SealWrite | SealFutureWrite
	}
	s.bits.Or(bits)
	return 0
}

// Memfds are the files of memfd_create(2): a tmpfs that is mounted nowhere.
type Memfds struct {
	fs     *FS
	pseudo *vfs.Pseudo
}

// NewMemfds returns the file system that memfds and shared memory come from.
func NewMemfds(pool *pages.Pool, ram uint64) *Memfds {
	m := &Memfds{fs: newFS(pool, options{size: 0, inodes: 0, mode: 0o1777}, ram, "tmpfs", "tmpfs"), pseudo: vfs.NewPseudo("tmpfs", magic)}
	m.pseudo.Super().NoExec = false // fexecve(3)
	return m
}

// New returns an open file called name, read-write, with mode; sealable says whether it takes
// seals.
func (m *Memfds) New(ctx vfs.Ctx, name string, mode uint32, sealable bool) (*vfs.File, linux.Errno) {
	c := ctx.Cred()
	at := attrOf(&vfs.CreateArgs{Mode: linux.S_IFREG | mode, UID: c.Fsuid, GID: c.Fsgid}, ctx.Now())
	at.Nlink = 0
	m.fs.takeInode()
	r := m.fs.newFile(at)
	r.seals.none = false
	if !sealable {
		r.seals.bits.Store(SealSeal)
	}
	if mode&0o111 == 0 {
		r.seals.bits.Or(SealExec)
	}
	p := m.pseudo.Path(&r.Inode, "/memfd:"+name+" (deleted)")
	return vfs.NewFile(ctx, p, open{r}, linux.O_RDWR|linux.O_LARGEFILE), 0
}
