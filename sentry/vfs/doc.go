// Package vfs is the virtual file system: inodes, dentries, mounts, open files, path walk,
// permissions, file locks, epoll and inotify. It mirrors fs/*.c of Linux and knows no file
// system by name.
//
// A file system is a set of types that embed Inode and implement InodeOps; directories also
// implement DirOps, symbolic links Symlinker. Opening one gives a FileOps. Everything else is
// a small optional interface (extras.go): what is missing gets Linux's errno in one place.
//
// Operations of file systems never block on the application: they answer EAGAIN, and File's
// methods wait (package wait). They are called with permissions already checked, names
// already checked for length, '.' and '..' and slashes removed, and on read-only mounts not
// at all for anything that writes.
//
// Lock order, outermost first: rename lock of the super block; Inode.dir (two directories: ancestor
// first, else by number); Inode.content; the address space (any touch of application memory);
// a file system's own locks; Inode.attr; Dentry.mu; wait queues.
package vfs
