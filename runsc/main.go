//go:debug containermaxprocs=0
//go:debug updatemaxprocs=0

// Runsc is an OCI runtime whose containers see a kernel of their own: it starts a sentry, which
// answers their system calls, and a gofer, which opens their files. Its command line is runc's.
package main

import (
	"os"

	"github.com/seed-7423c386/runsc/runsc/cmd"
)

// version is set by the build (-ldflags -X main.version=…).
var version = "unknown"

func main() { os.Exit(cmd.Main(os.Args, version)) }
