package proc

import (
	"strings"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// mountsAtOnce is how many lines a part of mounts has.
const mountsAtOnce = 4096

// mountsOf lists what t's root reaches: EINVAL for a zombie (mounts_open_common).
func mountsOf(t *kernel.Task) ([]vfs.MountInfo, linux.Errno) {
	n, fs := t.Namespaces(), t.FS()
	if n == nil || fs == nil {
		return nil, linux.EINVAL
	}
	root := fs.Root()
	if root.IsZero() {
		return nil, linux.EINVAL
	}
	defer root.Put()
	return n.Mount.List(root), 0
}

// lines makes a file of a line for each mount.
func lines(line func(m *vfs.MountInfo) string) func(c *call, at uint64) (string, uint64, linux.Errno) {
	return func(c *call, at uint64) (string, uint64, linux.Errno) {
		all, errno := mountsOf(c.t)
		if errno != 0 {
			return "", 0, errno
		}
		var b strings.Builder
		for i := at; i < uint64(len(all)); i++ {
			if i == at+mountsAtOnce {
				return b.String(), i, 0
			}
			b.WriteString(line(&all[i]))
			b.WriteByte('\n')
		}
		return b.String(), 0, 0
	}
}

var (
	mountinfo = lines(func(m *vfs.MountInfo) string { return strings.TrimSuffix(m.Line(), "\n") })
	mounts    = lines(func(m *vfs.MountInfo) string {
		options := m.Options()
		if m.SuperOptions != "" {
			options += "," + m.SuperOptions
		}
		return vfs.Mangle(m.Source) + " " + vfs.Mangle(m.Point) + " " + m.Type + " " + options + " 0 0"
	})
	mountstatLines = lines(func(m *vfs.MountInfo) string {
		return "device " + vfs.Mangle(m.Source) + " mounted on " + vfs.Mangle(m.Point) + " with fstype " + m.Type
	})
)
