// Package docker runs the sandbox under a real Docker: a private dockerd with its own socket and
// data, and an image made from Debian's busybox-static.
package docker

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// daemon is a dockerd of the test's own.
type daemon struct {
	t    *testing.T
	dir  string
	host string
	pid  int
}

const image = "runsc-test"

// start starts dockerd and makes the image. With networks it has bridges and rules, in a network namespace of its own.
func start(t *testing.T, networks bool) *daemon {
	runsc, err := filepath.Abs("../../bin/runsc")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(runsc); err != nil {
		t.Fatalf("%v: run make first", err)
	}
	dir, err := os.MkdirTemp("", "runsc-docker")
	if err != nil {
		t.Fatal(err)
	}
	d := &daemon{t: t, dir: dir, host: "unix://" + dir + "/sock"}
	options := map[string]any{
		"runtimes": map[string]any{
			"runsc":      map[string]any{"path": runsc},
			"runsc-host": map[string]any{"path": runsc, "runtimeArgs": []string{"--network=host"}},
			"runsc-log":  map[string]any{"path": runsc, "runtimeArgs": []string{"--debug", "--debug-log", dir + "/logs/"}},
		},
		"data-root": dir + "/data", "exec-root": dir + "/exec", "hosts": []string{d.host}, "pidfile": dir + "/pid",
		"storage-driver": "vfs",
	}
	command := []string{"dockerd", "--config-file", dir + "/daemon.json"}
	if networks {
		command = append([]string{"unshare", "--net", "sh", "-c", `ip link set lo up && exec "$@"`, "sh"}, command...)
	} else {
		options["bridge"], options["iptables"] = "none", false
	}
	cfg, _ := json.Marshal(options)
	if err := os.WriteFile(dir+"/daemon.json", cfg, 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(dir + "/log")
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(command[0], command[1:]...)
	c.Stdout, c.Stderr = log, log
	if err := c.Start(); err != nil {
		t.Fatalf("dockerd: %v", err)
	}
	d.pid = c.Process.Pid
	t.Cleanup(func() {
		c.Process.Signal(os.Interrupt)
		done := make(chan struct{})
		go func() { c.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			c.Process.Kill()
			<-done
		}
		if t.Failed() {
			text, _ := os.ReadFile(dir + "/log")
			t.Logf("dockerd said:\n%s", text[max(0, len(text)-4000):])
		}
		unmountBelow(dir)
		os.RemoveAll(dir)
	})
	for range 300 {
		if exec.Command("docker", "-H", d.host, "version").Run() == nil {
			d.image()
			return d
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("dockerd does not answer within 30 s")
	return nil
}

// unmountBelow takes down what dockerd has left mounted below a directory, such as network namespaces.
func unmountBelow(dir string) {
	text, _ := os.ReadFile("/proc/self/mounts")
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 1 && strings.HasPrefix(f[1], dir+"/") {
			exec.Command("umount", "-l", f[1]).Run()
		}
	}
}

// image imports a root file system made from busybox.
func (d *daemon) image() {
	root := d.dir + "/rootfs"
	if out, err := exec.Command("../../tools/busybox-rootfs", root).CombinedOutput(); err != nil {
		d.t.Fatalf("busybox-rootfs: %v: %s", err, out)
	}
	c := exec.Command("sh", "-c", `tar -C "$0" -c . | docker -H "$1" import - "$2"`, root, d.host, image)
	if out, err := c.CombinedOutput(); err != nil {
		d.t.Fatalf("docker import: %v: %s", err, out)
	}
}

// docker runs the command line and returns what it printed and its exit code.
func (d *daemon) docker(args ...string) (string, int) {
	c := exec.Command("timeout", append([]string{"-s", "KILL", "60", "docker", "-H", d.host}, args...)...)
	out, err := c.CombinedOutput()
	if err != nil && c.ProcessState == nil {
		d.t.Fatal(err)
	}
	return string(out), c.ProcessState.ExitCode()
}

// run is docker run --rm with the sandbox.
func (d *daemon) run(args ...string) (string, int) {
	return d.docker(append([]string{"run", "--rm", "--runtime=runsc", "--network", "none"}, args...)...)
}

// must fails the test unless the command prints want and exits with code.
func must(t *testing.T, what, out string, code int, want string, wantCode int) {
	t.Helper()
	if !strings.Contains(out, want) || code != wantCode {
		t.Errorf("%s: exit code %d, want %d; output %q, want %q in it", what, code, wantCode, out, want)
	}
}

func TestDocker(t *testing.T) {
	d := start(t, false)
	t.Run("run", func(t *testing.T) {
		out, code := d.run(image, "sh", "-c", "uname -r; exit 3")
		must(t, "uname", out, code, "6.12.0", 3)
		out, code = d.run(image, "/no/such/program")
		must(t, "a program that is not there", out, code, "/no/such/program", 127)
		out, code = d.run(image, "sh", "-c", "kill -9 $$")
		must(t, "init cannot kill itself", out, code, "", 0)
	})
	t.Run("user", func(t *testing.T) {
		out, code := d.run("--user", "1000:1001", image, "sh", "-c", "id; touch /x")
		must(t, "id", out, code, "uid=1000 gid=1001", 1)
	})
	t.Run("read-only", func(t *testing.T) {
		out, code := d.run("--read-only", image, "touch", "/x")
		must(t, "touch", out, code, "Read-only file system", 1)
	})
	t.Run("volume", func(t *testing.T) {
		dir := t.TempDir()
		_, code := d.run("-v", dir+":/vol", image, "sh", "-c", "echo from inside > /vol/f")
		b, _ := os.ReadFile(dir + "/f")
		must(t, "volume", string(b), code, "from inside\n", 0)
	})
	t.Run("terminal", func(t *testing.T) {
		line := fmt.Sprintf("docker -H %s run --rm -it --runtime=runsc --network none %s sh -c 'tty; test -t 0 && echo yes'", d.host, image)
		c := exec.Command("timeout", "-s", "KILL", "60", "script", "-qec", line, "/dev/null")
		out, _ := c.CombinedOutput()
		must(t, "tty", string(out), c.ProcessState.ExitCode(), "yes", 0)
	})
	t.Run("sysctl", func(t *testing.T) {
		out, code := d.run("--sysctl", "net.core.somaxconn=77", "--sysctl", "kernel.shmmax=65536", image, "sh", "-c", "cat /proc/sys/net/core/somaxconn /proc/sys/kernel/shmmax")
		must(t, "set", out, code, "77\n65536\n", 0)
		out, code = d.run("--sysctl", "net.ipv4.nothing=1", image, "true")
		must(t, "one that is not there", out, code, "net.ipv4.nothing", 125)
	})
	t.Run("lifecycle", func(t *testing.T) { lifecycle(t, d) })
	t.Run("host network", func(t *testing.T) { hostNetwork(t, d) })
	t.Run("debug log", func(t *testing.T) { debugLog(t, d) })
}

// lifecycle is a container's way through exec, cp, diff, stop, logs, commit and kill.
func lifecycle(t *testing.T, d *daemon) {
	start := func(name, script string) {
		t.Helper()
		if out, code := d.docker("run", "-d", "--name", name, "--runtime=runsc", "--network", "none", image, "sh", "-c", script); code != 0 {
			t.Fatalf("run -d: %s", out)
		}
	}
	start("c1", `echo started; trap "echo stopping; exit 7" TERM; while :; do sleep 0.1; done`)
	out, code := d.docker("exec", "c1", "sh", "-c", "ps; exit 5")
	must(t, "exec", out, code, "trap", 5)
	file := filepath.Join(t.TempDir(), "f")
	os.WriteFile(file, []byte("from outside\n"), 0o644)
	d.docker("cp", file, "c1:/root/in")
	out, code = d.docker("exec", "c1", "cat", "/root/in")
	must(t, "cp in", out, code, "from outside", 0)
	d.docker("exec", "c1", "sh", "-c", "echo from inside > /root/out")
	d.docker("cp", "c1:/root/out", file)
	b, _ := os.ReadFile(file)
	must(t, "cp out", string(b), 0, "from inside", 0)
	out, code = d.docker("diff", "c1")
	must(t, "diff", out, code, "A /root/out", 0)
	_, code = d.docker("stop", "-t", "20", "c1")
	must(t, "stop", "", code, "", 0)
	out, code = d.docker("logs", "c1")
	must(t, "logs", out, code, "started\nstopping\n", 0)
	out, code = d.docker("inspect", "-f", "{{.State.ExitCode}}", "c1")
	must(t, "exit code", out, code, "7", 0)
	if out, code = d.docker("commit", "c1", "committed"); code != 0 {
		t.Errorf("commit: %s", out)
	}
	out, code = d.run("committed", "cat", "/root/out")
	must(t, "committed", out, code, "from inside", 0)
	d.docker("rm", "-f", "c1")
	start("c2", "sleep 1000")
	d.docker("kill", "c2")
	out, code = d.docker("wait", "c2")
	must(t, "killed", out, code, "137", 0)
	d.docker("rm", "-f", "c2")
	start("c3", "while :; do (:); done")
	for range 3 {
		out, code = d.docker("pause", "c3")
		must(t, "pause", out, code, "c3", 0)
		out, code = d.docker("unpause", "c3")
		must(t, "unpause", out, code, "c3", 0)
	}
	d.docker("pause", "c3")
	out, code = d.docker("inspect", "-f", "{{.State.Status}}", "c3")
	must(t, "paused", out, code, "paused", 0)
	d.docker("kill", "c3")
	out, code = d.docker("wait", "c3")
	must(t, "killed while paused", out, code, "137", 0)
	d.docker("rm", "-f", "c3")
}
