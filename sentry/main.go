// The runtime keeps no descriptors of the host's cgroup files: the sentry's are all accounted for.
//
//go:debug containermaxprocs=0
//go:debug updatemaxprocs=0

// Runsc-sentry is the application kernel of one sandbox. Runsc starts it with everything it
// needs on inherited descriptors; it is not meant to be started by hand.
package main

import (
	"os"

	"github.com/seed-7423c386/runsc/sentry/boot"
)

func main() {
	if len(os.Args) < 2 {
		os.Stderr.WriteString("runsc-sentry is started by runsc; see runsc help\n")
		os.Exit(2)
	}
	boot.Main()
}
