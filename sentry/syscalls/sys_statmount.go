package syscalls

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

func init() {
	register(rows{
		linux.SYS_STATMOUNT: {"statmount", "hex hex size hex", statmount, "of mounts of the caller's namespace"},
		linux.SYS_LISTMOUNT: {"listmount", "hex hex size hex", listmount, "of the caller's namespace"},
	})
}

const (
	mntIDReqSize  = 24      // MNT_ID_REQ_SIZE_VER0
	mntIDReqSize1 = 32      // MNT_ID_REQ_SIZE_VER1
	firstUnique   = 1 << 31 // MNT_UNIQUE_ID_OFFSET
	maxListmount  = 1000000
)

// mntIDReq copies in what both calls ask (copy_mnt_id_req).
func mntIDReq(t *kernel.Task, addr usermem.Addr) (linux.MntIDReq, linux.Errno) {
	var r linux.MntIDReq
	size, errno := usermem.CopyInInt[uint32](t.Space(), addr)
	switch {
	case errno != 0:
		return r, errno
	case size > usermem.PageSize:
		return r, linux.E2BIG
	case size < mntIDReqSize:
		return r, linux.EINVAL
	}
	if errno := restZero(t, addr, mntIDReqSize1, uint64(size)); errno != 0 {
		return r, errno
	}
	words, errno := usermem.CopyInInts[uint64](t.Space(), addr, int(min(size, mntIDReqSize1))/8)
	if errno != 0 {
		return r, errno
	}
	r.Size, r.Spare, r.MntID, r.Param = size, uint32(words[0]>>32), words[1], words[2]
	if len(words) > 3 {
		r.MntNSID = words[3]
	}
	if r.Spare != 0 || r.MntID <= firstUnique {
		return r, linux.EINVAL
	}
	return r, 0
}

// mountsSeen are the mounts that the caller's root reaches: ENOENT for another namespace.
func mountsSeen(t *kernel.Task, nsID uint64) ([]vfs.MountInfo, linux.Errno) {
	ns := t.Namespaces().Mount
	if nsID != 0 && nsID != ns.ID64() {
		return nil, linux.ENOENT
	}
	root := t.FS().Root()
	defer root.Put()
	return ns.List(root), 0
}

// statmount is statmount(2).
func statmount(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	addr, size := a.Addr(1), a.Size(2)
	if a.Uint(3) != 0 {
		return 0, linux.EINVAL
	}
	r, errno := mntIDReq(t, a.Addr(0))
	if errno != 0 {
		return 0, errno
	}
	list, errno := mountsSeen(t, r.MntNSID)
	if errno != 0 {
		return 0, errno
	}
	for i := range list {
		if list[i].Unique == r.MntID {
			return ret(putStatmount(t, &list[i], r.Param, addr, size))
		}
	}
	return 0, linux.ENOENT
}

// statmountSize is sizeof(struct statmount).
const statmountSize = 512

// putStatmount stores what mask asks of a mount: EOVERFLOW if the strings do not fit.
func putStatmount(t *kernel.Task, m *vfs.MountInfo, mask uint64, addr usermem.Addr, size uint64) linux.Errno {
	s := linux.Statmount{}
	var text []byte
	put := func(bit uint64, field *uint32, v string) {
		if mask&bit != 0 && v != "" {
			s.Mask |= bit
			*field = uint32(len(text))
			text = append(append(text, v...), 0)
		}
	}
	if mask&linux.STATMOUNT_SB_BASIC != 0 {
		s.Mask |= linux.STATMOUNT_SB_BASIC
		s.SbDevMajor, s.SbDevMinor = vfs.Major(m.Dev), vfs.Minor(m.Dev)
		if m.Super.Statfs != nil {
			v, _ := m.Super.Statfs(t)
			s.SbMagic = uint64(v.Magic)
		}
		if m.SuperReadOnly {
			s.SbFlags = linux.MS_RDONLY
		}
	}
	if mask&linux.STATMOUNT_MNT_BASIC != 0 {
		s.Mask |= linux.STATMOUNT_MNT_BASIC
		s.MntID, s.MntParentID, s.MntIDOld, s.MntParentIDOld = m.Unique, m.UniqueAbove, uint32(m.ID), uint32(m.Parent)
		s.MntAttr, s.MntPropagation = attrsOf(m.Flags), propagationOf(m)
		s.MntPeerGroup, s.MntMaster = uint64(m.Shared), uint64(m.Master)
	}
	if mask&linux.STATMOUNT_PROPAGATE_FROM != 0 {
		s.Mask |= linux.STATMOUNT_PROPAGATE_FROM
	}
	if mask&linux.STATMOUNT_MNT_NS_ID != 0 {
		s.Mask |= linux.STATMOUNT_MNT_NS_ID
		s.MntNSID = t.Namespaces().Mount.ID64()
	}
	put(linux.STATMOUNT_FS_TYPE, &s.FsType, m.Type)
	put(linux.STATMOUNT_MNT_ROOT, &s.MntRoot, m.Root)
	put(linux.STATMOUNT_MNT_POINT, &s.MntPoint, m.Point)
	put(linux.STATMOUNT_MNT_OPTS, &s.MntOpts, m.SuperOptions)
	if len(text) > 0 && size < statmountSize+uint64(len(text)) {
		return linux.EOVERFLOW
	}
	s.Size = uint32(min(size, statmountSize)) + uint32(len(text))
	if size < statmountSize { // an older and shorter struct
		b := usermem.Encode(&s)
		_, errno := t.Space().CopyOut(addr, b[:size])
		return errno
	}
	if errno := usermem.CopyOut(t.Space(), addr, &s); errno != 0 || len(text) == 0 {
		return errno
	}
	_, errno := t.Space().CopyOut(addr+statmountSize, text)
	return errno
}

