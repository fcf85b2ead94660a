package socket

import (
	"maps"
	"slices"
	"sync"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
)

// ProcFile makes the text of a file of /proc/net for a namespace: the part that begins at at, and
// where the next one begins, 0 at the end. A table that the application can make long comes in
// parts. uid shows an owner as the reader is to see it.
type ProcFile func(ns Namespace, uid func(auth.UID) uint32, at uint64) (text string, next uint64)

var (
	procMu    sync.RWMutex
	procFiles = map[string]ProcFile{}
)

// RegisterProc says what a file of /proc/net shows; packages call it once, at start.
func RegisterProc(name string, f ProcFile) {
	procMu.Lock()
	defer procMu.Unlock()
	procFiles[name] = f
}

// Proc returns what RegisterProc was given for name, nil if that is nothing.
func Proc(name string) ProcFile {
	procMu.RLock()
	defer procMu.RUnlock()
	return procFiles[name]
}

// ProcNames are the names that were registered.
func ProcNames() []string {
	procMu.RLock()
	defer procMu.RUnlock()
	return slices.Sorted(maps.Keys(procFiles))
}

// Tunables are what /proc/sys/net of a namespace was set to, by path below it ("ipv4/ip_forward").
// What was never set is not there: the reader knows the default.
type Tunables struct {
	mu    sync.RWMutex
	set   map[string]string
	watch func(name, value string)
	shown func(name string) (value string, known bool)
}

// Watch calls f for what is set from now on, and for what has been set. shown says what has a value that is not only set.
func (t *Tunables) Watch(f func(name, value string), shown func(name string) (value string, known bool)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.watch, t.shown = f, shown
	for _, name := range slices.Sorted(maps.Keys(t.set)) { // "all" before the interfaces
		f(name, t.set[name])
	}
}

// TunablesOf are those of ns.
func TunablesOf(ns Namespace) *Tunables {
	return ns.Get("tunables", func() any { return &Tunables{set: map[string]string{}} }).(*Tunables)
}

// Get returns a value, otherwise if it was never set.
func (t *Tunables) Get(name, otherwise string) string {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.shown != nil {
		if v, ok := t.shown(name); ok {
			return v
		}
	}
	if v, ok := t.set[name]; ok {
		return v
	}
	return otherwise
}

// tunableChecks say what a value must be, by name; set at start.
var tunableChecks = map[string]func(value string) linux.Errno{}

// CheckTunable lets a family refuse values.
func CheckTunable(name string, check func(value string) linux.Errno) { tunableChecks[name] = check }

// TunableError is what a family says about a value.
func TunableError(name, value string) linux.Errno {
	if f := tunableChecks[name]; f != nil {
		return f(value)
	}
	return 0
}

// maxTunables is more than are there, but names of interfaces are anybody's.
const maxTunables = 8192

// Set changes a value: ENOMEM if there are too many.
func (t *Tunables) Set(name, value string) linux.Errno {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.set[name]; !ok && len(t.set) >= maxTunables {
		return linux.ENOMEM
	}
	t.set[name] = value
	if t.watch != nil {
		t.watch(name, value)
	}
	return 0
}
