package cmd

import (
	"encoding/json"
	"flag"
	"os"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/seed-7423c386/runsc/runsc/container"
)

// event is a line of `runsc events`, a part of what runc prints.
type event struct {
	Type string `json:"type"`
	ID   string `json:"id"`
	Data stats  `json:"data"`
}

type stats struct {
	CPU struct {
		Usage struct {
			Total uint64 `json:"total"`
		} `json:"usage"`
	} `json:"cpu"`
	Memory struct {
		Usage struct {
			Limit uint64 `json:"limit"`
			Usage uint64 `json:"usage"`
		} `json:"usage"`
	} `json:"memory"`
	Pids struct {
		Current uint64 `json:"current"`
	} `json:"pids"`
}

func eventsCommand() *command {
	var once bool
	var interval time.Duration
	return &command{
		name: "events", synopsis: "print what a container uses, as JSON", usage: "<container-id>", min: 1, max: 1,
		examples: []string{
			"runsc events --stats web               # once",
			"runsc events --interval 1s web",
		},
		flags: func(fs *flag.FlagSet) {
			fs.BoolVar(&once, "stats", false, "once instead of again and again")
			fs.DurationVar(&interval, "interval", 5*time.Second, "time between two lines")
		},
		run: func(g *globals, args []string) (int, error) {
			c, err := container.Load(&g.Config, args[0])
			if err != nil {
				return 0, err
			}
			if c.Status() == specs.StateStopped {
				return 0, container.ErrNotRunning
			}
			for {
				if err := json.NewEncoder(os.Stdout).Encode(measure(c)); err != nil || once {
					return 0, err
				}
				time.Sleep(max(interval, 10*time.Millisecond))
				if c.Status() == specs.StateStopped {
					return 0, nil
				}
			}
		},
	}
}

// measure takes the host's word for memory and time, which the application cannot influence,
// and the sentry's for the number of tasks. Without a cgroup the sentry is all there is.
func measure(c *container.Container) *event {
	e := &event{Type: "stats", ID: c.ID}
	own, err := c.Stats()
	if c.Cgroup != nil {
		u := c.Cgroup.Usage()
		e.Data.CPU.Usage.Total, e.Data.Memory.Usage.Usage = u.CPU, u.Memory
		e.Data.Memory.Usage.Limit, e.Data.Pids.Current = u.MemoryLimit, u.Pids
	}
	if err == nil {
		e.Data.Pids.Current = uint64(own.Pids)
		if e.Data.CPU.Usage.Total == 0 {
			e.Data.CPU.Usage.Total = own.CPU
		}
		if e.Data.Memory.Usage.Usage == 0 {
			e.Data.Memory.Usage.Usage = own.Memory
		}
	}
	return e
}
