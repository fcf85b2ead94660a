package proc

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
)

// idMap is uid_map or gid_map (user_namespaces(7), kernel/user_namespace.c).
func idMap(name string, uids bool) entry {
	return reg(name, 0o644, &spec{
		hold:  holdUserNS,
		text:  func(c *call) (string, linux.Errno) { return showMap(c, uids), 0 },
		write: func(c *call, s string, off int64) linux.Errno { return writeMap(c, s, off, uids) },
	})
}

// holdUserNS keeps the user namespace that the task has when its file is opened.
func holdUserNS(c *call) (any, func(), linux.Errno) {
	if !c.fs.alive(c.t) {
		return nil, nil, linux.EINVAL
	}
	return c.t.Cred().NS, nil, 0
}

// showMap shows the ids outside in terms of the reader's namespace, or of the parent if that is
// the one shown (uid_m_show).
func showMap(c *call, uids bool) string {
	ns, lower := c.held.(*auth.UserNS), c.ids()
	if lower == ns && ns.Parent != nil {
		lower = ns.Parent
	}
	list, groups := ns.Maps()
	if !uids {
		list = groups
	}
	var b strings.Builder
	for _, m := range list {
		outside := uint32(auth.NoID)
		if uids {
			if id, ok := ns.ToKernelUID(m.Inside); ok && lower.HasUID(id) {
				outside = lower.FromKernelUID(id)
			}
		} else if id, ok := ns.ToKernelGID(m.Inside); ok && lower.HasGID(id) {
			outside = lower.FromKernelGID(id)
		}
		fmt.Fprintf(&b, "%10d %10d %10d\n", m.Inside, outside, m.Count)
	}
	return b.String()
}

// writeMap sets a map, once (map_write).
func writeMap(c *call, s string, off int64, uids bool) linux.Errno {
	ns := c.held.(*auth.UserNS)
	opener := c.file.Cred
	switch set, groups := ns.Maps(); {
	case ns.Parent == nil, opener.NS != ns && opener.NS != ns.Parent:
		return linux.EPERM
	case off != 0 || len(s) >= maxWrite:
		return linux.EINVAL
	case uids && len(set) > 0, !uids && len(groups) > 0, !opener.HasIn(ns, linux.CAP_SYS_ADMIN):
		return linux.EPERM
	}
	maps, errno := parseMap(s)
	if errno != 0 {
		return errno
	}
	if !mayMap(c, ns, maps, uids) {
		return linux.EPERM
	}
	if uids {
		return ns.SetUIDMap(maps)
	}
	return ns.SetGIDMap(maps)
}

// maxExtents is how many lines a map has at most (UID_GID_MAP_MAX_EXTENTS).
const maxExtents = 340

func parseMap(s string) (maps []auth.IDMap, errno linux.Errno) {
	for _, line := range strings.Split(strings.TrimRight(s, "\n"), "\n") {
		var m auth.IDMap
		w := strings.Fields(line)
		if len(w) != 3 || len(maps) == maxExtents {
			return nil, linux.EINVAL
		}
		for i, to := range []*uint32{&m.Inside, &m.Outside, &m.Count} {
			v, err := strconv.ParseUint(w[i], 10, 32)
			if err != nil {
				return nil, linux.EINVAL
			}
			*to = uint32(v)
		}
		maps = append(maps, m)
	}
	return maps, 0
}

// mayMap is new_idmap_permitted: the creator may map its own id alone, its group only if setgroups(2)
// is denied; more takes the capability over the parent, of the writer and of the opener. To map the
// parent's root, the creator must have had CAP_SETFCAP (verify_root_map).
func mayMap(c *call, ns *auth.UserNS, maps []auth.IDMap, uids bool) bool {
	opener, capability := c.file.Cred, linux.CAP_SETUID
	if !uids {
		capability = linux.CAP_SETGID
	}
	if len(maps) == 1 && maps[0].Count == 1 && opener.Euid == ns.Owner {
		if id, ok := ns.Parent.ToKernelUID(maps[0].Outside); uids && ok && id == opener.Euid {
			return true
		}
		if id, ok := ns.Parent.ToKernelGID(maps[0].Outside); !uids && ok && id == opener.Egid && ns.SetgroupsDenied() {
			return true
		}
	}
	return c.Cred().HasIn(ns.Parent, capability) && opener.HasIn(ns.Parent, capability)
}

// setgroups is /proc/PID/setgroups.
func setgroups(c *call) (string, linux.Errno) {
	if c.held.(*auth.UserNS).SetgroupsDenied() {
		return "deny\n", 0
	}
	return "allow\n", 0
}

func writeSetgroups(c *call, s string, off int64) linux.Errno {
	ns := c.held.(*auth.UserNS)
	if !c.file.Cred.HasIn(ns, linux.CAP_SYS_ADMIN) {
		return linux.EACCES
	}
	if off != 0 || len(s) > 7 {
		return linux.EINVAL
	}
	switch word(s) {
	case "allow":
		if ns.SetgroupsDenied() {
			return linux.EPERM
		}
		return 0
	case "deny":
		return ns.DenySetgroups()
	}
	return linux.EINVAL
}
