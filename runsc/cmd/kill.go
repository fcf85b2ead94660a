package cmd

import (
	"errors"
	"flag"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/runsc/container"
)

func killCommand() *command {
	var all bool
	return &command{
		name: "kill", synopsis: "send a signal (TERM by default) to the process of a container", usage: "<container-id> [signal]", min: 1, max: 2,
		examples: []string{
			"runsc kill web",
			"runsc kill --all web KILL",
		},
		flags: func(fs *flag.FlagSet) {
			boolFlag(fs, &all, "all", "a", "send it to every process of the container")
		},
		run: func(g *globals, args []string) (int, error) {
			sig := unix.SIGTERM
			if len(args) == 2 {
				var err error
				if sig, err = parseSignal(args[1]); err != nil {
					return 0, err
				}
			}
			c, err := container.Load(&g.Config, args[0])
			if err != nil {
				return 0, err
			}
			return 0, c.Signal(sig, all)
		},
	}
}

// parseSignal understands 9, KILL, SIGKILL, RTMIN+2, RTMAX-1, in any case.
func parseSignal(s string) (unix.Signal, error) {
	if n, err := strconv.Atoi(s); err == nil {
		if n < 0 || n > 64 {
			return 0, fmt.Errorf("there is no signal %d", n)
		}
		return unix.Signal(n), nil
	}
	name := strings.TrimPrefix(strings.ToUpper(s), "SIG")
	if sig := unix.SignalNum("SIG" + name); sig != 0 {
		return sig, nil
	}
	for prefix, base := range map[string]int{"RTMIN": 34, "RTMAX": 64} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			n, err := strconv.Atoi(rest)
			if rest == "" {
				n, err = 0, nil
			}
			if err == nil && base+n >= 34 && base+n <= 64 {
				return unix.Signal(base + n), nil
			}
		}
	}
	return 0, fmt.Errorf("unknown signal %q", s)
}

func deleteCommand() *command {
	var force bool
	return &command{
		name: "delete", synopsis: "delete a container that has stopped", usage: "<container-id>...", min: 1, max: -1,
		examples: []string{
			"runsc delete web",
			"runsc delete --force web db              # whatever they are doing",
		},
		flags: func(fs *flag.FlagSet) {
			boolFlag(fs, &force, "force", "f", "kill it first if it runs, and clear what is left of it")
		},
		run: func(g *globals, args []string) (int, error) {
			var errs []error
			for _, id := range args {
				_, err := g.withContainer(id, func(c *container.Container) error { return c.Delete(force) })
				if force && errors.Is(err, container.ErrNotExist) {
					err = nil
				}
				errs = append(errs, err)
			}
			return 0, errors.Join(errs...)
		},
	}
}
