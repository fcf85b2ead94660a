package kernel_test

import (
	"testing"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/fs/pipe"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// TestFD: a call has a reference of its own if somebody else has the table.
func TestFD(t *testing.T) {
	r, w := pipe.New(vfs.KernelCtx{}, 0)
	defer w.Put()
	table := kernel.NewFDTable()
	if errno := table.Put(r, 3); errno != 0 {
		t.Fatal(errno)
	}
	use := func(want int64) {
		t.Helper()
		f, errno := table.FD(3)
		if errno != 0 || f.File != r || r.Refs() != want {
			t.Errorf("%v, %v, %d references, want %d", f.File, errno, r.Refs(), want)
		}
		f.Put()
		if r.Refs() != 1 {
			t.Errorf("%d references are left", r.Refs())
		}
	}
	use(1)
	table.Get()
	use(2)
	for _, fd := range []int32{-1, 2, 4, 1 << 20} {
		if _, errno := table.FD(fd); errno != linux.EBADF {
			t.Errorf("%d: %v", fd, errno)
		}
	}
}
