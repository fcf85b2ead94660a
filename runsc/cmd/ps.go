package cmd

import (
	"flag"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/seed-7423c386/runsc/runsc/container"
	"github.com/seed-7423c386/runsc/sentry/control"
)

func psCommand() *command {
	var format string
	return &command{
		name: "ps", synopsis: "list the processes in a container", usage: "<container-id> [options of ps, ignored]", min: 1, max: -1,
		examples: []string{
			"runsc ps web",
			"runsc ps --format json web",
		},
		flags: func(fs *flag.FlagSet) {
			stringFlag(fs, &format, "format", "f", "table", "table; json: process ids on the host, for engines; details: the table as JSON")
		},
		run: func(g *globals, args []string) (int, error) {
			c, err := container.Load(&g.Config, args[0])
			if err != nil {
				return 0, err
			}
			if format == "json" {
				// Engines look these up on the host, where the processes inside do not exist:
				// what stands for all of them there is the sentry.
				pids := []int{}
				if pid := c.PID(); pid != 0 {
					pids = append(pids, pid)
				}
				return 0, printJSON(pids)
			}
			list, err := c.Ps()
			if err != nil {
				return 0, err
			}
			switch format {
			case "details":
				return 0, printJSON(list)
			case "table":
				return 0, printProcesses(list)
			}
			return 0, fmt.Errorf("--format %q: it is table, json or details", format)
		},
	}
}

func printProcesses(list []control.Process) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprint(w, "UID\tPID\tPPID\tTHREADS\tSTIME\tTTY\tTIME\tCMD\n")
	for _, p := range list {
		start := time.Unix(p.Start, 0)
		stime := start.Format("15:04")
		if time.Since(start) > 24*time.Hour {
			stime = start.Format("Jan02")
		}
		t := time.Duration(p.Time)
		fmt.Fprintf(w, "%d\t%d\t%d\t%d\t%s\t%s\t%02d:%02d:%02d\t%s\n", p.UID, p.PID, p.PPID, p.Threads, stime, p.TTY,
			int(t.Hours()), int(t.Minutes())%60, int(t.Seconds())%60, p.Command)
	}
	return w.Flush()
}

func stacksCommand() *command {
	return &command{
		name: "stacks", synopsis: "print the stacks of the sentry's goroutines, for finding out why it hangs", usage: "<container-id>", min: 1, max: 1,
		examples: []string{"runsc stacks web > stacks.txt"},
		run: func(g *globals, args []string) (int, error) {
			c, err := container.Load(&g.Config, args[0])
			if err != nil {
				return 0, err
			}
			text, err := c.Stacks()
			fmt.Print(text)
			return 0, err
		},
	}
}
