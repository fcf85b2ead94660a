package programs

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// A script whose first lines say "# outside: why" is run twice at the same time: with the argument inside in the
// container, and with outside on the host, in a network namespace that plays the host's: a bridge, as Docker makes it,
// joins the two. 10.7.0.1 and fd00:7::1 are outside, 10.7.0.2 and fd00:7::2 inside. Both halves see one directory as
// /srv/shared, by which they tell each other what is ready. What both print counts, first that from outside. On the
// host the half inside is in a chroot, as other scripts are.

// half is a half of a script; the zero value is a script that has none.
type half struct {
	role   string // its argument
	netns  string // path of its network namespace
	shared string // directory
}

// bridge joins the namespaces of two processes, $1 inside and $2 outside.
const bridge = `in=$1 out=$2
inside() { nsenter -t "$in" -n ip "$@"; }
outside() { nsenter -t "$out" -n ip "$@"; }
outside link set lo up
outside link add br0 type bridge
outside addr add 10.7.0.1/24 dev br0
outside addr add fd00:7::1/64 dev br0 nodad
outside link add veth0 type veth peer name eth0 netns "$in"
outside link set veth0 master br0 up
outside link set br0 up
inside link set lo up
inside addr add 10.7.0.2/24 dev eth0
inside addr add fd00:7::2/64 dev eth0 nodad
inside link set eth0 up
inside route add default via 10.7.0.1
`

// halves runs both halves of a script.
func (e *environment) halves(s *script, platform string) result {
	shared, err := os.MkdirTemp(e.work, "shared")
	if err != nil {
		return result{status: err.Error()}
	}
	defer os.RemoveAll(shared)
	os.Chmod(shared, 0o755)
	var pids [2]string
	for i := range pids {
		holder := exec.Command("sleep", "infinity")
		holder.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
		if err := holder.Start(); err != nil {
			return result{status: err.Error()}
		}
		defer holder.Wait()
		defer holder.Process.Kill()
		pids[i] = fmt.Sprint(holder.Process.Pid)
	}
	if out, err := exec.Command("sh", "-euc", bridge, "sh", pids[0], pids[1]).CombinedOutput(); err != nil {
		return result{status: fmt.Sprintf("the bridge: %v: %s", err, out)}
	}
	inside := half{"inside", "/proc/" + pids[0] + "/ns/net", shared}
	outside := half{"outside", "/proc/" + pids[1] + "/ns/net", shared}
	done := make(chan result)
	go func() { done <- e.host(s, outside) }()
	var in result
	if platform == hostPlatform {
		in = e.host(s, inside)
	} else {
		in = e.sandbox(s, platform, inside)
	}
	r := <-done
	r.output += "inside:\n" + in.output
	r.note += in.note
	if in.status != "exit:0" {
		r.status = strings.TrimPrefix(r.status+", inside "+in.status, "exit:0, ")
	}
	return r
}

// enter has a command run in a network namespace.
func enter(cmd *exec.Cmd, netns string) {
	cmd.Args = append([]string{"nsenter", "--net=" + netns}, cmd.Args...)
	cmd.Path, cmd.Err = exec.LookPath("nsenter")
}

// configure enters the half's namespace and directory into a container's specification.
func (h half) configure(spec *specs.Spec) {
	if h.netns == "" {
		return
	}
	spec.Mounts = append(spec.Mounts, specs.Mount{Destination: "/srv/shared", Type: "bind", Source: h.shared, Options: []string{"bind"}})
	for i, n := range spec.Linux.Namespaces {
		if n.Type == specs.NetworkNamespace {
			spec.Linux.Namespaces[i].Path = h.netns
		}
	}
}
