package vfs

import (
	"slices"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// dirNotice is F_NOTIFY of an open directory (fcntl(2), "File and directory change notification";
// fs/notify/dnotify/dnotify.c).
type dirNotice struct {
	file  *File
	owner any    // the descriptor table through which it was asked for
	mask  uint32 // events of inotify(7)
	multi bool   // it does not end with the first event
	tell  func()
}

// dirEvents are the events of inotify(7) that a mask of F_NOTIFY stands for. A rename is told to the directory that is left.
func dirEvents(mask uint32) (events uint32) {
	for _, e := range []struct{ dn, in uint32 }{
		{linux.DN_ACCESS, InAccess}, {linux.DN_MODIFY, InModify}, {linux.DN_CREATE, InCreate | InMovedTo},
		{linux.DN_DELETE, InDelete | InMovedFrom}, {linux.DN_RENAME, InMovedFrom}, {linux.DN_ATTRIB, InAttrib},
	} {
		if mask&e.dn != 0 {
			events |= e.in
		}
	}
	return events
}

// SetNotice is F_NOTIFY: tell is called at events of what is in the directory, which add to those asked for before. Without
// events the notice ends. owner is the descriptor table, from which closing any descriptor of the file ends it too.
func (f *File) SetNotice(owner any, mask uint32, tell func()) linux.Errno {
	if mask&^linux.DN_MULTISHOT == 0 {
		f.dropNotice(owner)
		return 0
	}
	if !f.Inode.IsDir() {
		return linux.ENOTDIR
	}
	l := &f.Inode.watches
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.IndexFunc(l.dirs, func(n *dirNotice) bool { return n.file == f && n.owner == owner })
	if i < 0 {
		i = len(l.dirs)
		l.dirs = append(l.dirs, &dirNotice{file: f, owner: owner})
	}
	n := l.dirs[i]
	n.mask |= dirEvents(mask)
	n.multi = n.multi || mask&linux.DN_MULTISHOT != 0
	n.tell = tell
	l.changed()
	return 0
}

// dropNotice ends what the owner has asked for by the file, with nil whoever has. The last close does that: of a thread that
// another overtook, which closed the descriptor first.
func (f *File) dropNotice(owner any) {
	l := &f.Inode.watches
	if !l.some.Load() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dirs = slices.DeleteFunc(l.dirs, func(n *dirNotice) bool { return n.file == f && (owner == nil || n.owner == owner) })
	l.changed()
}

// tellDirs signals those who want to know of an event. It is one of the directory's files, or its own, which then says
// so (InIsDir). mu is held.
func (l *watchList) tellDirs(event uint32, name string) {
	if len(l.dirs) == 0 || name == "" && event&InIsDir == 0 {
		return
	}
	l.dirs = slices.DeleteFunc(l.dirs, func(n *dirNotice) bool {
		if n.mask&event == 0 {
			return false
		}
		n.tell()
		return !n.multi
	})
	l.changed()
}
