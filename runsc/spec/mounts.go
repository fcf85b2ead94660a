package spec

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/sentry/control"
)

// fileSystems are the types of mounts that the sentry has itself.
var fileSystems = []string{"tmpfs", "proc", "sysfs", "devtmpfs", "devpts", "mqueue", "cgroup", "cgroup2", "ramfs"}

// devices are the nodes that the sentry's /dev always has; a bind mount of the host's node at
// its own name, which rootless engines ask for, is therefore met without doing anything.
var devices = []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/console"}

// option is what a word in mounts[].options does to the flags of mount(2).
type option struct {
	set, clear uint64
}

var options = map[string]option{
	"defaults": {}, "rw": {clear: unix.MS_RDONLY}, "ro": {set: unix.MS_RDONLY},
	"suid": {clear: unix.MS_NOSUID}, "nosuid": {set: unix.MS_NOSUID},
	"dev": {clear: unix.MS_NODEV}, "nodev": {set: unix.MS_NODEV},
	"exec": {clear: unix.MS_NOEXEC}, "noexec": {set: unix.MS_NOEXEC},
	"sync": {set: unix.MS_SYNCHRONOUS}, "async": {clear: unix.MS_SYNCHRONOUS},
	"dirsync": {set: unix.MS_DIRSYNC},
	"mand":    {set: unix.MS_MANDLOCK}, "nomand": {clear: unix.MS_MANDLOCK},
	"atime": {clear: unix.MS_NOATIME}, "noatime": {set: unix.MS_NOATIME},
	"diratime": {clear: unix.MS_NODIRATIME}, "nodiratime": {set: unix.MS_NODIRATIME},
	"relatime": {set: unix.MS_RELATIME}, "norelatime": {clear: unix.MS_RELATIME},
	"strictatime": {set: unix.MS_STRICTATIME}, "nostrictatime": {clear: unix.MS_STRICTATIME},
	"lazytime": {set: unix.MS_LAZYTIME}, "nolazytime": {clear: unix.MS_LAZYTIME},
	"iversion": {set: unix.MS_I_VERSION}, "noiversion": {clear: unix.MS_I_VERSION},
	"silent": {set: unix.MS_SILENT}, "loud": {clear: unix.MS_SILENT}, "nosymfollow": {set: 256},
	"remount": {set: unix.MS_REMOUNT}, "bind": {set: unix.MS_BIND}, "rbind": {set: unix.MS_BIND | unix.MS_REC},
	"acl": {}, "noacl": {}, "tmpcopyup": {}, "copy-symlink": {},
	"rro": {set: unix.MS_RDONLY}, "rrw": {clear: unix.MS_RDONLY}, "rnosuid": {set: unix.MS_NOSUID}, "rsuid": {clear: unix.MS_NOSUID},
	"rnodev": {set: unix.MS_NODEV}, "rdev": {clear: unix.MS_NODEV}, "rnoexec": {set: unix.MS_NOEXEC}, "rexec": {clear: unix.MS_NOEXEC},
	"rnoatime": {set: unix.MS_NOATIME}, "ratime": {clear: unix.MS_NOATIME}, "rrelatime": {set: unix.MS_RELATIME},
}

var propagations = map[string]uint64{
	"private": unix.MS_PRIVATE, "rprivate": unix.MS_PRIVATE | unix.MS_REC,
	"shared": unix.MS_SHARED, "rshared": unix.MS_SHARED | unix.MS_REC,
	"slave": unix.MS_SLAVE, "rslave": unix.MS_SLAVE | unix.MS_REC,
	"unbindable": unix.MS_UNBINDABLE, "runbindable": unix.MS_UNBINDABLE | unix.MS_REC,
}

// IsBind says whether m shows a file tree of the host.
func IsBind(m *specs.Mount) bool {
	return m.Type == "bind" || slices.Contains(m.Options, "bind") || slices.Contains(m.Options, "rbind")
}

// Attach is a place of the host that the gofer serves.
type Attach struct {
	Path      string
	Readonly  bool
	Recursive bool // what is mounted below it on the host is served as well
}

// Mounts turns the bundle's mounts into what the sentry is told, and lists the gofer's attach
// points; the first is the root. Sources are not opened here.
func (b *Bundle) Mounts() ([]control.Mount, []Attach, error) {
	attach := []Attach{{Path: b.Spec.Root.Path, Readonly: b.Spec.Root.Readonly, Recursive: true}}
	var mounts []control.Mount
	for i := range b.Spec.Mounts {
		m := &b.Spec.Mounts[i]
		flags, propagation, data := parseOptions(m.Options)
		out := control.Mount{Destination: filepath.Clean(m.Destination), Type: m.Type, Attach: control.NoAttach,
			Flags: flags &^ (unix.MS_BIND | unix.MS_REC), Propagation: propagation, Data: strings.Join(data, ",")}
		if IsBind(m) {
			if slices.Contains(devices, m.Source) && slices.Contains(devices, out.Destination) {
				continue
			}
			st, err := os.Stat(m.Source)
			if err != nil {
				return nil, nil, fmt.Errorf("mount %s: source %s: %w", m.Destination, m.Source, sourceError(err))
			}
			if st.Mode()&os.ModeDevice != 0 {
				return nil, nil, fmt.Errorf("mount %s: source %s is a device, which a sandbox does not get", m.Destination, m.Source)
			}
			out.Type, out.Attach, out.File, out.Data = "gofer", len(attach), !st.IsDir(), ""
			attach = append(attach, Attach{m.Source, flags&unix.MS_RDONLY != 0, flags&unix.MS_REC != 0})
		}
		mounts = append(mounts, out)
	}
	return mounts, attach, nil
}

func sourceError(err error) error {
	err = cause(err)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w: create it or take the mount out of config.json", err)
	}
	return err
}

func (b *Bundle) checkMounts() error {
	for i := range b.Spec.Mounts {
		m := &b.Spec.Mounts[i]
		if m.Destination == "" {
			return fmt.Errorf("mounts[%d] has no destination", i)
		}
		if !filepath.IsAbs(m.Destination) {
			// Before 1.0.0-rc2 a relative destination was relative to "/".
			m.Destination = "/" + m.Destination
		}
		switch {
		case IsBind(m) && m.Source == "":
			return fmt.Errorf("mount %s: a bind mount needs a source", m.Destination)
		case !IsBind(m) && !slices.Contains(fileSystems, m.Type):
			return fmt.Errorf("mount %s: file system type %q is not supported in a sandbox", m.Destination, m.Type)
		case len(m.UIDMappings)+len(m.GIDMappings) > 0 || slices.Contains(m.Options, "idmap") || slices.Contains(m.Options, "ridmap"):
			return fmt.Errorf("mount %s: id-mapped mounts are not supported", m.Destination)
		}
	}
	return nil
}

// parseOptions takes fstab words apart: flags of mount(2), a change of propagation, and the
// rest, which is for the file system.
func parseOptions(words []string) (flags, propagation uint64, data []string) {
	for _, w := range words {
		if o, ok := options[w]; ok {
			flags = flags&^o.clear | o.set
		} else if p, ok := propagations[w]; ok {
			propagation = p
		} else {
			data = append(data, w)
		}
	}
	return flags, propagation, data
}

// MountOptions lists the words that are understood for every mount.
func MountOptions() []string {
	return slices.Sorted(func(yield func(string) bool) {
		for w := range options {
			if !yield(w) {
				return
			}
		}
		for w := range propagations {
			if !yield(w) {
				return
			}
		}
	})
}
