package vfs

// CachedDentries is how many there are.
func CachedDentries() int64 { return dentries.Load() }
