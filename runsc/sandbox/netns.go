package sandbox

import (
	"fmt"
	"os"
	"runtime"
	"slices"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// joinNet moves the calling thread, which is locked and will end, into the namespace at path.
func joinNet(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("network namespace of the bundle: %w", err)
	}
	defer f.Close()
	if err := unix.Setns(int(f.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("joining network namespace %s: %w", path, err)
	}
	return nil
}

// netnsPath is the namespace that the bundle wants joined, or "".
func netnsPath(s *specs.Spec) string {
	for _, ns := range s.Linux.Namespaces {
		if ns.Type == specs.NetworkNamespace {
			return ns.Path
		}
	}
	return ""
}

// hasNet reports whether the bundle wants a network namespace other than runsc's own.
func hasNet(s *specs.Spec) bool {
	return slices.ContainsFunc(s.Linux.Namespaces, func(ns specs.LinuxNamespace) bool { return ns.Type == specs.NetworkNamespace })
}

// InNamespaces runs f on a thread that is in the network, UTS and IPC namespaces of process
// pid, so that the processes that f starts are there as well. The view of files stays.
func InNamespaces(pid int, f func() error) error {
	return onThread(func() error {
		fd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			return fmt.Errorf("namespaces of process %d: %w", pid, err)
		}
		defer unix.Close(fd)
		if err := unix.Setns(fd, unix.CLONE_NEWNET|unix.CLONE_NEWUTS|unix.CLONE_NEWIPC); err != nil {
			return fmt.Errorf("joining the namespaces of process %d: %w", pid, err)
		}
		return f()
	})
}

// onThread runs f on a thread of its own, which ends when f has returned, and with it the
// thread's membership of cgroups and namespaces.
func onThread(f func() error) error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: that is what ends the thread
		if unix.Gettid() != unix.Getpid() {
			result <- f()
			return
		}
		// The first thread of a process never ends. While it is held here another is taken.
		err := onThread(f)
		runtime.UnlockOSThread()
		result <- err
	}()
	return <-result
}
