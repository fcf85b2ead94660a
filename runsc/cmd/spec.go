package cmd

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/seed-7423c386/runsc/runsc/spec"
)

func specCommand() *command {
	var bundle string
	var rootless bool
	return &command{
		name: "spec", synopsis: "write a config.json to start from", usage: "[-- command args...]", max: -1,
		examples: []string{"runsc spec --bundle /srv/web -- nginx -g 'daemon off;'"},
		flags: func(fs *flag.FlagSet) {
			stringFlag(fs, &bundle, "bundle", "b", "", "directory to write it to, by default the current one")
			fs.BoolVar(&rootless, "rootless", false, "for use without root")
		},
		run: func(_ *globals, args []string) (int, error) {
			s := spec.Template(rootless)
			if len(args) > 0 {
				s.Process.Args, s.Process.Terminal = args, false
			}
			raw, err := json.MarshalIndent(s, "", "\t")
			if err != nil {
				return 0, err
			}
			path := filepath.Join(bundle, spec.ConfigName)
			f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
			if errors.Is(err, os.ErrExist) {
				return 0, fmt.Errorf("%s exists: remove it first", path)
			}
			if err != nil {
				return 0, err
			}
			_, err = f.Write(append(raw, '\n'))
			return 0, errors.Join(err, f.Close())
		},
	}
}
