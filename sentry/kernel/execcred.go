package kernel

import (
	"encoding/binary"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// Bits of prctl(2) PR_SET_SECUREBITS (include/uapi/linux/securebits.h).
const (
	SecureNoroot           = 1 << 0
	SecureNoSetuidFixup    = 1 << 2
	SecureKeepCaps         = 1 << 4
	SecureNoCapAmbientRise = 1 << 6
)

// fileCaps are the capabilities of a file's security.capability attribute.
type fileCaps struct {
	permitted, inheritable auth.CapSet
	effective              bool
	rootID                 uint32
}

// Revisions of struct vfs_cap_data (include/uapi/linux/capability.h).
const (
	vfsCapRevisionMask = 0xff000000
	vfsCapRevision1    = 0x01000000
	vfsCapRevision2    = 0x02000000
	vfsCapRevision3    = 0x03000000
	vfsCapEffective    = 1
)

// parseFileCaps decodes security.capability; false if it is none.
func parseFileCaps(b []byte) (c fileCaps, ok bool) {
	le := binary.LittleEndian
	if len(b) < 4 {
		return c, false
	}
	magic := le.Uint32(b)
	words := 2
	want := 4 + 16
	switch magic & vfsCapRevisionMask {
	case vfsCapRevision1:
		words, want = 1, 4+8
	case vfsCapRevision2:
	case vfsCapRevision3:
		want = 4 + 16 + 4
	default:
		return c, false
	}
	if len(b) != want {
		return c, false
	}
	for i := range words {
		c.permitted |= auth.CapSet(le.Uint32(b[4+8*i:])) << (32 * i)
		c.inheritable |= auth.CapSet(le.Uint32(b[8+8*i:])) << (32 * i)
	}
	if want == 24 {
		c.rootID = le.Uint32(b[20:])
	}
	c.effective = magic&vfsCapEffective != 0
	c.permitted &= auth.AllCaps
	c.inheritable &= auth.AllCaps
	return c, true
}

// execCred computes the credentials after the program f is executed and whether that is a change
// of rights (AT_SECURE): bprm_fill_uid, cap_bprm_creds_from_file. EPERM: the file says that it cannot
// do with less capabilities than it would get.
func (t *Task) execCred(f *vfs.File) (*auth.Cred, bool, linux.Errno) {
	old := t.Cred()
	c := old.Clone()
	trusted := !f.Path.Mount.NoSuid()
	if trusted && !c.NoNewPrivs {
		t.setID(c, f)
	}
	c.Permitted = 0
	effective, has, errno := applyFileCaps(c, f, trusted)
	if errno != 0 {
		return nil, false, errno
	}
	root, _ := c.NS.ToKernelUID(0)
	if c.Securebits&SecureNoroot == 0 && !(has && c.Ruid != root && c.Euid == root) {
		// A file with capabilities that is run setuid root keeps to them.
		if c.Euid == root || c.Ruid == root {
			c.Permitted = c.Bounding | c.Inheritable
		}
		effective = effective || c.Euid == root
	}
	setid := c.Euid != old.Ruid || c.Egid != old.Rgid
	gained := c.Permitted&^old.Permitted != 0
	if (setid || gained) && (c.NoNewPrivs || t.group.Threads() == 1 && t.FS().Shared() || !t.tracerAllows()) {
		// They get no more than they had (LSM_UNSAFE_*).
		if c.NoNewPrivs || !old.HasIn(c.NS, linux.CAP_SETUID) {
			c.Euid, c.Egid = c.Ruid, c.Rgid
		}
		c.Permitted &= old.Permitted
	}
	c.Suid, c.Fsuid = c.Euid, c.Euid
	c.Sgid, c.Fsgid = c.Egid, c.Egid
	if has || setid {
		c.Ambient = 0
	}
	c.Permitted |= c.Ambient
	c.Effective = c.Ambient
	if effective {
		c.Effective = c.Permitted
	}
	c.Securebits &^= SecureKeepCaps
	secure := setid || c.Ruid != root && (effective || c.Permitted&^c.Ambient != 0)
	return c, secure, 0
}

// applyFileCaps gives c what the capabilities of f permit (get_file_caps): whether they are to be
// effective, and whether there are any.
func applyFileCaps(c *auth.Cred, f *vfs.File, trusted bool) (effective, has bool, errno linux.Errno) {
	if !trusted {
		return false, false, 0
	}
	b, errno := f.Inode.Getxattr(vfs.KernelCtx{}, "security.capability")
	if errno != 0 {
		return false, false, 0
	}
	fc, ok := parseFileCaps(b)
	if !ok || !rootedIn(c.NS, fc.rootID) {
		return false, false, 0
	}
	c.Permitted = c.Bounding&fc.permitted | c.Inheritable&fc.inheritable
	if fc.effective && fc.permitted&^c.Permitted != 0 {
		return false, false, linux.EPERM
	}
	return fc.effective, true, 0
}

// undumpable tells whether a program that runs as n, started by old, is not to be looked into
// (begin_new_exec, commit_creds).
func undumpable(old, n *auth.Cred) bool {
	return old.Euid != old.Ruid || old.Egid != old.Rgid || n.Euid != old.Euid || n.Egid != old.Egid ||
		n.Fsuid != old.Fsuid || n.Fsgid != old.Fsgid || n.Permitted&^old.Permitted != 0
}

// setID applies setuid and setgid bits.
func (t *Task) setID(c *auth.Cred, f *vfs.File) {
	a := f.Inode.Attr()
	if a.Mode&(linux.S_ISUID|linux.S_ISGID) == 0 || !c.NS.HasUID(a.UID) || !c.NS.HasGID(a.GID) {
		return
	}
	if a.Mode&linux.S_ISUID != 0 {
		c.Euid = a.UID
	}
	if a.Mode&(linux.S_ISGID|linux.S_IXGRP) == linux.S_ISGID|linux.S_IXGRP {
		c.Egid = a.GID
	}
}

// rootedIn tells whether file capabilities made for the user namespace whose root is id count in
// ns (rootid_owns_currentns).
func rootedIn(ns *auth.UserNS, id uint32) bool {
	for ; ns != nil; ns = ns.Parent {
		if root, ok := ns.ToKernelUID(0); ok && uint32(root) == id {
			return true
		}
	}
	return false
}
