package cmd

import (
	"flag"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"text/tabwriter"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/seed-7423c386/runsc/runsc/container"
)

// containerState is what runc prints: the specification's state and a little more.
type containerState struct {
	Version     string               `json:"ociVersion"`
	ID          string               `json:"id"`
	PID         int                  `json:"pid"`
	Status      specs.ContainerState `json:"status"`
	Bundle      string               `json:"bundle"`
	Rootfs      string               `json:"rootfs"`
	Created     time.Time            `json:"created"`
	Annotations map[string]string    `json:"annotations,omitempty"`
	Owner       string               `json:"owner"`
}

func describe(c *container.Container) *containerState {
	owner := strconv.Itoa(c.Owner)
	if u, err := user.LookupId(owner); err == nil {
		owner = u.Username
	}
	return &containerState{c.Version, c.ID, c.PID(), c.Status(), c.Bundle, c.Rootfs, c.Created, c.Annotations, owner}
}

func stateCommand() *command {
	return &command{
		name: "state", synopsis: "print the state of a container as JSON", usage: "<container-id>", min: 1, max: 1,
		examples: []string{"runsc state web"},
		run: func(g *globals, args []string) (int, error) {
			c, err := container.Load(&g.Config, args[0])
			if err != nil {
				return 0, err
			}
			return 0, printJSON(describe(c))
		},
	}
}

func listCommand() *command {
	var format string
	var quiet bool
	return &command{
		name: "list", synopsis: "list containers", max: 0,
		examples: []string{
			"runsc list",
			"runsc list --quiet",
			"runsc list --format json",
		},
		flags: func(fs *flag.FlagSet) {
			stringFlag(fs, &format, "format", "f", "table", "table or json")
			boolFlag(fs, &quiet, "quiet", "q", "ids only")
		},
		run: func(g *globals, _ []string) (int, error) {
			container.Sweep(&g.Config)
			all, err := container.List(&g.Config)
			if err != nil {
				return 0, err
			}
			states := make([]*containerState, 0, len(all))
			for _, c := range all {
				states = append(states, describe(c))
			}
			switch {
			case quiet:
				for _, s := range states {
					fmt.Println(s.ID)
				}
				return 0, nil
			case format == "json":
				return 0, printJSON(states)
			case format != "table":
				return 0, fmt.Errorf("--format %q: it is table or json", format)
			}
			w := tabwriter.NewWriter(os.Stdout, 12, 1, 3, ' ', 0)
			fmt.Fprint(w, "ID\tPID\tSTATUS\tBUNDLE\tCREATED\tOWNER\n")
			for _, s := range states {
				fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\n", s.ID, s.PID, s.Status, s.Bundle, s.Created.Format(time.RFC3339Nano), s.Owner)
			}
			return 0, w.Flush()
		},
	}
}
