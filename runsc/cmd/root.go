// Package cmd is runsc's command line: the global flags, and one file a command.
package cmd

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/google/subcommands"
	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/seed-7423c386/runsc/runsc/container"
	"github.com/seed-7423c386/runsc/runsc/log"
	"github.com/seed-7423c386/runsc/sentry/control"
)

// globals are the flags before the command.
type globals struct {
	container.Config
	logPath, logFormat, rootless, fileAccess, overlay, calls, debugLogFormat, netRate string
	patch, version                                                                    bool
}

// Main runs one command line and returns the exit code. version is what --version says.
func Main(args []string, version string) int {
	g := new(globals)
	fs := flag.NewFlagSet(filepath.Base(args[0]), flag.ContinueOnError)
	g.register(fs)
	commander := subcommands.NewCommander(fs, filepath.Base(args[0]))
	commander.Register(commander.HelpCommand(), "")
	commander.Register(commander.FlagsCommand(), "")
	for _, c := range commands() {
		commander.Register(c, "")
	}
	if err := fs.Parse(args[1:]); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 1
	}
	if g.version {
		printVersion(version)
		return 0
	}
	if err := g.check(); err != nil {
		return g.fail(err)
	}
	if name := fs.Arg(0); name != "" && !known(name) {
		return g.fail(fmt.Errorf("there is no command %q: see '%s help'", name, fs.Name()))
	}
	return int(commander.Execute(context.Background(), g))
}

func (g *globals) register(fs *flag.FlagSet) {
	fs.StringVar(&g.Root, "root", defaultRoot(), "directory for the state of containers")
	fs.StringVar(&g.logPath, "log", "", "write runsc's own messages to this file instead of standard error")
	fs.StringVar(&g.logFormat, "log-format", "text", "format of --log: text or json")
	fs.BoolVar(&g.Debug, "debug", false, "log more, in runsc and in the sandbox")
	fs.BoolVar(&g.SystemdCgroup, "systemd-cgroup", false, "linux.cgroupsPath has the form slice:prefix:name")
	fs.StringVar(&g.rootless, "rootless", "auto", "make a user namespace instead of needing root: auto, true or false")
	fs.StringVar(&g.Platform, "platform", "auto", "how application code is run: auto (the one that is fastest here, see 'runsc platforms') or "+strings.Join(control.Platforms, ", "))
	fs.BoolVar(&g.patch, "systrap-patch", true, "platforms systrap and kvm: replace system call instructions that run often, and CPUID; false: programs see none but their own code, calls cost 2 µs more on systrap")
	fs.IntVar(&g.VCPUs, "kvm-vcpus", 0, "platform kvm: at most so many virtual processors, which threads share; 0: as many as there are threads, if the host lets them be made")
	fs.StringVar(&g.Network, "network", "sandbox", "sandbox: a network stack of its own takes over the interfaces of the container's network namespace; host: sockets are the host's, less isolated; none: a loopback")
	fs.BoolVar(&g.NetRaw, "net-raw", true, "false: raw and packet sockets are refused and CAP_NET_RAW is taken away, even from containers that are given it")
	fs.StringVar(&g.netRate, "net-rate", "", "limit of each interface to the outside, each way, in bits a second: 500k, 20M, 1.5G; the annotation "+container.RateAnnotation+" of a container may set a lower one")
	fs.StringVar(&g.Pcap, "pcap", "", "write the packets of the container's interfaces to this file, or below this directory if it ends in /, in the format pcapng")
	fs.IntVar(&g.PcapSnaplen, "pcap-snaplen", 1<<18, "with --pcap: keep so many bytes of each packet")
	fs.Int64Var(&g.PcapLimit, "pcap-limit", 1<<30, "with --pcap: stop before the file has more bytes; 0: never")
	fs.StringVar(&g.overlay, "overlay2", "none", "writable layer in memory: none, root:memory or all:memory")
	fs.StringVar(&g.fileAccess, "file-access", "exclusive", "exclusive: nobody but the container changes its root; shared: others may")
	fs.BoolVar(&g.Strace, "strace", false, "log every system call")
	fs.StringVar(&g.calls, "strace-syscalls", "", "only these calls, separated by commas")
	fs.StringVar(&g.DebugLog, "debug-log", "", "write the sandbox's messages to this file, or below this directory if it ends in /")
	fs.StringVar(&g.debugLogFormat, "debug-log-format", "text", "format of --debug-log: text or json")
	fs.BoolVar(&g.version, "version", false, "print the version")
	fs.BoolVar(&g.version, "v", false, "short for --version")
}

