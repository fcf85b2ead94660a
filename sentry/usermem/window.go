package usermem

import "sync/atomic"

// Window is the use count of a mapping of a host file in the kernel's own memory. Whoever
// owns mappings (sentry/pages) embeds one in each and takes away only those that are idle.
type Window struct{ uses atomic.Int32 }

// windowGone is the use count of a window that is no more.
const windowGone = -1 << 30

// Get counts one use more; it fails if the window has been closed.
func (w *Window) Get() bool {
	for {
		n := w.uses.Load()
		if n < 0 {
			return false
		}
		if w.uses.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// Put ends a use.
func (w *Window) Put() { w.uses.Add(-1) }

// Close forbids further uses if there is none now, and tells whether it did.
func (w *Window) Close() bool { return w.uses.CompareAndSwap(0, windowGone) }
