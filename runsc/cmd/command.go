package cmd

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/google/subcommands"

	"github.com/seed-7423c386/runsc/runsc/container"
)

// command is one command as data; it implements subcommands.Command.
type command struct {
	name     string
	synopsis string
	usage    string // of the arguments after the flags
	examples []string
	min, max int // how many arguments; max -1 is any number
	flags    func(*flag.FlagSet)
	// run does it and returns the exit code; with an error the code is made of the error.
	run func(g *globals, args []string) (int, error)
}

// commands lists them all.
func commands() []*command {
	return []*command{createCommand(), runCommand(), startCommand(), stateCommand(), listCommand(), killCommand(), deleteCommand(),
		execCommand(), psCommand(), pauseCommand(), resumeCommand(), waitCommand(), specCommand(), doCommand(), eventsCommand(),
		updateCommand(), featuresCommand(), platformsCommand(), stacksCommand(), standInCommand()}
}

func (c *command) Name() string     { return c.name }
func (c *command) Synopsis() string { return c.synopsis }
func (c *command) Usage() string {
	text := fmt.Sprintf("runsc %s [flags] %s\n\n%s.\n\n", c.name, c.usage, c.synopsis)
	if len(c.examples) > 0 {
		text += "Examples:\n  " + strings.Join(c.examples, "\n  ") + "\n\n"
	}
	if c.flags != nil {
		text += "Flags:\n"
	}
	return text
}

func (c *command) SetFlags(fs *flag.FlagSet) {
	if c.flags != nil {
		c.flags(fs)
	}
}

// Execute runs the command. extra holds the globals.
func (c *command) Execute(_ context.Context, fs *flag.FlagSet, extra ...any) subcommands.ExitStatus {
	g := extra[0].(*globals)
	args := fs.Args()
	if len(args) < c.min || c.max >= 0 && len(args) > c.max {
		return subcommands.ExitStatus(g.fail(fmt.Errorf("%q needs %s: runsc %s [flags] %s", c.name, count(c.min, c.max), c.name, c.usage)))
	}
	code, err := c.run(g, args)
	if err != nil {
		code = g.fail(err)
	}
	return subcommands.ExitStatus(code)
}

func count(min, max int) string {
	switch {
	case max == 0:
		return "no arguments"
	case min == max && min == 1:
		return "exactly 1 argument"
	case min == max:
		return fmt.Sprintf("exactly %d arguments", min)
	case max < 0:
		return fmt.Sprintf("at least %d argument(s)", min)
	}
	return fmt.Sprintf("%d to %d arguments", min, max)
}

// withContainer opens the container named by id, locked, for f.
func (g *globals) withContainer(id string, f func(*container.Container) error) (int, error) {
	c, err := container.Open(&g.Config, id)
	if err != nil {
		return 0, err
	}
	defer c.Unlock()
	return 0, f(c)
}

// stringFlag defines a flag under its long and its short name.
func stringFlag(fs *flag.FlagSet, p *string, long, short, value, usage string) {
	fs.StringVar(p, long, value, usage)
	if short != "" {
		fs.StringVar(p, short, value, "short for --"+long)
	}
}

func boolFlag(fs *flag.FlagSet, p *bool, long, short, usage string) {
	fs.BoolVar(p, long, false, usage)
	if short != "" {
		fs.BoolVar(p, short, false, "short for --"+long)
	}
}

// words collects a flag that may be given several times.
type words []string

func (w *words) String() string     { return fmt.Sprint(*w) }
func (w *words) Set(s string) error { *w = append(*w, s); return nil }

// printJSON prints v as runc does.
func printJSON(v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(os.Stdout, string(b))
	return err
}
