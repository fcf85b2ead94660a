package vfs

import (
	"slices"
	"sync"
	"sync/atomic"
)

// What a name leads to, and who may open it, may be known to an application that was lent the file (platform.FileLender): it is told of
// every change of names, attributes, mounts, watches and leases, and of everybody who opens a file for writing, before the call that does it returns.
var changes struct {
	count  atomic.Uint64
	knower atomic.Pointer[[]Knower] // nil: nobody
	mu     sync.Mutex               // of changes of knower
}

// Knower knows something of files. FilesChanged may be called with any lock held, from any goroutine. names says that a path may lead
// elsewhere than before, or nowhere, or be closed to somebody.
type Knower interface{ FilesChanged(names bool) }

// Changes counts what a Knower is told of. It counts only while there is one.
func Changes() uint64 { return changes.count.Load() }

// TellChanges has k told of changes from now on, or not any longer.
func TellChanges(k Knower, on bool) {
	changes.mu.Lock()
	defer changes.mu.Unlock()
	var all []Knower
	if p := changes.knower.Load(); p != nil {
		all = slices.DeleteFunc(slices.Clone(*p), func(o Knower) bool { return o == k })
	}
	if on {
		all = append(all, k)
	}
	if len(all) == 0 {
		changes.knower.Store(nil)
		return
	}
	changes.knower.Store(&all)
}

// tellChange tells of a change that was made; names is FilesChanged's.
func tellChange(names bool) {
	p := changes.knower.Load()
	if p == nil {
		return
	}
	changes.count.Add(1)
	for _, k := range *p {
		k.FilesChanged(names)
	}
}
