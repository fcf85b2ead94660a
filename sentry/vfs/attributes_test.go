package vfs_test

import (
	"sync"
	"testing"

	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// TestAttributes: who reads attributes while they change sees them as they were at one time.
func TestAttributes(t *testing.T) {
	w := newWorld(t)
	w.write("/f", "")
	i := w.walk("/f").Inode()
	same := func(n int64) vfs.Attr {
		return vfs.Attr{
			Mode: uint32(n), Nlink: uint32(n), UID: auth.UID(n), GID: auth.GID(n), Rdev: uint64(n), Size: n, Blocks: n, Blksize: uint32(n),
			Atime: n, Mtime: n, Ctime: n, Btime: n,
		}
	}
	i.Update(func(a *vfs.Attr) { *a = same(1) })
	var writers, readers sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if a := i.Attr(); a != same(a.Size) {
					t.Errorf("%+v", a)
					return
				}
			}
		})
		writers.Go(func() {
			for range 20000 {
				i.Update(func(a *vfs.Attr) { *a = same(a.Size%1000 + 1) })
			}
		})
	}
	writers.Wait()
	close(done)
	readers.Wait()
	if want := same(40000%1000 + 1); i.Attr() != want {
		t.Errorf("%+v, want %+v", i.Attr(), want)
	}
}
