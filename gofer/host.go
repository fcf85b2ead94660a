package main

import (
	"bytes"
	"encoding/binary"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// Every call of the host that files need, one function each. A descriptor in n.fd is O_PATH,
// which the *at calls take as a directory and little else takes at all. What they do not
// take is done through the descriptor's name in /proc/self/fd: that is no path that anybody
// could change. It takes several microseconds, so newer calls are tried first.

// fdPrefix stands before a descriptor's number to make its name. Isolated, the working
// directory is a clone of /proc/self/fd, and there is no other way to it.
var fdPrefix = "/proc/self/fd/"

func fdName(fd int) string { return fdPrefix + strconv.Itoa(fd) }

func errnoOf(err error) linux.Errno {
	if err == nil {
		return 0
	}
	if e, ok := err.(unix.Errno); ok {
		return linux.Errno(e)
	}
	return linux.EIO
}

// again repeats call while a signal (the Go runtime's own) interrupts it.
func again(call func() error) linux.Errno {
	for {
		if err := call(); err != unix.EINTR {
			return errnoOf(err)
		}
	}
}

func closeFD(fd int) { unix.Close(fd) }

func dup(fd int) (int, linux.Errno) {
	n, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	return n, errnoOf(err)
}

// resolve is how names are looked up: they are entries of the directory and nothing else.
const resolve = unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS

// openat opens the entry name of dir.
func openat(dir int, name string, how unix.OpenHow) (fd int, errno linux.Errno) {
	how.Flags |= unix.O_NOFOLLOW | unix.O_CLOEXEC
	how.Resolve |= resolve
	errno = again(func() (err error) {
		fd, err = unix.Openat2(dir, name, &how)
		if err == unix.EAGAIN { // a rename went on meanwhile (openat2(2))
			err = unix.EINTR
		}
		return err
	})
	return fd, errno
}

// reserveFDs makes room for n descriptors. The host makes the table larger when it is full,
// and lets every thread that needs room wait until no processor looks at the old one: for
// milliseconds, since the process has several threads.
func reserveFDs(n int) {
	if fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, n-1); err == nil {
		unix.Close(fd)
	}
}

// lookup opens the entry name of dir, whatever it is, with O_PATH. It follows no link, and
// crosses no mount unless cross is true.
func lookup(dir int, name string, cross bool) (int, linux.Errno) {
	how := unix.OpenHow{Flags: unix.O_PATH}
	if !cross {
		how.Resolve = unix.RESOLVE_NO_XDEV
	}
	return openat(dir, name, how)
}

// openName opens the entry name of dir, which was a regular file before. The caller looks
// whether it still is. Nothing happens if it became a device: the mounts are nodev.
func openName(dir int, name string, flags int) (int, linux.Errno) {
	return openat(dir, name, unix.OpenHow{Flags: uint64(flags) | unix.O_NONBLOCK | unix.O_NOCTTY})
}

// reopen opens the file behind fd anew. The caller knows its type.
func reopen(fd, flags int) (n int, errno linux.Errno) {
	name := fdName(fd)
	errno = again(func() (err error) {
		n, err = unix.Open(name, flags|unix.O_CLOEXEC, 0)
		return err
	})
	return n, errno
}

