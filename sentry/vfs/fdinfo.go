package vfs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Info is what /proc/PID/fdinfo says of an epoll instance: a line for each entry (ep_show_fdinfo).
func (e *Epoll) Info() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	items := make([]*epollItem, 0, len(e.items))
	for _, it := range e.items {
		items = append(items, it)
	}
	slices.SortFunc(items, func(a, b *epollItem) int { return cmp.Compare(a.key.fd, b.key.fd) })
	var b strings.Builder
	for _, it := range items {
		i := it.key.file.Inode
		fmt.Fprintf(&b, "tfd: %8d events: %8x data: %16x  pos:%d ino:%x sdev:%x\n", it.key.fd, it.event.Events, it.event.Data, 0, i.Ino, i.SB.Dev)
	}
	return b.String()
}

// Info is what /proc/PID/fdinfo says of an inotify instance: a line for each watch (inotify_fdinfo).
func (n *Inotify) Info() string {
	n.mu.Lock()
	list := make([]*Watch, 0, len(n.watches))
	for _, w := range n.watches {
		list = append(list, w)
	}
	n.mu.Unlock()
	slices.SortFunc(list, func(a, b *Watch) int { return cmp.Compare(b.wd, a.wd) })
	var b strings.Builder
	for _, w := range list {
		w.inode.watches.mu.Lock()
		mask := w.mask
		w.inode.watches.mu.Unlock()
		fmt.Fprintf(&b, "inotify wd:%x ino:%x sdev:%x mask:%x ignored_mask:0\n", w.wd, w.inode.Ino, w.inode.SB.Dev, mask&InAllEvents)
	}
	return b.String()
}
