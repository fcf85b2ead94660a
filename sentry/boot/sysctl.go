package boot

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// sysctls sets what the bundle says of /proc/sys (linux.sysctl), by way of a /proc that nobody sees.
func (s *sandbox) sysctls(values map[string]string) error {
	if len(values) == 0 {
		return nil
	}
	typ, errno := s.kernel.FS("proc")
	if errno != 0 {
		return errno
	}
	sb, errno := typ.Mount(nil, "proc", "")
	if errno != 0 {
		return errno
	}
	m := vfs.NewMount(sb, 0)
	defer m.Put()
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if err := setSysctl(m, name, values[name]); err != nil {
			return fmt.Errorf("linux.sysctl %s=%s: %w", name, values[name], err)
		}
	}
	return nil
}

// setSysctl writes one value.
func setSysctl(proc *vfs.Mount, name, value string) error {
	ctx := vfs.KernelCtx{}
	p := vfs.Path{Mount: proc, Dentry: proc.Root()}
	path := "sys/" + strings.ReplaceAll(name, ".", "/")
	if at := strings.IndexAny(name, "./"); at >= 0 && name[at] == '/' {
		path = "sys/" + name
	}
	f, errno := vfs.Open(ctx, vfs.At{Root: p, Start: p}, path, vfs.OpenHow{Flags: linux.O_RDWR})
	switch errno {
	case 0:
	case linux.ENOENT, linux.ENOTDIR, linux.EISDIR:
		return errors.New("this sandbox does not have it")
	case linux.EACCES:
		return fixedSysctl(ctx, p, path, value)
	default:
		return errno
	}
	defer f.Put()
	b := usermem.Bytes([]byte(value + "\n"))
	if _, errno := f.Write(ctx, &b); errno != 0 {
		return errno
	}
	return nil
}

// fixedSysctl is no error if what cannot be changed has that value.
func fixedSysctl(ctx vfs.Ctx, p vfs.Path, path, value string) error {
	f, errno := vfs.Open(ctx, vfs.At{Root: p, Start: p}, path, vfs.OpenHow{Flags: linux.O_RDONLY})
	if errno != 0 {
		return errno
	}
	defer f.Put()
	b := make([]byte, 4096)
	dst := usermem.Bytes(b)
	n, errno := f.Read(ctx, &dst)
	if errno != 0 {
		return errno
	}
	if now := strings.Join(strings.Fields(string(b[:n])), " "); now != strings.Join(strings.Fields(value), " ") {
		return fmt.Errorf("it is %s in this sandbox, and cannot be changed", now)
	}
	return nil
}
