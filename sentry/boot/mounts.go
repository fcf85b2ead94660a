package boot

import (
	"fmt"
	"path"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/control"
	"github.com/seed-7423c386/runsc/sentry/fs/gofer"
	"github.com/seed-7423c386/runsc/sentry/socket/tun"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// tree is a container's file tree while it is built.
type tree struct {
	s     *sandbox
	ctx   vfs.KernelCtx
	gofer *gofer.Client
	ns    *vfs.MountNS
}

// mountAll builds the tree: the root, the bundle's mounts in their order, devices, masked paths.
func (s *sandbox) mountAll(c *control.Config, client *gofer.Client) (*vfs.MountNS, error) {
	t := &tree{s: s, gofer: client}
	root, err := t.root(c)
	if err != nil {
		return nil, err
	}
	t.ns = vfs.NewMountNS(s.kernel.UserNS, root)
	for i := range c.Mounts {
		if err := t.mount(&c.Mounts[i]); err != nil {
			return nil, fmt.Errorf("mount %s: %w", c.Mounts[i].Destination, err)
		}
	}
	if err := t.devices(c); err != nil {
		return nil, err
	}
	if c.Spec.Linux != nil {
		if err := t.protect(c.Spec.Linux); err != nil {
			return nil, err
		}
	}
	return t.ns, t.finish(c)
}

// root mounts the container's root.
func (t *tree) root(c *control.Config) (*vfs.Mount, error) {
	opts := gofer.Options{Exclusive: c.Root.Exclusive, Readonly: c.Root.Overlay, Source: "none"}
	sb, errno := t.gofer.Mount(c.Root.Attach, opts)
	if errno != 0 {
		return nil, fmt.Errorf("root file system: %w", errno)
	}
	if c.Root.Overlay {
		if sb, errno = t.s.overlay(sb); errno != 0 {
			return nil, fmt.Errorf("overlay over the root: %w", errno)
		}
	}
	return vfs.NewMount(sb, linux.MS_RELATIME), nil
}

// at is where walks begin.
func (t *tree) at() vfs.At {
	root := t.ns.Root()
	root.Get()
	return vfs.At{Root: root, Start: root}
}

// walk finds a path in the tree.
func (t *tree) walk(name string) (vfs.Path, linux.Errno) {
	at := t.at()
	defer at.Put()
	return vfs.Walk(t.ctx, at, name, vfs.Follow)
}

// mount does one mount of the bundle.
func (t *tree) mount(m *control.Mount) error {
	if m.Flags&linux.MS_REMOUNT != 0 {
		return t.remount(m)
	}
	point, err := t.point(m.Destination, m.File)
	if err != nil {
		return err
	}
	defer point.Put()
	var (
		sb    *vfs.Super
		errno linux.Errno
	)
	if m.Type == "gofer" {
		sb, errno = t.gofer.Mount(m.Attach, gofer.Options{Exclusive: m.Exclusive, Readonly: m.Flags&linux.MS_RDONLY != 0, Source: "none"})
	} else {
		var fs = m.Type
		if fs == "ramfs" {
			fs = "tmpfs"
		}
		var typ, e = t.s.kernel.FS(fs)
		if e != 0 {
			return fmt.Errorf("file system %s is not known to this sandbox", m.Type)
		}
		sb, errno = typ.Mount(nil, m.Type, m.Data)
	}
	if errno != 0 {
		return errno
	}
	flags := m.Flags
	if flags&(linux.MS_NOATIME|linux.MS_STRICTATIME) == 0 {
		flags |= linux.MS_RELATIME
	}
	if errno := t.ns.Mount(point, vfs.NewMount(sb, flags)); errno != 0 {
		return errno
	}
	if m.Propagation != 0 {
		p, errno := t.walk(m.Destination)
		if errno != 0 {
			return errno
		}
		defer p.Put()
		if errno := p.SetPropagation(m.Propagation&^linux.MS_REC, m.Propagation&linux.MS_REC != 0); errno != 0 {
			return errno
		}
	}
	return nil
}

// remount changes the flags of a mount.
func (t *tree) remount(m *control.Mount) error {
	p, errno := t.walk(m.Destination)
	if errno != 0 {
		return errno
	}
	defer p.Put()
	if errno := t.ns.Remount(p, m.Flags&^linux.MS_REMOUNT, m.Flags&(linux.MS_NOATIME|linux.MS_NODIRATIME|linux.MS_RELATIME|linux.MS_STRICTATIME) == 0); errno != 0 {
		return errno
	}
	return nil
}

// point finds a mount's destination and makes it, with the directories above, if it is not
// there.
func (t *tree) point(name string, file bool) (vfs.Path, error) {
	p, errno := t.walk(name)
	if errno != linux.ENOENT {
		if errno != 0 {
			return p, errno
		}
		return p, nil
	}
	at := t.at()
	defer at.Put()
	made := ""
	parts := strings.Split(strings.Trim(path.Clean(name), "/"), "/")
	for i, part := range parts {
		made += "/" + part
		if i == len(parts)-1 && file {
			errno = vfs.Mknod(t.ctx, at, made, linux.S_IFREG|0o755, 0)
		} else {
			errno = vfs.Mkdir(t.ctx, at, made, 0o755)
		}
		if errno != 0 && errno != linux.EEXIST {
			return vfs.Path{}, fmt.Errorf("making the mount point: %s: %w", made, errno)
		}
	}
	if p, errno = t.walk(name); errno != 0 {
		return p, errno
	}
	return p, nil
}

// protect hides the bundle's masked paths and makes its read-only paths so (runc's
// linux.maskedPaths, linux.readonlyPaths). Paths that do not exist are left out.
func (t *tree) protect(l *specs.Linux) error {
	for _, name := range l.MaskedPaths {
		if err := t.mask(name); err != nil {
			return fmt.Errorf("masking %s: %w", name, err)
		}
	}
	for _, name := range l.ReadonlyPaths {
		p, errno := t.walk(name)
		if errno != 0 {
			continue
		}
		errno = t.ns.Bind(p, p, true)
		p.Put()
		if errno == 0 {
			if p, errno = t.walk(name); errno == 0 {
				errno = t.ns.Remount(p, p.Mount.Flags()|linux.MS_RDONLY, true)
				p.Put()
			}
		}
		if errno != 0 {
			return fmt.Errorf("making %s read-only: %w", name, errno)
		}
	}
	return nil
}

// mask puts an empty directory or the null device over what name names.
func (t *tree) mask(name string) error {
	p, errno := t.walk(name)
	if errno != 0 {
		return nil
	}
	defer p.Put()
	if p.Inode().IsDir() {
		typ, errno := t.s.kernel.FS("tmpfs")
		if errno != 0 {
			return errno
		}
		sb, errno := typ.Mount(nil, "tmpfs", "size=0,mode=755")
		if errno != 0 {
			return errno
		}
		if errno := t.ns.Mount(p, vfs.NewMount(sb, linux.MS_RDONLY|linux.MS_RELATIME)); errno != 0 {
			return errno
		}
		return nil
	}
	null, errno := t.walk("/dev/null")
	if errno != 0 {
		return fmt.Errorf("/dev/null: %w", errno)
	}
	defer null.Put()
	if errno := t.ns.Bind(null, p, false); errno != 0 {
		return errno
	}
	return nil
}

// node is a device of /dev.
type node struct {
	name         string
	mode         uint32
	major, minor uint32
}

// defaultDevices are those that every container has (config-linux.md, default devices).
var defaultDevices = []node{
	{"null", 0o666, 1, 3}, {"zero", 0o666, 1, 5}, {"full", 0o666, 1, 7}, {"random", 0o666, 1, 8}, {"urandom", 0o666, 1, 9}, {"tty", 0o666, 5, 0}, {"console", 0o620, 5, 1},
}

// defaultLinks are the symbolic links of /dev.
var defaultLinks = [][2]string{
	{"/proc/self/fd", "fd"}, {"/proc/self/fd/0", "stdin"}, {"/proc/self/fd/1", "stdout"}, {"/proc/self/fd/2", "stderr"}, {"pts/ptmx", "ptmx"},
}

// devices fills /dev if that is a file system of its own; a bundle without one gets a tmpfs
// there, since nodes in its root would be the host's.
func (t *tree) devices(c *control.Config) error {
	p, errno := t.walk("/dev")
	if errno == 0 && !p.IsMountRoot() {
		errno = linux.ENOENT
		p.Put()
	}
	if errno != 0 {
		m := control.Mount{Destination: "/dev", Type: "tmpfs", Attach: control.NoAttach, Data: "mode=755,size=65536k", Flags: linux.MS_NOSUID}
		if err := t.mount(&m); err != nil {
			return fmt.Errorf("mount /dev: %w", err)
		}
	} else {
		p.Put()
	}
	at := t.at()
	defer at.Put()
	for _, d := range defaultDevices {
		errno := vfs.Mknod(t.ctx, at, "/dev/"+d.name, linux.S_IFCHR|d.mode, vfs.MakeDev(d.major, d.minor))
		if errno != 0 && errno != linux.EEXIST {
			return fmt.Errorf("making /dev/%s: %w", d.name, errno)
		}
	}
	if err := t.givenDevices(at, c); err != nil {
		return err
	}
	for _, l := range defaultLinks {
		if errno := vfs.Symlink(t.ctx, l[0], at, "/dev/"+l[1]); errno != 0 && errno != linux.EEXIST {
			return fmt.Errorf("making /dev/%s: %w", l[1], errno)
		}
	}
	return nil
}

// givenDevices makes the nodes of linux.devices that lead to something here: that of tun(4).
func (t *tree) givenDevices(at vfs.At, c *control.Config) error {
	if c.Spec.Linux == nil {
		return nil
	}
	for _, d := range c.Spec.Linux.Devices {
		if d.Type != "c" && d.Type != "u" || d.Major != tun.Major || d.Minor != tun.Minor || !strings.HasPrefix(d.Path, "/dev/") {
			continue
		}
		mode, uid, gid := uint32(0o666), uint32(0), uint32(0)
		if d.FileMode != nil {
			mode = uint32(*d.FileMode) & 0o7777
		}
		if d.UID != nil {
			uid = *d.UID
		}
		if d.GID != nil {
			gid = *d.GID
		}
		name := path.Clean(d.Path)
		if dir := path.Dir(name); dir != "/dev" {
			vfs.Mkdir(t.ctx, at, dir, 0o755)
		}
		errno := vfs.Mknod(t.ctx, at, name, linux.S_IFCHR|mode, vfs.MakeDev(tun.Major, tun.Minor))
		if p, e := t.walk(name); errno == 0 && e == 0 {
			vfs.Chown(t.ctx, p, auth.UID(uid), auth.GID(gid))
			p.Put()
		}
		if errno != 0 && errno != linux.EEXIST {
			return fmt.Errorf("making %s: %w", name, errno)
		}
	}
	return nil
}

// finish makes the root read-only if it is to be.
func (t *tree) finish(c *control.Config) error {
	if !c.Root.Readonly {
		return nil
	}
	root := t.ns.Root()
	defer root.Put()
	if errno := t.ns.Remount(root, root.Mount.Flags()|linux.MS_RDONLY, true); errno != 0 {
		return fmt.Errorf("making the root read-only: %w", errno)
	}
	return nil
}
