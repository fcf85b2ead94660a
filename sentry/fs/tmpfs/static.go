package tmpfs

import (
	"sort"
	"strings"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/pages"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// NewStatic returns a file system of a type that holds the given files, by their paths without a
// leading slash; a path that ends in a slash is an empty directory, and a text that begins with
// "->" is a symbolic link. Nothing can be made in it.
func NewStatic(pool *pages.Pool, typ string, fsMagic int64, files map[string]string) (*vfs.Super, linux.Errno) {
	f := newFS(pool, options{size: 0, inodes: 0, mode: 0o555}, 1<<30, typ, typ)
	f.sb.Options, f.sb.Reconfigure = nil, nil
	f.sb.Statfs = func(vfs.Ctx) (vfs.Statfs, linux.Errno) {
		return vfs.Statfs{Magic: fsMagic, Bsize: pages.PageSize, Frsize: pages.PageSize, Namelen: linux.NAME_MAX}, 0
	}
	var paths []string
	for p := range files {
		paths = append(paths, p)
	}
	sort.Strings(paths)
	for _, p := range paths {
		if errno := f.place(p, files[p]); errno != 0 {
			return nil, errno
		}
	}
	return f.sb, 0
}

// place makes one file and the directories above it.
func (f *FS) place(path, text string) linux.Errno {
	ctx := vfs.KernelCtx{}
	d := f.sb.Root().Inode().Ops.(*dir)
	parts := strings.Split(strings.TrimSuffix(path, "/"), "/")
	for i, name := range parts {
		last := i == len(parts)-1
		if e := d.entries[name]; e != nil {
			d = e.inode.Ops.(*dir)
			continue
		}
		a := vfs.CreateArgs{Mode: linux.S_IFDIR | 0o555}
		link, isLink := strings.CutPrefix(text, "->")
		switch {
		case !last || strings.HasSuffix(path, "/"):
		case isLink:
			a.Mode, a.Target = linux.S_IFLNK|0o777, link
		default:
			a.Mode = linux.S_IFREG | 0o444
		}
		in, errno := d.Create(ctx, name, a)
		if errno != 0 {
			return errno
		}
		in.Put() // the directory keeps its own
		switch o := in.Ops.(type) {
		case *dir:
			d = o
		case *file:
			b := usermem.Bytes([]byte(text))
			if _, errno := (open{o}).Write(ctx, nil, &b, 0); errno != 0 {
				return errno
			}
		}
	}
	return 0
}
