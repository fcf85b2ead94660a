package lifecycle

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

func TestRun(t *testing.T) {
	each(t, func(e *env) {
		e.shell("echo out; echo err >&2; exit 3")
		if r := e.run(); r.code != 3 || r.out != "out\n" || r.errOut != "err\n" {
			t.Error(r)
		}
	})
}

func TestRunKilledBySignal(t *testing.T) {
	each(t, func(e *env) {
		// The first process cannot kill itself (pid_namespaces(7)), so a child does it.
		e.shell("sh -c 'kill -9 $$'; echo $?; exec sh -c 'exit 200'")
		if r := e.run(); r.code != 200 || r.out != "137\n" {
			t.Error(r)
		}
	}, "real")
}

func TestRunReadsStdin(t *testing.T) {
	each(t, func(e *env) {
		e.command("cat")
		c := e.cmd("run", "--bundle", e.bundle, e.id)
		c.Stdin = strings.NewReader("through\n")
		if r := e.finish(c); r.code != 0 || r.out != "through\n" {
			t.Error(r)
		}
	})
}

func TestRunInCurrentDirectory(t *testing.T) {
	each(t, func(e *env) {
		e.command("echo", "here")
		c := e.cmd("run", e.id)
		c.Dir = e.bundle
		if r := e.finish(c); r.code != 0 || r.out != "here\n" {
			t.Error(r)
		}
	})
}

func TestRunDetachAndKeep(t *testing.T) {
	each(t, func(e *env) {
		e.command("sleep", "1000")
		e.must("run", "--detach", "--bundle", e.bundle, e.id)
		if s := e.state(); s.Status != specs.StateRunning || s.Pid == 0 {
			t.Errorf("state %+v", s)
		}
		e.must("delete", "--force", e.id)
		e.command("true")
		e.must("run", "--keep", "--bundle", e.bundle, e.id)
		if s := e.state(); s.Status != specs.StateStopped {
			t.Errorf("state %+v", s)
		}
		e.must("delete", e.id)
	})
}

// TestRunForwardsSignals ends a container by sending SIGTERM to the runsc that runs it.
func TestRunForwardsSignals(t *testing.T) {
	each(t, func(e *env) {
		e.shell("trap 'echo got it; exit 5' TERM; echo ready; while :; do sleep 0.05; done")
		c := e.cmd("run", "--bundle", e.bundle, e.id)
		out := filepath.Join(e.bundle, "out")
		f, err := os.Create(out)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		c.Stdout = f
		go func() {
			e.eventually(func() string {
				if b, _ := os.ReadFile(out); string(b) == "ready\n" {
					c.Process.Signal(syscall.SIGTERM)
					return ""
				}
				return "the container does not get ready"
			})
		}()
		if r := e.finish(c); r.code != 5 {
			t.Error(r)
		}
		if b, _ := os.ReadFile(out); string(b) != "ready\ngot it\n" {
			t.Errorf("output %q", b)
		}
	})
}

func TestPreserveFDs(t *testing.T) {
	each(t, func(e *env) {
		e.shell("cat <&3; echo four >&4")
		in, inW, _ := os.Pipe()
		outR, out, _ := os.Pipe()
		inW.WriteString("three\n")
		inW.Close()
		c := e.cmd("run", "--preserve-fds", "2", "--bundle", e.bundle, e.id)
		c.ExtraFiles = []*os.File{in, out}
		if r := e.finish(c); r.code != 0 || r.out != "three\n" {
			t.Error(r)
		}
		out.Close()
		buf := make([]byte, 100)
		n, _ := outR.Read(buf)
		if string(buf[:n]) != "four\n" {
			t.Errorf("descriptor 4 gave %q", buf[:n])
		}
		if r := e.run("--preserve-fds", "40"); r.code == 0 || !strings.Contains(r.errOut, "is not open") {
			t.Error(r)
		}
	})
}

