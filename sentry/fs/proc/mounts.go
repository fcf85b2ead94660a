package proc

import (
	"strings"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// mountsAtOnce is how many lines a part of mounts has.
const mountsAtOnce = 4096

// view is a mount namespace as a process sees it.
type view struct {
	ns   *vfs.MountNS
	root vfs.Path
}

// holdMounts keeps the namespace and the root that the task has when its file is opened: EINVAL for
// a zombie (mounts_open_common).
func holdMounts(c *call) (any, func(), linux.Errno) {
	if !c.fs.alive(c.t) {
		return nil, nil, linux.ESRCH
	}
	n := c.t.Namespaces()
	if n == nil || !n.Mount.TryGet() {
		return nil, nil, linux.EINVAL
	}
	root, errno := pathOf(c.t, (*vfs.FS).Root)
	if errno != 0 {
		n.Mount.Put()
		return nil, nil, linux.EINVAL
	}
	return &view{n.Mount, root}, func() { root.Put(); n.Mount.Put() }, 0
}

// lines makes a file of a line for each mount.
func lines(line func(m *vfs.MountInfo) string) func(c *call, at uint64) (string, uint64, linux.Errno) {
	return func(c *call, at uint64) (string, uint64, linux.Errno) {
		v := c.held.(*view)
		all := v.ns.List(v.root)
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
		if m.SuperReadOnly {
			m.Flags |= linux.MS_RDONLY
		}
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