// openDir opens the directory dir for reading.
func openDir(dir int) (fd int, errno linux.Errno) {
	errno = again(func() (err error) {
		fd, err = unix.Openat(dir, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		return err
	})
	return fd, errno
}

// createFile makes and opens a regular file that does not exist yet.
func createFile(dir int, name string, mode uint32) (fd int, errno linux.Errno) {
	return openat(dir, name, unix.OpenHow{
		Flags: unix.O_CREAT | unix.O_EXCL | unix.O_RDWR | unix.O_NONBLOCK, Mode: uint64(mode & 0o7777),
	})
}

// createTmp makes and opens a regular file without a name in dir. excl: it will never get one.
func createTmp(dir int, mode uint32, excl bool) (fd int, errno linux.Errno) {
	flags := unix.O_TMPFILE | unix.O_RDWR | unix.O_CLOEXEC
	if excl {
		flags |= unix.O_EXCL
	}
	errno = again(func() (err error) {
		fd, err = unix.Openat(dir, ".", flags, mode&0o7777)
		return err
	})
	return fd, errno
}

func mkdir(dir int, name string, mode uint32) linux.Errno {
	return again(func() error { return unix.Mkdirat(dir, name, mode&0o7777) })
}

// mknod makes a fifo, a socket or an empty file; mode has the type.
func mknod(dir int, name string, mode uint32) linux.Errno {
	return again(func() error { return unix.Mknodat(dir, name, mode, 0) })
}

func symlink(target string, dir int, name string) linux.Errno {
	return again(func() error { return unix.Symlinkat(target, dir, name) })
}

func link(fd, dir int, name string) linux.Errno {
	errno := again(func() error { return unix.Linkat(fd, "", dir, name, unix.AT_EMPTY_PATH) })
	if errno != linux.ENOENT { // else this needs privileges in the host's first user namespace
		return errno
	}
	from := fdName(fd)
	return again(func() error { return unix.Linkat(unix.AT_FDCWD, from, dir, name, unix.AT_SYMLINK_FOLLOW) })
}

func unlink(dir int, name string, isDir bool) linux.Errno {
	flags := 0
	if isDir {
		flags = unix.AT_REMOVEDIR
	}
	return again(func() error { return unix.Unlinkat(dir, name, flags) })
}

func rename(dir int, name string, newDir int, newName string, flags uint32) linux.Errno {
	return again(func() error { return unix.Renameat2(dir, name, newDir, newName, uint(flags)) })
}

func statx(fd int, st *unix.Statx_t) linux.Errno {
	return again(func() error {
		return unix.Statx(fd, "", unix.AT_EMPTY_PATH|unix.AT_NO_AUTOMOUNT, unix.STATX_BASIC_STATS|unix.STATX_BTIME, st)
	})
}

func readlink(fd int) (string, linux.Errno) {
	var b [linux.PATH_MAX]byte
	n, err := unix.Readlinkat(fd, "", b[:])
	if err != nil {
		return "", errnoOf(err)
	}
	return string(b[:n]), 0
}

func fstatfs(fd int, st *unix.Statfs_t) linux.Errno {
	return again(func() error { return unix.Fstatfs(fd, st) })
}

// chown leaves an id of -1 as it is.
func chown(fd, uid, gid int) linux.Errno {
	return again(func() error { return unix.Fchownat(fd, "", uid, gid, unix.AT_EMPTY_PATH) })
}

func chmod(fd int, mode uint32) linux.Errno {
	errno := again(func() error { return unix.Fchmodat(fd, "", mode, unix.AT_EMPTY_PATH) }) // fchmodat2(2)
	if errno != linux.ENOSYS && errno != linux.EOPNOTSUPP {                                 // Linux 6.6
		return errno
	}
	name := fdName(fd)
	return again(func() error { return unix.Fchmodat(unix.AT_FDCWD, name, mode, 0) })
}

// utimes leaves what is UTIME_OMIT as it is.
func utimes(fd int, atime, mtime unix.Timespec) linux.Errno {
	times := []unix.Timespec{atime, mtime}
	errno := again(func() error { return unix.UtimesNanoAt(fd, "", times, unix.AT_EMPTY_PATH) })
	if errno != linux.EINVAL { // Linux 5.8
		return errno
	}
	name := fdName(fd)
	return again(func() error { return unix.UtimesNanoAt(unix.AT_FDCWD, name, times, 0) })
}

// truncate takes a descriptor open for writing.
func truncate(fd int, size int64) linux.Errno {
	return again(func() error { return unix.Ftruncate(fd, size) })
}

func fsync(fd int, dataOnly bool) linux.Errno {
	if dataOnly {
		return again(func() error { return unix.Fdatasync(fd) })
	}
	return again(func() error { return unix.Fsync(fd) })
}

func syncfs(fd int) linux.Errno { return again(func() error { return unix.Syncfs(fd) }) }

func getxattr(fd int, name string, buf []byte) (n int, errno linux.Errno) {
	path := fdName(fd)
	errno = again(func() (err error) {
		n, err = unix.Getxattr(path, name, buf)
		return err
	})
	return max(n, 0), errno
}

func setxattr(fd int, name string, value []byte, flags uint32) linux.Errno {
	path := fdName(fd)
	return again(func() error { return unix.Setxattr(path, name, value, int(flags)) })
}

func listxattr(fd int, buf []byte) (n int, errno linux.Errno) {
	path := fdName(fd)
	errno = again(func() (err error) {
		n, err = unix.Listxattr(path, buf)
		return err
	})
	return max(n, 0), errno
}

// bare reports whether the open file fd has no extended attributes.
func bare(fd int) bool {
	n, err := unix.Flistxattr(fd, nil)
	return n == 0 && err == nil || err == unix.EOPNOTSUPP
}

func removexattr(fd int, name string) linux.Errno {
	path := fdName(fd)
	return again(func() error { return unix.Removexattr(path, name) })
}

func seek(fd int, off int64) linux.Errno {
	_, err := unix.Seek(fd, off, unix.SEEK_SET)
	return errnoOf(err)
}

// dirent is what getdents64(2) tells of an entry.
type dirent struct {
	name []byte // valid until emit returns
	ino  uint64
	next int64
	typ  uint8
}

// getdents calls emit for the next entries of the open directory fd and returns whether there
// were any. buf is room for them.
func getdents(fd int, buf []byte, emit func(dirent)) (more bool, errno linux.Errno) {
	var n int
	errno = again(func() (err error) {
		n, err = unix.Getdents(fd, buf)
		return err
	})
	if errno != 0 || n <= 0 {
		return false, errno
	}
	const header = 19 // struct linux_dirent64 up to d_name
	for b := buf[:n]; len(b) > header; {
		size := int(binary.LittleEndian.Uint16(b[16:]))
		if size <= header || size > len(b) {
			return false, linux.EIO
		}
		name := b[header:size]
		if i := bytes.IndexByte(name, 0); i >= 0 {
			name = name[:i]
		}
		emit(dirent{name, binary.LittleEndian.Uint64(b), int64(binary.LittleEndian.Uint64(b[8:])), b[18]})
		b = b[size:]
	}
	return true, 0
}

// writeLog writes a line of the log.
func writeLog(fd int, line []byte) { unix.Write(fd, line) }

// The rest is for the start of the process.

// readConfig returns what the memfd on descriptor fd holds.
func readConfig(fd int) ([]byte, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, err
	}
	if st.Size <= 0 || st.Size > 1<<26 {
		return nil, unix.EINVAL
	}
	b := make([]byte, st.Size)
	n, err := unix.Pread(fd, b, 0)
	return b[:max(n, 0)], err
}

