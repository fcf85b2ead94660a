// Benchnet measures the network of the sandbox beside runc's, in one run: the client is on the host, the
// server in a container behind a bridge such as Docker makes. `make bench-net` runs it.
//
//	go run ./test/benchnet -runsc bin/runsc [-platform systrap] [-only REGEXP] [-seconds 3]
//	go run ./test/benchnet -short 1000000      what is there after so many short connections, from outside and inside
//	go run ./test/benchnet -hold 10000         memory of an idle connection, CPU of an idle stack
//	go run ./test/benchnet -flood 1000000      so many SYNs that nobody stands behind, beside connections that work
//
// Everything happens in network namespaces of its own. PEER_RUNSC names the binary of another runtime with the
// same command line, which is then measured, too.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// options is the command line.
type options struct {
	runsc, peer, platform string
	flags                 string
	only                  *regexp.Regexp
	seconds               float64
	check, plain, wait    bool
	cpu                   bool
	short, hold, flood    int
}

func parseOptions() (*options, error) {
	o := &options{peer: os.Getenv("PEER_RUNSC")}
	flag.StringVar(&o.runsc, "runsc", "bin/runsc", "the binary to measure")
	flag.StringVar(&o.platform, "platform", "", "its platform, if not the default")
	flag.StringVar(&o.flags, "flags", "", "more flags for it, separated by spaces")
	only := flag.String("only", "", "measure the rows that match this regular expression")
	flag.Float64Var(&o.seconds, "seconds", 3, "how long each row is measured")
	flag.BoolVar(&o.check, "check", false, "exit with 1 if a row misses its target, or something grows")
	flag.BoolVar(&o.plain, "no-runc", false, "leave runc out")
	flag.BoolVar(&o.cpu, "cpu", false, "show the CPU that the container uses, and for each unit of the figure")
	flag.BoolVar(&o.wait, "wait", false, "measure nothing, wait for a signal")
	flag.IntVar(&o.short, "short", 0, "open and close so many connections, and compare what is there")
	flag.IntVar(&o.hold, "hold", 0, "hold so many connections open, and compare the memory")
	flag.IntVar(&o.flood, "flood", 0, "send so many SYNs that nobody stands behind")
	flag.Parse()
	var err error
	if o.only, err = regexp.Compile(*only); err != nil {
		return nil, fmt.Errorf("-only: %w", err)
	}
	if o.runsc, err = filepath.Abs(o.runsc); err != nil {
		return nil, err
	}
	if _, err := os.Stat(o.runsc); err != nil {
		return nil, fmt.Errorf("no runsc to measure, run make first: %w", err)
	}
	return o, nil
}

// counting reports whether it is about what is kept and not about speed.
func (o *options) counting() bool { return o.short+o.hold+o.flood > 0 }

// inside says in the environment that the process is in its own network namespace.
const inside = "BENCHNET_INSIDE"

func main() {
	if os.Getuid() != 0 {
		fmt.Fprintln(os.Stderr, "benchnet: containers need root")
		os.Exit(1)
	}
	if os.Getenv(inside) == "" {
		os.Exit(again())
	}
	missed, err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchnet:", err)
		os.Exit(1)
	}
	if missed {
		os.Exit(1)
	}
}

// again runs the program once more in a network namespace that plays the host's. Whatever it leaves ends with it.
func again() int {
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGTERM}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "benchnet:", err)
		return 1
	}
	go func() {
		for s := range stop {
			cmd.Process.Signal(s)
		}
	}()
	cmd.Wait()
	return cmd.ProcessState.ExitCode()
}

// bench is one run of the tool.
type bench struct {
	*options
	dir     string // scratch, removed at the end
	systems []*system
}

// run measures everything; missed tells whether -check found a target missed.
func run() (missed bool, err error) {
	o, err := parseOptions()
	if err != nil {
		return false, err
	}
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return false, err
	}
	dir, err := os.MkdirTemp("", "benchnet-")
	if err != nil {
		return false, err
	}
	b := &bench{options: o, dir: dir}
	defer b.clean()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		<-stop
		b.clean()
		os.Exit(1)
	}()
	if err := b.prepare(); err != nil {
		return false, err
	}
	if o.wait {
		fmt.Printf("nsenter --net=/proc/%d/ns/net; state of containers is below %s\n", os.Getpid(), dir)
		for _, s := range b.systems {
			fmt.Println(s.name, s.ip)
		}
		select {}
	}
	if o.counting() {
		missed, err := b.growth()
		return o.check && missed, err
	}
	table, err := b.measure()
	table.write(os.Stdout)
	return o.check && table.missed, err
}

// prepare makes what all containers share: the program of the small exchanges, files, and the bridge.
func (b *bench) prepare() error {
	share := filepath.Join(b.dir, "share")
	if err := os.MkdirAll(share, 0o755); err != nil {
		return err
	}
	source := filepath.Join(b.dir, "load.c")
	if err := os.WriteFile(source, loadSource, 0o644); err != nil {
		return err
	}
	if _, err := command(20*time.Second, "gcc", "-O2", "-static", "-pthread", "-o", share+"/load", source); err != nil {
		return err
	}
	script := serveScript
	if b.counting() {
		script = serveAlone
	}
	for name, text := range map[string][]byte{"big": make([]byte, 100_000), "small": []byte("ok\n"), "nginx.conf": []byte(nginxConf), "serve": []byte(script)} {
		if err := os.WriteFile(filepath.Join(share, name), text, 0o755); err != nil {
			return err
		}
	}
	for _, line := range []string{
		"ip link set lo up", "ip link add br0 type bridge", "ip addr add 172.30.0.1/24 dev br0", "ip link set br0 up",
	} {
		if err := shell(line); err != nil {
			return err
		}
	}
	return b.start(share)
}

// clean ends everything.
func (b *bench) clean() {
	for _, s := range b.systems {
		s.stop()
	}
	for range 50 {
		left := descendants(os.Getpid())
		for _, pid := range left {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		var status syscall.WaitStatus
		for {
			if pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil); pid <= 0 || err != nil {
				break
			}
		}
		if len(left) == 0 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	os.RemoveAll(b.dir)
}
