package vfs

import (
	"sort"
	"strconv"
	"strings"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// MountInfo is a line of /proc/PID/mountinfo.
type MountInfo struct {
	ID, Parent     int
	Dev            uint64
	Root, Point    string
	Flags          uint64
	Shared, Master int
	Unbindable     bool
	Type, Source   string
	SuperOptions   string
	SuperReadOnly  bool

	Super               *Super // without a reference
	Unique, UniqueAbove uint64 // as ID and Parent, but never given twice
}

// ID64 is a number of the namespace that is never given twice (NS_GET_MNTNS_ID).
func (ns *MountNS) ID64() uint64 { return ns.seq }

// UniqueID is what statx(2) gives for STATX_MNT_ID_UNIQUE.
func (m *Mount) UniqueID() uint64 { return m.unique }

// List returns the mounts of ns that are reachable from root, in the order of mounting.
func (ns *MountNS) List(root Path) []MountInfo {
	mounts.RLock()
	all := ns.root.collect(nil)
	sort.Slice(all, func(i, j int) bool { return all[i].unique < all[j].unique })
	type line struct {
		m     *Mount
		point Path
		info  MountInfo
	}
	var lines []line
	for _, m := range all {
		l := line{m: m, info: MountInfo{ID: m.ID, Dev: m.Super.Dev, Flags: m.flags.Load(), Type: m.Super.Type, Source: m.Super.Source, SuperReadOnly: m.Super.ReadOnly.Load()}}
		l.info.Shared, l.info.Master, l.info.Unbindable = m.propagationInfo()
		l.info.Super, l.info.Unique = m.Super, m.unique
		l.info.Parent, l.info.UniqueAbove = m.ID, m.unique
		if m.parent != nil {
			l.info.Parent, l.info.UniqueAbove = m.parent.ID, m.parent.unique
		}
		lines = append(lines, l)
	}
	mounts.RUnlock()
	var out []MountInfo
	for _, l := range lines {
		name, ok, _ := Path{l.m, l.m.root}.Name(root)
		if !ok {
			continue
		}
		l.info.Point = name
		if l.info.Root = l.m.root.pathInSuper(); l.m.root.Deleted() {
			l.info.Root += "//deleted"
		}
		if l.m.Super.Options != nil {
			l.info.SuperOptions = l.m.Super.Options()
		}
		out = append(out, l.info)
	}
	return out
}

// pathInSuper is the path from the root of the file system.
func (d *Dentry) pathInSuper() string {
	d.sb.rename.RLock()
	defer d.sb.rename.RUnlock()
	s := ""
	for p := d.parent.Load(); p != nil; p = d.parent.Load() {
		s = "/" + d.name + s
		d = p
	}
	switch {
	case s != "":
		return s
	case d.name != "": // a nameless file's
		return d.name
	}
	return "/"
}

// Options is the options column of /proc/mounts.
func (i *MountInfo) Options() string {
	var o []string
	add := func(bit uint64, name string) {
		if i.Flags&bit != 0 {
			o = append(o, name)
		}
	}
	if i.Flags&linux.MS_RDONLY != 0 {
		o = append(o, "ro")
	} else {
		o = append(o, "rw")
	}
	add(linux.MS_NOSUID, "nosuid")
	add(linux.MS_NODEV, "nodev")
	add(linux.MS_NOEXEC, "noexec")
	add(linux.MS_NOATIME, "noatime")
	add(linux.MS_NODIRATIME, "nodiratime")
	add(linux.MS_RELATIME, "relatime")
	add(linux.MS_NOSYMFOLLOW, "nosymfollow")
	return strings.Join(o, ",")
}

// Line is the line of /proc/PID/mountinfo.
func (i *MountInfo) Line() string {
	var b strings.Builder
	b.WriteString(strconv.Itoa(i.ID) + " " + strconv.Itoa(i.Parent) + " " + strconv.Itoa(int(Major(i.Dev))) + ":" + strconv.Itoa(int(Minor(i.Dev))))
	b.WriteString(" " + mangle(i.Root) + " " + mangle(i.Point) + " " + i.Options())
	if i.Shared != 0 {
		b.WriteString(" shared:" + strconv.Itoa(i.Shared))
	}
	if i.Master != 0 {
		b.WriteString(" master:" + strconv.Itoa(i.Master))
	}
	if i.Unbindable {
		b.WriteString(" unbindable")
	}
	super := "rw"
	if i.SuperReadOnly {
		super = "ro"
	}
	if i.SuperOptions != "" {
		super += "," + i.SuperOptions
	}
	b.WriteString(" - " + i.Type + " " + mangle(i.Source) + " " + super)
	return b.String()
}

// mangle writes blanks and backslashes as octal escapes (seq_path).
func mangle(s string) string {
	if s == "" {
		return "none"
	}
	return strings.NewReplacer("\\", "\\134", " ", "\\040", "\t", "\\011", "\n", "\\012", "#", "\\043").Replace(s)
}

// Mangle is mangle for /proc/mounts.
func Mangle(s string) string { return mangle(s) }
