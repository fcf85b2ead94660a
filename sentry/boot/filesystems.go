package boot

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/fs/dev"
	"github.com/seed-7423c386/runsc/sentry/fs/pipe"
	"github.com/seed-7423c386/runsc/sentry/fs/tmpfs"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// registerFileSystems names the file systems of the sandbox.
func (s *sandbox) registerFileSystems() {
	k := s.kernel
	pipe.Register()
	dev.Register(k.Random)
	k.Memfds = tmpfs.NewMemfds(s.pool, k.TotalRAM)
	tmp := func(_ *kernel.Task, source, data string) (*vfs.Super, linux.Errno) {
		return tmpfs.New(s.pool, k.TotalRAM, source, data)
	}
	k.RegisterFS(kernel.FSType{Name: "tmpfs", Nodev: true, UserNS: true, Mount: tmp})
	k.RegisterFS(kernel.FSType{Name: "ramfs", Nodev: true, Mount: tmp})
	k.RegisterFS(kernel.FSType{Name: "devtmpfs", Nodev: true, Mount: tmp})
}

// overlay is the writable layer in memory over lower.
func (s *sandbox) overlay(lower *vfs.Super) (*vfs.Super, linux.Errno) { return nil, linux.ENODEV }
