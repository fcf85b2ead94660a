package pages

import (
	"sync"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// Host files are seen by the kernel through windows: mappings of 16 MiB of the file, made
// when first needed, also beyond its end. Each takes one of the sentry's own areas, of which
// the host allows 65,530, so there is a bound: the window that was not used for long goes.
const (
	windowSize = 16 << 20
	windowMax  = 8192
)

// window is a mapping of a part of a host file.
type window struct {
	usermem.Window
	mapping
	file *HostFile
	off  uint64
	used atomic.Bool // since the clock hand was here
}

// windowCache is all windows of the process, in a ring for the clock algorithm.
var windowCache struct {
	sync.Mutex // outside HostFile.mu
	ring       []*window
	hand       int
}

// HostFile is a host file that applications map straight from its descriptor. The inode that
// owns the descriptor makes one and releases it when the descriptor is closed; areas that map
// the file hold the inode, so the descriptor outlives them.
type HostFile struct {
	fd       int
	writable bool

	released bool // guarded by windowCache

	first atomic.Pointer[window] // of offset 0: all of most files
	mu    sync.RWMutex
	more  map[uint64]*window // by offset; windows beyond the first
}

// NewHostFile returns the HostFile of fd, which is open for reading. writable tells whether
// it is open for writing too, so that it can be mapped shared and writable.
func NewHostFile(fd int, writable bool) *HostFile {
	return &HostFile{fd: fd, writable: writable}
}

// FD is the host descriptor.
func (h *HostFile) FD() int { return h.fd }

// Writable tells whether the descriptor allows shared writable mappings.
func (h *HostFile) Writable() bool { return h.writable }

// Peek returns the kernel's view of at most n bytes at off. ok is false if the host cannot
// map them.
func (h *HostFile) Peek(off uint64, n int) (p usermem.Piece, ok bool) {
	base := off &^ (windowSize - 1)
	for {
		w := h.find(base)
		if w == nil {
			if w = h.open(base); w == nil {
				return usermem.Piece{}, false
			}
		}
		if w.Get() {
			if !w.used.Load() {
				w.used.Store(true)
			}
			n := min(uint64(n), base+windowSize-off)
			return usermem.Piece{Bytes: w.bytes(off-base, n), Window: &w.Window}, true
		}
	}
}

// find returns the window at base, nil if there is none.
func (h *HostFile) find(base uint64) *window {
	if base == 0 {
		return h.first.Load()
	}
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.more[base]
}

// open makes the window at base, nil if the host refuses.
func (h *HostFile) open(base uint64) *window {
	c := &windowCache
	c.Lock()
	defer c.Unlock()
	if w := h.find(base); w != nil {
		return w
	}
	if len(c.ring) >= windowMax {
		evictWindow()
	}
	m, errno := mapHostFile(h.fd, base, windowSize, h.writable)
	if errno != 0 {
		return nil
	}
	w := &window{mapping: m, file: h, off: base}
	w.used.Store(true)
	c.ring = append(c.ring, w)
	h.set(base, w)
	return w
}

// set makes w the window at base.
func (h *HostFile) set(base uint64, w *window) {
	if base == 0 {
		h.first.Store(w)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if w == nil {
		delete(h.more, base)
		return
	}
	if h.more == nil {
		h.more = make(map[uint64]*window)
	}
	h.more[base] = w
}

// evictWindow takes away a window that nobody uses. The cache is locked.
func evictWindow() {
	c := &windowCache
	for range 2 * len(c.ring) {
		c.hand = (c.hand + 1) % len(c.ring)
		w := c.ring[c.hand]
		if w.used.Swap(false) || !w.Close() {
			continue
		}
		w.file.set(w.off, nil)
		w.unmap()
		last := len(c.ring) - 1
		c.ring[c.hand] = c.ring[last]
		c.ring[last] = nil
		c.ring = c.ring[:last]
		return
	}
}

// Release takes away the kernel's windows of the file. No area maps it any more. Those that are in use for a moment longer go with the
// next file's.
func (h *HostFile) Release() {
	c := &windowCache
	if h.first.Load() == nil && len(h.more) == 0 {
		return
	}
	c.Lock()
	defer c.Unlock()
	h.released = true
	kept := c.ring[:0]
	for _, w := range c.ring {
		if !w.file.released || !w.Close() {
			kept = append(kept, w)
			continue
		}
		w.file.set(w.off, nil)
		w.unmap()
	}
	clear(c.ring[len(kept):])
	c.ring = kept
}
