package cmd

import (
	"crypto/rand"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"slices"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/seed-7423c386/runsc/runsc/console"
	"github.com/seed-7423c386/runsc/runsc/container"
	"github.com/seed-7423c386/runsc/runsc/spec"
)

func doCommand() *command {
	var root, cwd, hostname string
	return &command{
		name: "do", synopsis: "run a command of the host on a copy-on-write view of its files that is dropped afterwards", usage: "<command> [args...]", min: 1, max: -1,
		examples: []string{
			"runsc do make test                     # in the current directory; what it writes is dropped",
			"runsc --network=none do python3 untrusted.py",
		},
		flags: func(fs *flag.FlagSet) {
			fs.StringVar(&root, "root-fs", "/", "directory to show as the root")
			fs.StringVar(&hostname, "hostname", "runsc", "what the command sees as the name of the machine")
			fs.StringVar(&cwd, "cwd", "", "working directory, by default the current one")
		},
		run: func(g *globals, args []string) (int, error) {
			root, err := filepath.Abs(root)
			if err != nil {
				return 0, err
			}
			if cwd == "" {
				cwd = "/"
				if dir, err := os.Getwd(); err == nil && root == "/" {
					cwd = dir
				}
			}
			s := spec.HostCommand(args, cwd, console.IsTerminal(os.Stdin) && console.IsTerminal(os.Stdout))
			s.Root.Path, s.Hostname = root, hostname
			if g.Network == "host" {
				s.Linux.Namespaces = slices.DeleteFunc(s.Linux.Namespaces, func(ns specs.LinuxNamespace) bool { return ns.Type == specs.NetworkNamespace })
			}
			b, err := spec.New("/", s)
			if err != nil {
				return 0, err
			}
			id := make([]byte, 6)
			rand.Read(id)
			cfg := g.Config
			cfg.Overlay = "root"
			container.Sweep(&cfg)
			return container.Run(&cfg, &container.CreateOptions{ID: container.TransientID + hex.EncodeToString(id), Bundle: b, Foreground: true, Bound: true}, false)
		},
	}
}
