//go:debug containermaxprocs=0
//go:debug updatemaxprocs=0

// Command runsc-gofer opens the host's files for one container: those of its root and its
// mounts, and no others. It is started by runsc with everything it needs on inherited
// descriptors and speaks the protocol of package wire with the sentry.
//
// The sentry is not trusted: a program in the container may have taken it over. So before
// the first request is read the gofer gives up everything else (isolate.go): what it can
// reach of the host's tree are private clones of the attach points, out of which no ".."
// leads; it has the capabilities to deal with files of any owner and no others; and a
// seccomp filter allows the system calls of host.go and the Go runtime's.
//
//	main.go      from the configuration to the first request
//	isolate.go   what is given up, and the table of allowed system calls
//	server.go    the connection, ids of files
//	read.go      requests that change nothing
//	change.go    requests that do
//	host.go      every call of the host
//
// The debug settings above keep the runtime from holding a descriptor of the cgroup, which
// it would read every now and then.
package main

import (
	"fmt"
	"os"
	"slices"

	"github.com/seed-7423c386/runsc/gofer/wire"
	"github.com/seed-7423c386/runsc/platform/host"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "runsc-gofer: %v\n", err)
		os.Exit(1)
	}
}

func run() error {
	raw, err := readConfig(wire.ConfigFD)
	if err != nil {
		return fmt.Errorf("reading the configuration: %w", err)
	}
	c, err := wire.ParseConfig(raw)
	if err != nil {
		return err
	}
	keep := []int{0, 1, 2, c.Conn}
	if c.LogFD >= 0 {
		keep = append(keep, c.LogFD)
	}
	for _, a := range c.Attach {
		keep = append(keep, a.FD)
	}
	slices.Sort(keep)
	if err := closeAllBut(slices.Compact(keep)); err != nil {
		return fmt.Errorf("closing descriptors: %w", err)
	}
	host.RaiseOpenFiles()
	s := newServer(c)
	if s.attaches, err = isolate(c); err != nil {
		return err
	}
	s.serve()
	return nil
}
