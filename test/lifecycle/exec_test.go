package lifecycle

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// running creates and starts a container that sleeps.
func (e *env) running() {
	e.Helper()
	e.command("sleep", "1000")
	e.create()
	e.must("start", e.id)
}

// runs starts a container that runs a line of shell.
func (e *env) runs(line string) {
	e.Helper()
	e.shell(line)
	e.create()
	e.must("start", e.id)
}

func TestExec(t *testing.T) {
	each(t, func(e *env) {
		e.running()
		if r := e.must("exec", e.id, "echo", "hello", "-d"); r.out != "hello -d\n" {
			t.Error(r)
		}
		if r := e.runsc("exec", e.id, "sh", "-c", "exit 9"); r.code != 9 {
			t.Error(r)
		}
		if r := e.runsc("exec", e.id, "sh", "-c", "kill -9 $$"); r.code != 137 {
			t.Error(r)
		}
		if r := e.must("exec", "--cwd", "/tmp", "--env", "A=b c", e.id, "sh", "-c", "pwd; echo $A; cat"); r.out != "/tmp\nb c\n" {
			t.Error(r)
		}
		c := e.cmd("exec", e.id, "cat")
		c.Stdin = strings.NewReader("in")
		if r := e.finish(c); r.out != "in" {
			t.Error(r)
		}
		for name, want := range map[string]string{"foo": "executable file not found in $PATH", "/foo": "no such file or directory"} {
			r := e.runsc("exec", e.id, name)
			if r.code != 127 {
				t.Error(r)
			}
			e.oneLine(r, `"`+name+`"`, want)
		}
		e.refused("no command", "exec", e.id)
		e.must("delete", "--force", e.id)
	})
}

func TestExecUser(t *testing.T) {
	each(t, func(e *env) {
		e.running()
		if r := e.must("exec", "--user", "1000:50", e.id, "sh", "-c", "id -u; id -g"); r.out != "1000\n50\n" {
			t.Error(r)
		}
		if r := e.must("exec", "--user", "user", e.id, "id", "-u"); r.out != "1000\n" {
			t.Error(r)
		}
		e.refused("nobody-of-that-name", "exec", "--user", "nobody-of-that-name", e.id, "true")
		e.must("delete", "--force", e.id)
	}, "real")
}

func TestExecProcessFile(t *testing.T) {
	each(t, func(e *env) {
		e.running()
		path := filepath.Join(e.bundle, "process.json")
		os.WriteFile(path, []byte(`{"args":["sh","-c","pwd; echo $X"],"cwd":"/tmp","env":["PATH=/bin","X=y"],"user":{"uid":0,"gid":0}}`), 0o644)
		if r := e.must("exec", "--process", path, e.id); r.out != "/tmp\ny\n" {
			t.Error(r)
		}
		os.WriteFile(path, []byte(`{"args":[`), 0o644)
		e.refused("process.json:1:", "exec", "--process", path, e.id)
		e.must("delete", "--force", e.id)
	})
}

// TestExecDetach does what the containerd shim does: it waits for the process in the pid file.
func TestExecDetach(t *testing.T) {
	each(t, func(e *env) {
		e.running()
		pidFile := filepath.Join(e.bundle, "exec pid")
		start := time.Now()
		e.must("exec", "--detach", "--pid-file", pidFile, e.id, "sh", "-c", "sleep 0.5; exit 5")
		if time.Since(start) > 400*time.Millisecond {
			t.Log("exec --detach took its time:", time.Since(start))
		}
		if code := e.reap(e.readPid(pidFile)); code != 5 {
			t.Errorf("exit code %d, want 5", code)
		}
		r := e.runsc("exec", "--detach", "--pid-file", pidFile, e.id, "foo")
		if r.code != 127 {
			t.Error(r)
		}
		e.oneLine(r, "executable file not found in $PATH")
		e.must("delete", "--force", e.id)
	})
}

// TestExecStandInKilled kills the stand-in of a process and expects the process to go too.
func TestExecStandInKilled(t *testing.T) {
	each(t, func(e *env) {
		e.running()
		pidFile := filepath.Join(e.bundle, "exec pid")
		e.must("exec", "--detach", "--pid-file", pidFile, e.id, "sh", "-c", "while :; do echo x >> /tmp/alive; sleep 0.01; done")
		alive := filepath.Join(e.bundle, "rootfs/tmp/alive")
		e.eventually(func() string {
			if _, err := os.Stat(alive); err != nil {
				return err.Error()
			}
			return ""
		})
		pid := e.readPid(pidFile)
		unix.Kill(pid, unix.SIGKILL)
		e.reap(pid)
		e.eventually(func() string {
			os.Remove(alive)
			time.Sleep(100 * time.Millisecond)
			if _, err := os.Stat(alive); err == nil {
				return "the process runs on"
			}
			return ""
		})
		e.must("delete", "--force", e.id)
	})
}

// TestExecSignal sends signals to the stand-in, as the shim does to kill an exec.
func TestExecSignal(t *testing.T) {
	each(t, func(e *env) {
		e.running()
		pidFile := filepath.Join(e.bundle, "exec pid")
		e.must("exec", "--detach", "--pid-file", pidFile, e.id, "sh", "-c", "trap 'exit 11' TERM; echo > /tmp/up; while :; do sleep 0.02; done")
		e.eventually(func() string {
			if _, err := os.Stat(filepath.Join(e.bundle, "rootfs/tmp/up")); err != nil {
				return err.Error()
			}
			return ""
		})
		pid := e.readPid(pidFile)
		unix.Kill(pid, unix.SIGTERM)
		if code := e.reap(pid); code != 11 {
			t.Errorf("exit code %d, want 11", code)
		}
		e.must("delete", "--force", e.id)
	})
}

// TestExecEndsWithContainer kills the container under an exec.
func TestExecEndsWithContainer(t *testing.T) {
	each(t, func(e *env) {
		e.running()
		pidFile := filepath.Join(e.bundle, "exec pid")
		e.must("exec", "--detach", "--pid-file", pidFile, e.id, "sleep", "1000")
		e.must("kill", e.id, "9")
		if code := e.reap(e.readPid(pidFile)); code != 137 {
			t.Errorf("exit code %d, want 137", code)
		}
		e.must("delete", "--force", e.id)
	})
}
