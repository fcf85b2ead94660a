package cmd

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/mohae/deepcopy"
	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/seed-7423c386/runsc/runsc/console"
	"github.com/seed-7423c386/runsc/runsc/container"
	"github.com/seed-7423c386/runsc/runsc/spec"
)

// execFlags are the flags of exec.
type execFlags struct {
	container.ExecOptions
	process, cwd, user, apparmor string
	tty, noNewPrivs              bool
	env, caps, groups, cgroup    words
}

func (f *execFlags) register(fs *flag.FlagSet) {
	stringFlag(fs, &f.process, "process", "p", "", "file with the process as JSON")
	fs.StringVar(&f.cwd, "cwd", "", "working directory")
	stringFlag(fs, &f.user, "user", "u", "", "uid[:gid], or name[:gid] as the container's /etc/passwd has it")
	boolFlag(fs, &f.tty, "tty", "t", "give the process a terminal")
	boolFlag(fs, &f.Detach, "detach", "d", "return once the process runs")
	fs.StringVar(&f.PidFile, "pid-file", "", "file to write the id of the process's stand-in to")
	fs.StringVar(&f.ConsoleSocket, "console-socket", "", "unix socket to which the terminal's master is sent")
	fs.IntVar(&f.PreserveFDs, "preserve-fds", 0, "pass this many descriptors beside the standard ones")
	fs.BoolVar(&f.IgnorePaused, "ignore-paused", false, "do not mind that the container is paused")
	fs.BoolVar(&f.noNewPrivs, "no-new-privs", false, "set no_new_privs")
	fs.Var(&f.env, "env", "set NAME=value")
	fs.Var(&f.env, "e", "short for --env")
	fs.Var(&f.caps, "cap", "add a capability")
	fs.Var(&f.caps, "c", "short for --cap")
	fs.Var(&f.groups, "additional-gids", "add a group")
	fs.Var(&f.groups, "g", "short for --additional-gids")
	fs.Var(&f.cgroup, "cgroup", "has no effect")
	fs.StringVar(&f.apparmor, "apparmor", "", "has no effect")
}

func execCommand() *command {
	var f execFlags
	return &command{
		name: "exec", synopsis: "run another process in a container", usage: "<container-id> <command> [args...]", min: 1, max: -1,
		examples: []string{
			"runsc exec web ps aux",
			"runsc exec --tty --user 1000:1000 --cwd /tmp --env A=b web sh",
		},
		flags: f.register,
		run: func(g *globals, args []string) (int, error) {
			c, err := container.Load(&g.Config, args[0])
			if err != nil {
				return 0, err
			}
			if f.Process, err = f.makeProcess(c, args[1:]); err != nil {
				return 0, err
			}
			warnings, err := spec.CheckProcess(f.Process)
			if err != nil {
				return 0, err
			}
			for _, w := range warnings {
				g.Log.Warnf("%s", w)
			}
			code, err := c.Exec(&f.ExecOptions)
			if err != nil {
				err = fmt.Errorf("exec failed: %w", err)
			}
			return code, err
		},
	}
}

// makeProcess describes the process: as the file says, or like the container's first with
// what the flags change.
func (f *execFlags) makeProcess(c *container.Container, args []string) (*specs.Process, error) {
	if f.process != "" {
		raw, err := os.ReadFile(f.process)
		if err != nil {
			return nil, fmt.Errorf("--process: %w", err)
		}
		p := new(specs.Process)
		return p, spec.Unmarshal(raw, p, f.process)
	}
	if len(args) == 0 {
		return nil, errors.New("exec: no command given, and no --process")
	}
	s, err := c.Spec()
	if err != nil {
		return nil, err
	}
	p := deepcopy.Copy(s.Process).(*specs.Process)
	p.Args, p.Terminal, p.ConsoleSize = args, f.tty, nil
	p.Env = append(p.Env, f.env...)
	if f.cwd != "" {
		p.Cwd = f.cwd
	}
	p.NoNewPrivileges = p.NoNewPrivileges || f.noNewPrivs
	if f.user != "" {
		if err := setUser(&p.User, f.user); err != nil {
			return nil, err
		}
	}
	for _, g := range f.groups {
		gid, err := strconv.ParseUint(g, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("--additional-gids %q: not a number", g)
		}
		p.User.AdditionalGids = append(p.User.AdditionalGids, uint32(gid))
	}
	addCapabilities(p, f.caps)
	if f.tty && console.IsTerminal(os.Stdin) {
		p.ConsoleSize = nil // the relay sets it
	}
	return p, nil
}

// setUser reads uid[:gid], or name[:gid], whose name the sentry looks up in the container.
func setUser(u *specs.User, s string) error {
	name, group, hasGroup := strings.Cut(s, ":")
	*u = specs.User{Umask: u.Umask}
	if uid, err := strconv.ParseUint(name, 10, 32); err == nil {
		u.UID = uint32(uid)
	} else if name == "" || strings.ContainsAny(name, "/ \n") {
		return fmt.Errorf("--user %q: it is uid[:gid] or name[:gid] of the container's /etc/passwd", s)
	} else {
		u.Username = s
	}
	if hasGroup {
		gid, err := strconv.ParseUint(group, 10, 32)
		if err != nil {
			return fmt.Errorf("--user %q: group %q is not a number", s, group)
		}
		u.GID = uint32(gid)
	}
	return nil
}

// addCapabilities gives the process more than the container's first has, as runc's --cap.
func addCapabilities(p *specs.Process, caps []string) {
	if len(caps) == 0 {
		return
	}
	if p.Capabilities == nil {
		p.Capabilities = new(specs.LinuxCapabilities)
	}
	c := p.Capabilities
	for _, set := range []*[]string{&c.Bounding, &c.Effective, &c.Permitted, &c.Ambient} {
		*set = append(*set, caps...)
	}
}

func standInCommand() *command {
	return &command{
		name: container.StandInCommand, synopsis: "(used by exec itself)", usage: "<container-id>", min: 1, max: 1,
		run: func(*globals, []string) (int, error) { return container.StandIn() },
	}
}
