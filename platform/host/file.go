package host

import (
	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// Read is read(2).
func Read(fd int, p []byte) (int, linux.Errno) { return transfer(unix.SYS_READ, fd, p, 0) }

// Write is write(2); it may write less.
func Write(fd int, p []byte) (int, linux.Errno) { return transfer(unix.SYS_WRITE, fd, p, 0) }

// Pread is pread(2).
func Pread(fd int, p []byte, off int64) (int, linux.Errno) {
	return transfer(unix.SYS_PREAD64, fd, p, off)
}

// Pwrite is pwrite(2); it may write less.
func Pwrite(fd int, p []byte, off int64) (int, linux.Errno) {
	return transfer(unix.SYS_PWRITE64, fd, p, off)
}

// Preadv is preadv(2); it may stop early, and does after 32 pieces.
func Preadv(fd int, pieces [][]byte, off int64) (int, linux.Errno) {
	return transferv(unix.SYS_PREADV, fd, pieces, off)
}

// Pwritev is pwritev(2); it may stop early, and does after 32 pieces.
func Pwritev(fd int, pieces [][]byte, off int64) (int, linux.Errno) {
	return transferv(unix.SYS_PWRITEV, fd, pieces, off)
}

// Readv is readv(2), bounded like Preadv.
func Readv(fd int, pieces [][]byte) (int, linux.Errno) {
	return transferv(unix.SYS_READV, fd, pieces, 0)
}

// Writev is writev(2), bounded like Pwritev.
func Writev(fd int, pieces [][]byte) (int, linux.Errno) {
	return transferv(unix.SYS_WRITEV, fd, pieces, 0)
}

// Lseek is lseek(2): SEEK_DATA and SEEK_HOLE for sparse files, the size of block devices.
func Lseek(fd int, off int64, whence int) (int64, linux.Errno) {
	n, err := unix.Seek(fd, off, whence)
	return n, errnoOf(err)
}

// Fstat is fstat(2).
func Fstat(fd int, st *unix.Stat_t) linux.Errno {
	return again(func() error { return unix.Fstat(fd, st) })
}

// Fstatfs is fstatfs(2).
func Fstatfs(fd int, st *unix.Statfs_t) linux.Errno {
	return again(func() error { return unix.Fstatfs(fd, st) })
}

// Ftruncate is ftruncate(2).
func Ftruncate(fd int, size int64) linux.Errno {
	return again(func() error { return unix.Ftruncate(fd, size) })
}

// Fallocate is fallocate(2).
func Fallocate(fd int, mode uint32, off, length int64) linux.Errno {
	return again(func() error { return unix.Fallocate(fd, mode, off, length) })
}

// Fadvise is posix_fadvise(2).
func Fadvise(fd int, off, length int64, advice int) linux.Errno {
	return again(func() error { return unix.Fadvise(fd, off, length, advice) })
}

// Fsync is fsync(2).
func Fsync(fd int) linux.Errno { return again(func() error { return unix.Fsync(fd) }) }

// Fdatasync is fdatasync(2).
func Fdatasync(fd int) linux.Errno { return again(func() error { return unix.Fdatasync(fd) }) }

// SyncFileRange is sync_file_range(2).
func SyncFileRange(fd int, off, length int64, flags int) linux.Errno {
	return again(func() error { return unix.SyncFileRange(fd, off, length, flags) })
}

// CopyFileRange is copy_file_range(2) from and to given offsets; it may copy less.
func CopyFileRange(from int, fromOff int64, to int, toOff int64, length int) (int, linux.Errno) {
	for {
		n, err := unix.CopyFileRange(from, &fromOff, to, &toOff, length, 0)
		if err != unix.EINTR {
			return max(n, 0), errnoOf(err)
		}
	}
}

// Close is close(2). The descriptor is gone whatever it returns, and it is not repeated.
func Close(fd int) linux.Errno {
	err := unix.Close(fd)
	if err == unix.EINTR {
		return 0
	}
	return errnoOf(err)
}

// Dup returns a new descriptor, close-on-exec, of the same open file.
func Dup(fd int) (int, linux.Errno) {
	n, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	return n, errnoOf(err)
}

// ReserveFDs makes room for n descriptors. Otherwise the host makes the table larger when it
// is full, and lets every thread that needs room wait meanwhile, for milliseconds.
func ReserveFDs(n int) {
	if fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, n-1); err == nil {
		Close(fd)
	}
}

// Flags returns the file status flags (fcntl F_GETFL).
func Flags(fd int) (int, linux.Errno) {
	n, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	return n, errnoOf(err)
}

// SetFlags sets the file status flags (fcntl F_SETFL).
func SetFlags(fd, flags int) linux.Errno {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_SETFL, flags)
	return errnoOf(err)
}
