package cmd

import (
	"flag"

	"github.com/seed-7423c386/runsc/runsc/container"
	"github.com/seed-7423c386/runsc/runsc/spec"
)

// createFlags are those that create and run share.
type createFlags struct {
	bundle, consoleSocket, pidFile string
	preserveFDs                    int
	ignored                        bool
}

func (f *createFlags) register(fs *flag.FlagSet) {
	stringFlag(fs, &f.bundle, "bundle", "b", "", "directory of the bundle, by default the current one")
	fs.StringVar(&f.consoleSocket, "console-socket", "", "unix socket to which the terminal's master is sent")
	fs.StringVar(&f.pidFile, "pid-file", "", "file to write the process id to")
	fs.IntVar(&f.preserveFDs, "preserve-fds", 0, "pass this many descriptors beside the standard ones")
	// The sandbox never pivots the host's root and has no keyring of the host.
	fs.BoolVar(&f.ignored, "no-pivot", false, "has no effect")
	fs.BoolVar(&f.ignored, "no-new-keyring", false, "has no effect")
}

func (f *createFlags) options(id string) (*container.CreateOptions, error) {
	b, err := spec.Load(f.bundle)
	if err != nil {
		return nil, err
	}
	return &container.CreateOptions{ID: id, Bundle: b, PidFile: f.pidFile, ConsoleSocket: f.consoleSocket, PreserveFDs: f.preserveFDs}, nil
}

func createCommand() *command {
	var f createFlags
	return &command{
		name: "create", synopsis: "create a container that waits for start", usage: "<container-id>", min: 1, max: 1,
		examples: []string{
			"runsc create --bundle /srv/web web",
			"runsc create --bundle . --pid-file /run/web.pid --console-socket /run/web.sock web",
		},
		flags: f.register,
		run: func(g *globals, args []string) (int, error) {
			o, err := f.options(args[0])
			if err != nil {
				return 0, err
			}
			c, _, err := container.Create(&g.Config, o)
			if err != nil {
				return 0, err
			}
			c.Unlock()
			return 0, nil
		},
	}
}

func runCommand() *command {
	var f createFlags
	var detach, keep bool
	return &command{
		name: "run", synopsis: "create and start a container, and wait for it", usage: "<container-id>", min: 1, max: 1,
		examples: []string{
			"runsc run --bundle /srv/web web",
			"runsc run --detach --pid-file /run/web.pid web      # of the bundle in the current directory",
		},
		flags: func(fs *flag.FlagSet) {
			f.register(fs)
			boolFlag(fs, &detach, "detach", "d", "return once the container runs")
			fs.BoolVar(&keep, "keep", false, "do not delete the container when it has ended")
			fs.BoolVar(&f.ignored, "no-subreaper", false, "has no effect")
		},
		run: func(g *globals, args []string) (int, error) {
			o, err := f.options(args[0])
			if err != nil {
				return 0, err
			}
			o.Foreground = !detach
			return container.Run(&g.Config, o, keep)
		},
	}
}

func startCommand() *command {
	return &command{
		name: "start", synopsis: "start the process of a created container", usage: "<container-id>", min: 1, max: 1,
		examples: []string{"runsc start web"},
		run: func(g *globals, args []string) (int, error) {
			return g.withContainer(args[0], (*container.Container).Start)
		},
	}
}
