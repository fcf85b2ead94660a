package overlay

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// Extended attributes are the lower inode's until the first change, which copies them.

// own returns the inode's own attributes, copying the lower ones first. n.mu is held.
func (n *node) own(ctx vfs.Ctx) (map[string][]byte, linux.Errno) {
	if n.xattrs != nil {
		return n.xattrs, 0
	}
	n.xattrs = map[string][]byte{}
	low, ok := lowerXattrs(n)
	if !ok {
		return n.xattrs, 0
	}
	names, errno := low.Listxattr(ctx)
	if errno == linux.EOPNOTSUPP {
		return n.xattrs, 0
	}
	for _, name := range names {
		if v, errno := low.Getxattr(ctx, name); errno == 0 {
			n.xattrs[name] = v
		}
	}
	return n.xattrs, errno
}

func lowerXattrs(n *node) (vfs.Xattrs, bool) {
	if n.lower == nil {
		return nil, false
	}
	x, ok := n.lower.Ops.(vfs.Xattrs)
	return x, ok
}

// Getxattr is vfs.Xattrs's.
func (n *node) Getxattr(ctx vfs.Ctx, name string) ([]byte, linux.Errno) {
	n.mu.Lock()
	own := n.xattrs
	v, ok := own[name]
	n.mu.Unlock()
	if own == nil {
		if low, ok := lowerXattrs(n); ok {
			return low.Getxattr(ctx, name)
		}
	}
	if !ok {
		return nil, linux.ENODATA
	}
	return v, 0
}

// Listxattr is vfs.Xattrs's.
func (n *node) Listxattr(ctx vfs.Ctx) ([]string, linux.Errno) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.xattrs == nil {
		if low, ok := lowerXattrs(n); ok {
			return low.Listxattr(ctx)
		}
	}
	var names []string
	for name := range n.xattrs {
		names = append(names, name)
	}
	return names, 0
}

// maxXattrs bounds how many an inode has.
const maxXattrs = 1024

// Setxattr is vfs.Xattrs's.
func (n *node) Setxattr(ctx vfs.Ctx, name string, value []byte, flags uint32) linux.Errno {
	n.keep()
	n.mu.Lock()
	defer n.mu.Unlock()
	own, errno := n.own(ctx)
	if errno != 0 {
		return errno
	}
	_, ok := own[name]
	switch {
	case ok && flags&linux.XATTR_CREATE != 0:
		return linux.EEXIST
	case !ok && flags&linux.XATTR_REPLACE != 0:
		return linux.ENODATA
	case !ok && len(own) >= maxXattrs:
		return linux.ENOSPC
	}
	own[name] = append([]byte(nil), value...)
	n.Update(func(a *vfs.Attr) { a.Ctime = ctx.Now() })
	return 0
}

// Removexattr is vfs.Xattrs's.
func (n *node) Removexattr(ctx vfs.Ctx, name string) linux.Errno {
	n.keep()
	n.mu.Lock()
	defer n.mu.Unlock()
	own, errno := n.own(ctx)
	if errno != 0 {
		return errno
	}
	if _, ok := own[name]; !ok {
		return linux.ENODATA
	}
	delete(own, name)
	n.Update(func(a *vfs.Attr) { a.Ctime = ctx.Now() })
	return 0
}
