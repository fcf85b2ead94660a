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
// of rights (AT_SECURE): bprm_fill_uid, cap_bprm_creds_from_file.
func (t *Task) execCred(f *vfs.File) (*auth.Cred, bool) {
	old := t.Cred()
	c := old.Clone()
	mayGain := !f.Path.Mount.NoSuid() && !c.NoNewPrivs && t.tracerAllows()
	if mayGain {
		t.setID(c, f)
	}
	c.Suid, c.Fsuid = c.Euid, c.Euid
	c.Sgid, c.Fsgid = c.Egid, c.Egid
	fc, has := fileCaps{}, false
	if mayGain {
		if b, errno := f.Inode.Getxattr(vfs.KernelCtx{}, "security.capability"); errno == 0 {
			if fc, has = parseFileCaps(b); has && !rootedIn(c.NS, fc.rootID) {
				fc, has = fileCaps{}, false
			}
		}
	}
	root, _ := c.NS.ToKernelUID(0)
	effective := fc.effective
	if c.Securebits&SecureNoroot == 0 {
		if has && c.Ruid != root && c.Euid == root {
			// A file with capabilities run setuid root keeps to its capabilities.
		} else if c.Euid == root || c.Ruid == root {
			fc.permitted, fc.inheritable = auth.AllCaps, auth.AllCaps
			if c.Euid == root {
				effective = true
			}
		}
	}
	setid := c.Euid != old.Euid || c.Egid != old.Egid
	if has || setid {
		c.Ambient = 0
	}
	c.Permitted = c.Bounding&fc.permitted | c.Inheritable&fc.inheritable | c.Ambient
	if effective {
		c.Effective = c.Permitted
	} else {
		c.Effective = c.Ambient
	}
	c.Securebits &^= SecureKeepCaps
	secure := setid || c.Euid != c.Ruid || c.Egid != c.Rgid ||
		c.Ruid != root && (effective && has || c.Permitted&^c.Ambient != 0)
	return c, secure
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
