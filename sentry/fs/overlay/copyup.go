package overlay

import (
	"bytes"
	"encoding/binary"
	"strconv"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// wholeFile is how much of a file's contents is copied if nothing will be cut off.
const wholeFile = 1<<63 - 1

// copyUp makes sure that n is in the upper layer, with the first keep bytes of its contents
// (ovl_copy_up).
func (n *node) copyUp(ctx vfs.Ctx, keep int64) linux.Errno {
	if n.upper.Load() != nil {
		return 0
	}
	if n.fs.upper == nil {
		return linux.EROFS
	}
	n.up.Lock()
	defer n.up.Unlock()
	if n.upper.Load() != nil {
		return 0
	}
	parent, name := n.where()
	if parent != nil {
		if errno := parent.copyUp(ctx, 0); errno != 0 {
			return errno
		}
	}
	k := layerCtx{ctx}
	low := n.below()
	a, errno := low.Stat(k)
	if errno != 0 {
		return errno
	}
	if ns := n.fs.mounter.NS; ns.Parent != nil && (!ns.HasUID(a.UID) || !ns.HasGID(a.GID)) {
		return linux.EOVERFLOW
	}
	if parent == nil {
		return n.copyNameless(k, &a, keep)
	}
	place := parent.place.Load()
	above, errno := place.Inode().Stat(k)
	if errno != 0 {
		return errno
	}
	made, errno := n.copyTo(k, place, name, &a, keep)
	if errno != 0 {
		return errno
	}
	// The directory shows no change.
	vfs.SetattrIn(k, place.Inode(), vfs.SetAttr{Mask: vfs.AttrAtime | vfs.AttrMtime, Atime: above.Atime, Mtime: above.Mtime})
	if d, ok := n.self.(*dir); ok {
		d.place.Store(made)
		made.Get()
	}
	n.publish(made.Inode())
	made.Put()
	return n.Getattr(ctx)
}

// publish says where n is from now on.
func (n *node) publish(up *vfs.Inode) {
	up.Get()
	n.upper.Store(up)
	n.fs.raised(n, up)
}

// copyNameless copies up what has no name any more and is still in use.
func (n *node) copyNameless(k layerCtx, a *vfs.Attr, keep int64) linux.Errno {
	t, ok := n.fs.upper.Root().Inode().Ops.(vfs.Tmpfiler)
	if _, regular := n.self.(*file); !regular || !ok {
		return linux.ESTALE
	}
	up, errno := t.Tmpfile(k, createArgs(a, ""))
	if errno != 0 {
		return errno
	}
	defer up.Put()
	if errno := n.fill(k, up, a, keep); errno != 0 {
		return errno
	}
	n.publish(up)
	return n.Getattr(k)
}

func createArgs(a *vfs.Attr, target string) vfs.CreateArgs {
	return vfs.CreateArgs{Mode: a.Mode, UID: a.UID, GID: a.GID, Rdev: a.Rdev, Target: target}
}

// copyTo makes the copy as name in the upper directory place.
func (n *node) copyTo(k layerCtx, place *vfs.Dentry, name string, a *vfs.Attr, keep int64) (*vfs.Dentry, linux.Errno) {
	if a.Mode&linux.S_IFMT == linux.S_IFREG {
		return n.copyFile(k, place, name, a, keep)
	}
	target := ""
	if l, ok := n.self.(*symlink); ok {
		var errno linux.Errno
		if target, errno = l.Readlink(k); errno != 0 {
			return nil, errno
		}
	}
	made, errno := vfs.CreateIn(k, place, name, createArgs(a, target))
	if errno != 0 {
		return nil, errno
	}
	if errno := n.fill(k, made.Inode(), a, 0); errno != 0 {
		made.Put()
		vfs.RemoveFrom(k, place, name)
		return nil, errno
	}
	return made, 0
}

// copyFile copies a regular file: without a name until it is complete.
func (n *node) copyFile(k layerCtx, place *vfs.Dentry, name string, a *vfs.Attr, keep int64) (*vfs.Dentry, linux.Errno) {
	up, done, errno := n.fs.tempFile(k, place, createArgs(a, ""))
	if errno != 0 {
		return nil, errno
	}
	defer done()
	defer up.Put()
	if errno := n.fill(k, up, a, keep); errno != 0 {
		return nil, errno
	}
	if errno := vfs.LinkIn(k, place, name, up); errno != 0 {
		return nil, errno
	}
	return vfs.ChildOf(k, place, name)
}

// tempFile makes a regular file without a name, or with one in the work directory that done removes.
func (f *FS) tempFile(k layerCtx, place *vfs.Dentry, a vfs.CreateArgs) (_ *vfs.Inode, done func(), _ linux.Errno) {
	t, ok := place.Inode().Ops.(vfs.Tmpfiler)
	errno := linux.EOPNOTSUPP
	if ok {
		var i *vfs.Inode
		if i, errno = t.Tmpfile(k, a); errno == 0 {
			return i, func() {}, 0
		}
	}
	if f.work == nil {
		return nil, nil, errno
	}
	name := "#" + strconv.FormatUint(f.temp.Add(1), 16)
	d, errno := vfs.CreateIn(k, f.work, name, a)
	if errno != 0 {
		return nil, nil, errno
	}
	i := d.Inode()
	i.Get()
	d.Put()
	return i, func() { vfs.RemoveFrom(k, f.work, name) }, 0
}

// fill gives the copy up contents, extended attributes and times.
func (n *node) fill(k layerCtx, up *vfs.Inode, a *vfs.Attr, keep int64) linux.Errno {
	if a.Mode&linux.S_IFMT == linux.S_IFREG && min(keep, a.Size) > 0 {
		if errno := n.copyData(k, up, min(keep, a.Size)); errno != 0 {
			return errno
		}
	}
	if errno := n.copyXattrs(k, up); errno != 0 {
		return errno
	}
	n.setOrigin(k, up, a)
	return vfs.SetattrIn(k, up, vfs.SetAttr{Mask: vfs.AttrAtime | vfs.AttrMtime, Atime: a.Atime, Mtime: a.Mtime})
}

var zeros [64 << 10]byte

// copyData copies the first n bytes; what is zero stays a hole.
func (n *node) copyData(k layerCtx, up *vfs.Inode, size int64) linux.Errno {
	to, errno := vfs.OpenInode(k, n.fs.upper, up, linux.O_RDWR)
	if errno != 0 {
		return errno
	}
	defer to.Put()
	from, errno := vfs.OpenInode(k, n.fs.mountOf(n.lower), n.lower, linux.O_RDONLY)
	if errno != 0 {
		return errno
	}
	defer from.Put()
	b := make([]byte, min(size, int64(len(zeros))))
	off := int64(0)
	for off < size {
		dst := usermem.Bytes(b[:min(size-off, int64(len(b)))])
		got, errno := from.ReadAt(k, &dst, off, false)
		if errno != 0 {
			return errno
		}
		if got == 0 {
			break
		}
		if !bytes.Equal(b[:got], zeros[:got]) {
			src := usermem.Bytes(b[:got])
			if put, errno := to.WriteAt(k, &src, off, false, false); errno != 0 {
				return errno
			} else if put < got {
				return linux.ENOSPC
			}
		}
		off += int64(got)
	}
	if up.Attr().Size < off {
		return vfs.SetattrIn(k, up, vfs.SetAttr{Mask: vfs.AttrSize, Size: off})
	}
	return 0
}

// copyXattrs copies the extended attributes but for the overlay's own (ovl_copy_xattr).
func (n *node) copyXattrs(k layerCtx, up *vfs.Inode) linux.Errno {
	from, ok := n.below().Ops.(vfs.Xattrs)
	if !ok {
		return 0
	}
	names, errno := from.Listxattr(k)
	if errno == linux.EOPNOTSUPP {
		return 0
	}
	to, able := up.Ops.(vfs.Xattrs)
	for _, name := range names {
		if _, shown := n.fs.fromLayer(name); !shown {
			continue
		}
		v, e := from.Getxattr(k, name)
		if e != 0 {
			continue
		}
		if !able {
			return linux.EOPNOTSUPP
		}
		if errno := to.Setxattr(k, name, v, 0); errno != 0 && errno != linux.EOPNOTSUPP {
			return errno
		}
	}
	return errno
}

// Names of the overlay's own attributes, behind the prefix.
const (
	xattrOpaque   = "opaque"
	xattrRedirect = "redirect"
	xattrOrigin   = "origin"
	xattrImpure   = "impure"
	xattrUUID     = "uuid"
)

// own reads one of the overlay's own attributes.
func (f *FS) own(k vfs.Ctx, i *vfs.Inode, name string) (string, bool) {
	x, ok := i.Ops.(vfs.Xattrs)
	if !ok || f.plain && i.SB != f.sb.Upper {
		return "", false
	}
	v, errno := x.Getxattr(k, f.prefix+name)
	return string(v), errno == 0
}

// setOwn sets one: EIO where that is not possible.
func (f *FS) setOwn(k vfs.Ctx, i *vfs.Inode, name, value string) linux.Errno {
	x, ok := i.Ops.(vfs.Xattrs)
	if !ok || f.noXattr {
		return linux.EIO
	}
	return x.Setxattr(k, f.prefix+name, []byte(value), 0)
}

// A struct ovl_fh: magic, length, type of handle, and behind the uuid device and inode number.
const (
	originMagic = 0xfb
	originType  = 0xf8 // no type of Linux's
	originLen   = 37
)

// setOrigin notes on the copy what it is a copy of, so that it keeps its number (struct ovl_fh). A lower file with several names has copies.
func (n *node) setOrigin(k layerCtx, up *vfs.Inode, a *vfs.Attr) {
	if a.Mode&linux.S_IFMT != linux.S_IFDIR && a.Nlink > 1 {
		return
	}
	fh := make([]byte, 21, originLen)
	low := n.below()
	fh = binary.LittleEndian.AppendUint64(fh, low.SB.Dev)
	fh = binary.LittleEndian.AppendUint64(fh, low.Ino)
	fh[1], fh[2], fh[4] = originMagic, byte(len(fh)), originType
	if n.fs.setOwn(k, up, xattrOrigin, string(fh)) == 0 {
		if parent, _ := n.where(); parent != nil {
			parent.impure(k)
		}
	}
}

// impure notes that the upper directory has copies.
func (d *dir) impure(k layerCtx) {
	if i := d.upper.Load(); i != nil && !d.isImpure.Swap(true) {
		if _, ok := d.fs.own(k, i, xattrImpure); !ok {
			d.fs.setOwn(k, i, xattrImpure, "y")
		}
	}
}

// origin is the inode number that setOrigin noted; 0: none.
func (f *FS) origin(k vfs.Ctx, up *vfs.Inode) uint64 {
	fh, ok := f.own(k, up, xattrOrigin)
	if !ok || len(fh) != originLen || fh[1] != originMagic || fh[4] != originType {
		return 0
	}
	dev, ino := binary.LittleEndian.Uint64([]byte(fh[21:])), binary.LittleEndian.Uint64([]byte(fh[29:]))
	for _, sb := range f.supers {
		if sb.Dev == dev {
			return f.numberOf(sb, ino)
		}
	}
	return 0
}

// mountOf is a mount of the layer that a lower inode is of.
func (f *FS) mountOf(i *vfs.Inode) *vfs.Mount {
	for _, l := range f.layers {
		if l.mount.Super == i.SB {
			return l.mount
		}
	}
	return f.layers[0].mount
}
