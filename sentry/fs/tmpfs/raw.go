package tmpfs

import (
	"sync"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/pages"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// rawPages are the pages of a file that fallocate(2) made and nobody has touched: they take place, and
// count as holes for SEEK_DATA and SEEK_HOLE (folios that are not up to date, mm/shmem.c).
type rawPages struct {
	some atomic.Bool // there are any
	mu   sync.Mutex
	list []extent // sorted, apart from each other
}

// extent is bytes from up to and without to, whole pages.
type extent struct{ from, to uint64 }

// add notes new pages, which are in no extent yet.
func (r *rawPages) add(news []extent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range news {
		i := 0
		for i < len(r.list) && r.list[i].from < e.from {
			i++
		}
		r.list = append(r.list[:i], append([]extent{e}, r.list[i:]...)...)
	}
	r.some.Store(len(r.list) > 0)
}

// touch forgets the pages of [off, off+n): they hold data now, or are gone.
func (r *rawPages) touch(off, n uint64) {
	if !r.some.Load() || n == 0 {
		return
	}
	from, to := off&^usermem.PageMask, pageUp(off+min(n, ^uint64(0)-off))
	r.mu.Lock()
	defer r.mu.Unlock()
	var kept []extent
	for _, e := range r.list {
		if e.to <= from || e.from >= to {
			kept = append(kept, e)
			continue
		}
		if e.from < from {
			kept = append(kept, extent{e.from, from})
		}
		if e.to > to {
			kept = append(kept, extent{to, e.to})
		}
	}
	r.list = kept
	r.some.Store(len(kept) > 0)
}

// after returns the first extent that ends behind at.
func (r *rawPages) after(at uint64) (extent, bool) {
	if !r.some.Load() {
		return extent{}, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.list {
		if e.to > at {
			return e, true
		}
	}
	return extent{}, false
}

// nextData is SEEK_DATA.
func (r *file) nextData(off, size uint64) (uint64, bool) {
	for {
		at, ok := r.object.NextData(off, size)
		if !ok {
			return 0, false
		}
		e, ok := r.raw.after(at)
		if !ok || e.from > at {
			return at, true
		}
		if off = e.to; off >= size {
			return 0, false
		}
	}
}

// nextHole is SEEK_HOLE.
func (r *file) nextHole(off, size uint64) uint64 {
	at := r.object.NextHole(off, size)
	if e, ok := r.raw.after(off); ok {
		at = min(at, max(off, e.from))
	}
	return at
}

// allocateStep is how much is allocated between looks for signals.
const allocateStep = 8 << 20

// allocate fills the holes of [off, off+n), or none of them: ENOSPC, also if it could never fit, and EINTR (shmem_fallocate).
func (r *file) allocate(ctx vfs.Ctx, off, n uint64) (errno linux.Errno) {
	from, to := off&^usermem.PageMask, pageUp(off+n)
	if limit := r.fs.quota.Max.Load(); limit >= 0 && (to-from)/pages.PageSize > uint64(limit) {
		return linux.ENOSPC
	}
	var made []extent
	for at := from; at < to; {
		next, ok := r.object.NextData(at, to)
		if !ok {
			next = to
		}
		if next == at {
			at = r.object.NextHole(at, to)
			continue
		}
		next = min(next, at+allocateStep)
		if last := len(made) - 1; last >= 0 && made[last].to == at {
			made[last].to = next
		} else {
			made = append(made, extent{at, next})
		}
		if errno = r.object.Allocate(at, next-at); errno == 0 && ctx.Waiter().Interrupted() {
			errno = linux.EINTR
		}
		if errno != 0 {
			for _, e := range made {
				r.object.Punch(e.from, e.to-e.from)
			}
			return errno
		}
		at = next
	}
	r.raw.add(made)
	return 0
}
