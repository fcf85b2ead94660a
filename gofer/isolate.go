package main

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/gofer/wire"
	"github.com/seed-7423c386/runsc/platform/host"
)

// capabilities are those to deal with files of any owner.
var capabilities = []int{
	linux.CAP_CHOWN, linux.CAP_DAC_OVERRIDE, linux.CAP_DAC_READ_SEARCH, linux.CAP_FOWNER,
	linux.CAP_FSETID, linux.CAP_SETFCAP,
}

// isolate gives up what the gofer does not need, and returns the attach points. It runs in a
// mount namespace of its own; runsc has seen to that.
func isolate(c *wire.Config) ([]attach, error) {
	clearUmask()
	proc, err := cloneTree("/proc/self/fd", false)
	if err != nil {
		return nil, fmt.Errorf("cloning /proc/self/fd: %w", err)
	}
	attaches := make([]attach, len(c.Attach))
	for i, a := range c.Attach {
		if attaches[i], err = isolateAttach(a); err != nil {
			return nil, err
		}
	}
	if err := host.EmptyRoot(); err != nil {
		return nil, err
	}
	if err := enterProc(proc); err != nil {
		return nil, fmt.Errorf("entering the clone of /proc/self/fd: %w", err)
	}
	if err := host.KeepCapabilities(capabilities...); err != nil {
		return nil, err
	}
	if err := host.Install(policy()); err != nil {
		return nil, err
	}
	return attaches, nil
}

// isolateAttach replaces the mount in which the attach point was opened by a private one.
func isolateAttach(a wire.Attach) (attach, error) {
	fd, err := cloneTree(a.Path, a.Recursive)
	if err != nil {
		return attach{}, fmt.Errorf("cloning the mount of %s: %w", a.Path, err)
	}
	if !sameFile(fd, a.FD) {
		return attach{}, fmt.Errorf("%s was replaced while the container started", a.Path)
	}
	if err := restrictTree(fd, a.Readonly); err != nil {
		return attach{}, fmt.Errorf("restricting the mount of %s: %w", a.Path, err)
	}
	closeFD(a.FD)
	return attach{fd: fd, readonly: a.Readonly, cross: a.Recursive}, nil
}

// policy is what the gofer may ask of the host: the functions of host.go, the connection, and
// what the Go runtime needs. No program is started, no socket made; the only files opened by
// an absolute path would be in an empty read-only directory.
func policy() []host.Call {
	var nodes []host.Checks
	for _, typ := range []uint64{linux.S_IFREG, linux.S_IFIFO, linux.S_IFSOCK} {
		nodes = append(nodes, host.Checks{{Arg: 2, Mask: linux.S_IFMT, Value: typ}})
	}
	// The only device is none: a whiteout of overlay.
	nodes = append(nodes, host.Checks{{Arg: 2, Mask: linux.S_IFMT, Value: linux.S_IFCHR}, {Arg: 3, Mask: ^uint64(0), Value: 0}})
	calls := []host.Call{
		{Name: "recvmsg", No: linux.SYS_RECVMSG},
		{Name: "ppoll", No: linux.SYS_PPOLL},
		{Name: "sendmsg", No: linux.SYS_SENDMSG},
		{Name: "shutdown", No: linux.SYS_SHUTDOWN},
		{Name: "write", No: linux.SYS_WRITE},
		{Name: "close", No: linux.SYS_CLOSE},
		{Name: "fcntl", No: linux.SYS_FCNTL, Any: host.OneOf(1, unix.F_DUPFD_CLOEXEC)},
		{Name: "openat", No: linux.SYS_OPENAT},
		{Name: "openat2", No: linux.SYS_OPENAT2},
		{Name: "statx", No: linux.SYS_STATX},
		{Name: "readlinkat", No: linux.SYS_READLINKAT},
		{Name: "getdents64", No: linux.SYS_GETDENTS64},
		{Name: "lseek", No: linux.SYS_LSEEK},
		{Name: "fstatfs", No: linux.SYS_FSTATFS},
		{Name: "fsync", No: linux.SYS_FSYNC},
		{Name: "fdatasync", No: linux.SYS_FDATASYNC},
		{Name: "syncfs", No: linux.SYS_SYNCFS},
		{Name: "ftruncate", No: linux.SYS_FTRUNCATE},
		{Name: "mkdirat", No: linux.SYS_MKDIRAT},
		{Name: "mknodat", No: linux.SYS_MKNODAT, Any: nodes},
		{Name: "symlinkat", No: linux.SYS_SYMLINKAT},
		{Name: "linkat", No: linux.SYS_LINKAT},
		{Name: "unlinkat", No: linux.SYS_UNLINKAT},
		{Name: "renameat2", No: linux.SYS_RENAMEAT2},
		{Name: "fchownat", No: linux.SYS_FCHOWNAT},
		{Name: "fchmodat", No: linux.SYS_FCHMODAT},
		{Name: "fchmodat2", No: linux.SYS_FCHMODAT2},
		{Name: "utimensat", No: linux.SYS_UTIMENSAT},
		{Name: "getxattr", No: linux.SYS_GETXATTR},
		{Name: "setxattr", No: linux.SYS_SETXATTR},
		{Name: "listxattr", No: linux.SYS_LISTXATTR},
		{Name: "flistxattr", No: linux.SYS_FLISTXATTR},
		{Name: "removexattr", No: linux.SYS_REMOVEXATTR},
	}
	return append(calls, host.Runtime()...)
}