// check makes g.Config of the flags.
func (g *globals) check() (err error) {
	if g.Log, err = log.New(g.logPath, g.logFormat, g.Debug); err != nil {
		return err
	}
	if g.Root, err = filepath.Abs(g.Root); err != nil {
		return err
	}
	switch g.rootless {
	case "auto":
		g.Rootless = os.Geteuid() != 0
	default:
		if g.Rootless, err = strconv.ParseBool(g.rootless); err != nil {
			return fmt.Errorf("--rootless %q: it is auto, true or false", g.rootless)
		}
	}
	if g.Platform != "auto" && !slices.Contains(control.Platforms, g.Platform) {
		return fmt.Errorf("--platform %q: it is auto or one of %s", g.Platform, strings.Join(control.Platforms, ", "))
	}
	if g.VCPUs < 0 {
		return fmt.Errorf("--kvm-vcpus %d: it is a number of processors, or 0", g.VCPUs)
	}
	g.NoPatch = !g.patch
	switch g.Network {
	case "none", "sandbox", "host":
	default:
		return fmt.Errorf("--network %q: it is sandbox, host or none", g.Network)
	}
	if err := g.checkNetwork(); err != nil {
		return err
	}
	switch g.overlay {
	case "none", "root:memory", "all:memory":
		g.Overlay, _, _ = strings.Cut(g.overlay, ":")
	default:
		return fmt.Errorf("--overlay2 %q: it is none, root:memory or all:memory", g.overlay)
	}
	switch g.fileAccess {
	case "exclusive", "shared":
		g.Shared = g.fileAccess == "shared"
	default:
		return fmt.Errorf("--file-access %q: it is exclusive or shared", g.fileAccess)
	}
	if g.calls != "" {
		g.Strace, g.Calls = true, strings.Split(g.calls, ",")
	}
	g.LogJSON = g.debugLogFormat == "json"
	return nil
}

// checkNetwork checks the flags about packets.
func (g *globals) checkNetwork() (err error) {
	if g.netRate != "" {
		if g.NetRate, err = container.ParseRate(g.netRate); err != nil {
			return fmt.Errorf("--net-rate %q: %w", g.netRate, err)
		}
	}
	switch {
	case g.PcapSnaplen < 64 || g.PcapSnaplen > 1<<18:
		return fmt.Errorf("--pcap-snaplen %d: it is 64 to %d", g.PcapSnaplen, 1<<18)
	case g.PcapLimit < 0:
		return fmt.Errorf("--pcap-limit %d: it is a number of bytes", g.PcapLimit)
	case g.Network == "host" && g.Pcap != "":
		return errors.New("--pcap: with --network=host packets are the host's, where tcpdump sees them")
	case g.Network == "host" && g.NetRate != 0:
		return errors.New("--net-rate: with --network=host packets are the host's, whose tc(8) has limits")
	}
	return nil
}

// fail reports err where engines and people look, and returns the exit code.
func (g *globals) fail(err error) int {
	g.Log.Errorf("%v", err)
	if g.Log == nil || g.Log.ToFile() {
		fmt.Fprintf(os.Stderr, "runsc: %v\n", err)
	}
	var coded *control.Error
	if errors.As(err, &coded) && coded.Code != 0 {
		return coded.Code
	}
	return 1
}

// defaultRoot is where states go: below /run for root, else in the user's own runtime directory.
func defaultRoot() string {
	if os.Geteuid() == 0 {
		return "/run/runsc"
	}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		return filepath.Join(dir, "runsc")
	}
	return filepath.Join(os.TempDir(), "runsc-"+strconv.Itoa(os.Geteuid()))
}

func printVersion(version string) {
	fmt.Printf("runsc version %s\n", version)
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				fmt.Printf("commit: %s\n", s.Value)
			}
		}
	}
	fmt.Printf("spec: %s\ngo: %s\n", specs.Version, runtime.Version())
}

func known(name string) bool {
	if name == "help" || name == "flags" {
		return true
	}
	for _, c := range commands() {
		if c.Name() == name {
			return true
		}
	}
	return false
}