// attrsOf turns flags of a mount into MOUNT_ATTR_ bits.
func attrsOf(flags uint64) (attr uint64) {
	for _, bit := range [...]uint64{linux.MOUNT_ATTR_RDONLY, linux.MOUNT_ATTR_NOSUID, linux.MOUNT_ATTR_NODEV, linux.MOUNT_ATTR_NOEXEC, linux.MOUNT_ATTR_NODIRATIME, linux.MOUNT_ATTR_NOSYMFOLLOW} {
		if flags&mountFlags(bit) != 0 {
			attr |= bit
		}
	}
	switch {
	case flags&linux.MS_NOATIME != 0:
		attr |= linux.MOUNT_ATTR_NOATIME
	case flags&linux.MS_RELATIME == 0:
		attr |= linux.MOUNT_ATTR_STRICTATIME
	}
	return attr
}

// propagationOf is the type of a mount as mount_setattr(2) says it.
func propagationOf(m *vfs.MountInfo) (p uint64) {
	if m.Shared != 0 {
		p |= linux.MS_SHARED
	}
	if m.Master != 0 {
		p |= linux.MS_SLAVE
	}
	if m.Unbindable {
		p |= linux.MS_UNBINDABLE
	}
	if p == 0 {
		p = linux.MS_PRIVATE
	}
	return p
}

// listmount is listmount(2).
func listmount(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	addr, n, flags := a.Addr(1), a.Size(2), a.Uint(3)
	switch {
	case flags&^linux.LISTMOUNT_REVERSE != 0:
		return 0, linux.EINVAL
	case n > maxListmount:
		return 0, linux.EOVERFLOW
	}
	r, errno := mntIDReq(t, a.Addr(0))
	switch {
	case errno != 0:
		return 0, errno
	case r.Param != 0 && r.Param <= firstUnique:
		return 0, linux.EINVAL
	}
	list, errno := mountsSeen(t, r.MntNSID)
	if errno != 0 {
		return 0, errno
	}
	below := map[uint64]bool{}
	var ids []uint64
	if r.MntID != linux.LSMT_ROOT {
		below[r.MntID] = true
		found := false
		for i := range list {
			found = found || list[i].Unique == r.MntID
		}
		if !found {
			return 0, linux.ENOENT
		}
	}
	for grew := true; grew; { // a mount can have been moved below a younger one
		grew = false
		for i := range list {
			if m := &list[i]; !below[m.Unique] && (r.MntID == linux.LSMT_ROOT || below[m.UniqueAbove]) {
				below[m.Unique], grew = true, true
			}
		}
	}
	for i := range list {
		k := i
		if flags&linux.LISTMOUNT_REVERSE != 0 {
			k = len(list) - 1 - i
		}
		id := list[k].Unique
		past := r.Param == 0 || id > r.Param
		if flags&linux.LISTMOUNT_REVERSE != 0 {
			past = r.Param == 0 || id < r.Param
		}
		if below[id] && id != r.MntID && past && uint64(len(ids)) < n {
			ids = append(ids, id)
		}
	}
	return uintptr(len(ids)), usermem.CopyOutInts(t.Space(), addr, ids)
}