// closeAllBut closes every descriptor that is not listed; keep is sorted.
func closeAllBut(keep []int) error {
	next := 0
	for _, fd := range keep {
		if fd > next {
			if err := unix.CloseRange(uint(next), uint(fd-1), 0); err != nil {
				return err
			}
		}
		next = fd + 1
	}
	return unix.CloseRange(uint(next), ^uint(0)>>32, 0)
}

// cloneTree returns a mount of path, and with recursive of all mounts below it, that belongs
// to no namespace: nothing above path can be reached from it.
func cloneTree(path string, recursive bool) (int, error) {
	flags := uint(unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC)
	if recursive {
		flags |= unix.AT_RECURSIVE
	}
	return unix.OpenTree(unix.AT_FDCWD, path, flags)
}

// restrictTree makes devices and set-id programs have no effect in a mount of cloneTree and
// all mounts below it, links lead nowhere, and with readonly nothing change. Mounts made
// elsewhere from now on are not seen.
func restrictTree(fd int, readonly bool) error {
	attr := unix.MountAttr{
		Attr_set:    unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOSYMFOLLOW,
		Propagation: unix.MS_PRIVATE,
	}
	if readonly {
		attr.Attr_set |= unix.MOUNT_ATTR_RDONLY
	}
	return unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &attr)
}

// sameFile reports whether two descriptors are of one file.
func sameFile(x, y int) bool {
	var a, b unix.Statx_t
	return statx(x, &a) == 0 && statx(y, &b) == 0 &&
		a.Ino == b.Ino && a.Dev_major == b.Dev_major && a.Dev_minor == b.Dev_minor
}

// enterProc makes the directory fd, a clone of /proc/self/fd, the way to the descriptors.
func enterProc(fd int) error {
	if err := unix.Fchdir(fd); err != nil {
		return err
	}
	fdPrefix = ""
	return nil
}

func clearUmask() { unix.Umask(0) }
