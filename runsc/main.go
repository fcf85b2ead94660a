// Runsc is an OCI runtime whose containers see a kernel of their own: it starts a sentry, which
// answers their system calls, and a gofer, which opens their files. Its command line is runc's.
package main

import (
	"os"

	"github.com/seed-7423c386/runsc/runsc/cmd"
)

func main() { os.Exit(cmd.Main(os.Args)) }
