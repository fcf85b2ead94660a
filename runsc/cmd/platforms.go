package cmd

import (
	"flag"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/seed-7423c386/runsc/runsc/sandbox"
	"github.com/seed-7423c386/runsc/sentry/control"
)

// platformsCommand tries the platforms again, whatever was kept.
func platformsCommand() *command {
	var format string
	return &command{
		name: "platforms", max: 0,
		examples: []string{
			"runsc platforms",
			"runsc platforms --format json",
		},
		synopsis: "measure what a system call costs on each platform here, and say which one --platform=auto takes from now on",
		flags:    func(fs *flag.FlagSet) { stringFlag(fs, &format, "format", "f", "table", "table or json") },
		run: func(g *globals, _ []string) (int, error) {
			if format != "table" && format != "json" {
				return 0, fmt.Errorf("--format %q: it is table or json", format)
			}
			all, err := sandbox.MeasurePlatforms(g.Root, g.Rootless, control.Platforms)
			if err != nil {
				return 0, err
			}
			chosen, err := sandbox.Fastest(all)
			if format == "json" {
				return 0, printJSON(platformList{chosen, all})
			}
			if err != nil {
				return 0, err
			}
			return 0, printPlatforms(all, chosen)
		},
	}
}

// platformList is what --format=json prints.
type platformList struct {
	Chosen    string                `json:"chosen,omitempty"`
	Platforms []control.Measurement `json:"platforms"`
}

func printPlatforms(all []control.Measurement, chosen string) error {
	w := tabwriter.NewWriter(os.Stdout, 10, 1, 3, ' ', 0)
	fmt.Fprint(w, "PLATFORM\tSYSTEM CALL\tAUTO\tWHY\n")
	for _, m := range all {
		cost, auto, why := time.Duration(m.Nanoseconds).String(), "", "not twice as fast as "+chosen
		switch {
		case m.Error != "":
			cost, why = "-", m.Error
		case m.Platform == sandbox.OnRequest:
			why = "on request only, until it has been run on more hosts"
		case m.Platform == chosen:
			auto, why = "chosen", "no other is twice as fast"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", m.Platform, cost, auto, why)
	}
	return w.Flush()
}