// TestWithoutRoot runs a container as a user who is not root.
func TestWithoutRoot(t *testing.T) {
	each(t, func(e *env) {
		e.command("id", "-u")
		e.root = filepath.Join(filepath.Dir(e.bundle), "user state")
		if err := os.Mkdir(e.root, 0o755); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("chown", "-R", "1234:1234", e.root, e.bundle).CombinedOutput(); err != nil {
			t.Fatal(err, string(out))
		}
		c := e.cmd("run", "--bundle", e.bundle, e.id)
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1234, Gid: 1234}}
		r := e.finish(c)
		if st, err := os.Stat("/dev/kvm"); e.kind == "real" && onPlatform() == "kvm" && err == nil && st.Mode()&6 != 6 {
			if r.code == 0 || !strings.Contains(r.errOut, "/dev/kvm: permission denied") {
				t.Errorf("without access to /dev/kvm: %v", r)
			}
		} else if r.code != 0 || r.out != "0\n" {
			t.Error(r)
		}
	})
}

func TestDo(t *testing.T) {
	each(t, func(e *env) {
		marker := filepath.Join(e.bundle, "marker")
		c := e.cmd("do", "/bin/sh", "-c", "cat /etc/debian_version; pwd; echo x > "+strings.ReplaceAll(marker, " ", `\ `)+"; cat marker; exit 6")
		c.Dir = e.bundle
		version, _ := os.ReadFile("/etc/debian_version")
		if r := e.finish(c); r.code != 6 || r.out != string(version)+e.bundle+"\nx\n" {
			t.Error(r)
		}
		if _, err := os.Stat(marker); err == nil {
			t.Error("a file written inside is on the host")
		}
		if r := e.must("do", "-hostname", "box", "uname", "-n"); r.out != "box\n" {
			t.Error(r)
		}
	}, "real")
}

// TestSysctl: what the bundle says is set before the program starts, or it does not start.
func TestSysctl(t *testing.T) {
	each(t, func(e *env) {
		e.spec.Linux.Sysctl = map[string]string{"kernel.shmmax": "65536", "kernel.sem": "10 20 30 40", "fs.mqueue.msg_max": "20", "net.core.somaxconn": "77", "kernel.domainname": "example", "kernel.shm_rmid_forced": "0"}
		e.command("sh", "-c", "cd /proc/sys; cat kernel/shmmax kernel/sem fs/mqueue/msg_max net/core/somaxconn kernel/domainname")
		if r := e.must("run", "--bundle", e.bundle, e.id); r.out != "65536\n10\t20\t30\t40\n20\n77\nexample\n" {
			t.Error(r)
		}
		for name, want := range map[string]string{"net.ipv4.nothing": "does not have it", "kernel.shmmax": "invalid argument", "kernel.shm_rmid_forced": "cannot be changed"} {
			e.spec.Linux.Sysctl = map[string]string{name: "what"}
			e.save()
			e.oneLine(e.runsc("run", "--bundle", e.bundle, e.id), name, want)
		}
	}, "real")
}

// TestDoDiesWithItsCommand kills runsc do: nothing runs on.
func TestDoDiesWithItsCommand(t *testing.T) {
	each(t, func(e *env) {
		c := e.cmd("do", "sh", "-c", "echo up; sleep 1000")
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(out, make([]byte, 3)); err != nil {
			t.Fatal(err)
		}
		c.Process.Kill()
		done := make(chan struct{})
		go func() {
			io.Copy(io.Discard, out) // ends when nobody has it any more
			close(done)
		}()
		select {
		case <-done:
		case <-time.After(patience(20)):
			t.Error("the sandbox runs on")
		}
		c.Wait()
		for deadline := time.Now().Add(patience(20)); strings.Contains(e.must("list", "--quiet").out, "do-"); time.Sleep(50 * time.Millisecond) {
			if time.Now().After(deadline) {
				e.Error("what it leaves is not swept")
				break
			}
		}
	}, "real")
}

// TestStartUpTime only guards against a start that has become slower by an order of magnitude;
// the benchmark has the figure.
func TestStartUpTime(t *testing.T) {
	each(t, func(e *env) {
		e.command("true")
		best := time.Hour
		for range 5 {
			start := time.Now()
			if r := e.run(); r.code != 0 {
				t.Fatal(r)
			}
			best = min(best, time.Since(start))
		}
		t.Logf("best of 5: %v", best)
		if best > 500*time.Millisecond {
			t.Errorf("run of true takes %v", best)
		}
	})
}
