package lifecycle

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// TestLifecycle is what an engine does: create, start, look, kill, reap, delete.
func TestLifecycle(t *testing.T) {
	each(t, func(e *env) {
		e.spec.Annotations = map[string]string{"note": "kept"}
		e.shell("echo started > /tmp/started; while :; do sleep 1; done")
		e.create()
		s := e.state()
		pid := e.readPid(e.pidFile())
		if s.Status != specs.StateCreated || s.Pid != pid || s.Bundle != e.bundle || s.ID != e.id || s.Annotations["note"] != "kept" ||
			s.Owner != "root" || s.Rootfs != filepath.Join(e.bundle, "rootfs") || s.Version != e.spec.Version {
			t.Errorf("after create: %+v", s)
		}
		marker := filepath.Join(e.bundle, "rootfs/tmp/started")
		if _, err := os.Stat(marker); err == nil {
			t.Error("the program ran before start")
		}
		e.must("start", e.id)
		if s := e.state(); s.Status != specs.StateRunning || s.Pid != pid {
			t.Errorf("after start: %+v", s)
		}
		e.eventually(func() string {
			if _, err := os.Stat(marker); err != nil {
				return err.Error()
			}
			return ""
		})
		e.refused("already running", "start", e.id)
		e.refused("already exists", "create", "--bundle", e.bundle, e.id)
		e.refused("not stopped", "delete", e.id)
		e.must("kill", e.id, "KILL")
		if code := e.reap(pid); code != 137 {
			t.Errorf("exit code %d after KILL, want 137", code)
		}
		if s := e.state(); s.Status != specs.StateStopped || s.Pid != 0 {
			t.Errorf("after kill: %+v", s)
		}
		e.refused("container not running", "kill", e.id, "9")
		e.must("kill", "--all", e.id, "9")
		e.refused("has stopped", "start", e.id)
		e.refused("not running", "exec", e.id, "true")
		e.must("delete", e.id)
		e.refused("does not exist", "state", e.id)
		e.refused("does not exist", "delete", e.id)
		e.must("delete", "--force", e.id)
	})
}

// refused runs a command that must fail with a message that contains text, on one line.
func (e *env) refused(text string, args ...string) {
	e.Helper()
	r := e.runsc(args...)
	if r.code == 0 || !strings.Contains(r.errOut, text) || strings.Count(r.errOut, "\n") != 1 {
		e.Errorf("runsc %q: %v\nwant a failure that says %q", args, r, text)
	}
}

// TestExitCode checks that whoever reaps the container's process learns its exit code.
func TestExitCode(t *testing.T) {
	each(t, func(e *env) {
		e.command("sh", "-c", "exit 42")
		e.create()
		e.must("start", e.id)
		if code := e.reap(e.readPid(e.pidFile())); code != 42 {
			t.Errorf("exit code %d, want 42", code)
		}
		e.must("delete", e.id)
	})
}

// TestWait checks that all who wait for the container learn its exit code, which its end must not overtake.
func TestWait(t *testing.T) {
	each(t, func(e *env) {
		e.runs("trap 'exit 7' TERM; while :; do sleep 0.1; done")
		const n = 8
		var waiters sync.WaitGroup
		for range n {
			waiters.Go(func() {
				if r := e.runsc("wait", e.id); r.code != 7 {
					t.Error(r)
				}
			})
		}
		e.eventually(func() string {
			if got := strings.Count(e.must("stacks", e.id).out, "(*sandbox).wait("); got != n {
				return fmt.Sprintf("the sandbox serves %d who wait, want %d", got, n)
			}
			return ""
		})
		e.must("kill", e.id, "TERM")
		waiters.Wait()
		e.waitStatus(specs.StateStopped)
		e.must("delete", e.id)
	}, "real")
}

func TestDeleteCreated(t *testing.T) {
	each(t, func(e *env) {
		e.create()
		e.must("delete", e.id)
	})
}

func TestKillCreated(t *testing.T) {
	each(t, func(e *env) {
		e.create()
		e.must("kill", e.id, "SIGKILL")
		if code := e.reap(e.readPid(e.pidFile())); code != 137 {
			t.Errorf("exit code %d, want 137", code)
		}
		e.must("delete", e.id)
	})
}

func TestKillSignals(t *testing.T) {
	each(t, func(e *env) {
		e.runs("for s in 1 2 10 12 15; do trap \"echo $s >> /tmp/signals\" $s; done; echo up >> /tmp/signals; while :; do sleep 0.02; done")
		want := "up\n"
		file := filepath.Join(e.bundle, "rootfs/tmp/signals")
		check := func() {
			e.Helper()
			e.eventually(func() string {
				if b, _ := os.ReadFile(file); string(b) != want {
					return fmt.Sprintf("signals seen: %q, want %q", b, want)
				}
				return ""
			})
		}
		check()
		for _, s := range []struct{ arg, n string }{{"HUP", "1"}, {"SIGINT", "2"}, {"10", "10"}, {"usr2", "12"}, {"", "15"}} {
			args := []string{"kill", e.id}
			if s.arg != "" {
				args = append(args, s.arg)
			}
			e.must(args...)
			want += s.n + "\n"
			check()
		}
		e.refused("unknown signal", "kill", e.id, "NOPE")
		e.refused("no signal 99", "kill", e.id, "99")
		e.must("delete", "--force", e.id)
	})
}

func TestPauseResume(t *testing.T) {
	each(t, func(e *env) {
		e.shell("while :; do echo x >> /tmp/ticks; sleep 0.01; done")
		e.create()
		e.refused("cannot pause", "pause", e.id)
		e.must("start", e.id)
		size := func() int64 {
			st, err := os.Stat(filepath.Join(e.bundle, "rootfs/tmp/ticks"))
			if err != nil {
				return 0
			}
			return st.Size()
		}
		grows := func() {
			e.Helper()
			before := size()
			e.eventually(func() string {
				if size() > before {
					return ""
				}
				return "the container does nothing"
			})
		}
		grows()
		e.must("pause", e.id)
		if s := e.state().Status; s != "paused" {
			t.Errorf("status %s", s)
		}
		before := size()
		time.Sleep(200 * time.Millisecond)
		if size() != before {
			t.Error("a paused container goes on")
		}
		e.refused("paused", "exec", e.id, "true")
		e.must("resume", e.id)
		grows()
		e.refused("cannot resume", "resume", e.id)
		e.must("delete", "--force", e.id)
	}, "real")
}

// TestKillPaused: SIGKILL ends a paused container, other signals wait for resume.
func TestKillPaused(t *testing.T) {
	each(t, func(e *env) {
		e.runs("trap 'exit 3' TERM; sleep 1000 & wait")
		e.must("pause", e.id)
		e.must("kill", e.id, "TERM")
		time.Sleep(100 * time.Millisecond)
		if s := e.state().Status; s != "paused" {
			t.Errorf("status %s after SIGTERM", s)
		}
		e.must("kill", e.id, "KILL")
		e.waitStatus(specs.StateStopped)
		e.must("delete", e.id)
	}, "real")
}

// TestPauseOfManyTasks pauses a container whose tasks begin, end and wait for each other at that moment.
func TestPauseOfManyTasks(t *testing.T) {
	each(t, func(e *env) {
		e.runs("while :; do (:); done & while :; do yes | head -100 | xargs -n 1 /bin/true; done & while :; do unshare -U -p -f sh -c 'sleep 0.01 & :'; done & wait")
		for range 50 {
			e.must("pause", e.id)
			e.must("resume", e.id)
		}
		e.must("delete", "--force", e.id)
	}, "real")
}

func TestList(t *testing.T) {
	each(t, func(e *env) {
		if r := e.must("list", "--format", "json"); strings.TrimSpace(r.out) != "[]" {
			t.Error(r)
		}
		e.create()
		r := e.must("list")
		if lines := strings.Split(r.out, "\n"); !strings.HasPrefix(lines[0], "ID ") || !strings.HasPrefix(lines[1], e.id+" ") {
			t.Error(r)
		}
		if r := e.must("list", "-q"); r.out != e.id+"\n" {
			t.Error(r)
		}
		var list []specs.State
		if err := json.Unmarshal([]byte(e.must("list", "-f", "json").out), &list); err != nil || len(list) != 1 || list[0].ID != e.id {
			t.Error(list, err)
		}
		e.must("delete", e.id)
	})
}

func TestPs(t *testing.T) {
	each(t, func(e *env) {
		e.command("sleep", "1234")
		e.create()
		e.must("start", e.id)
		if r := e.must("ps", e.id); !strings.Contains(r.out, "sleep 1234") {
			t.Error(r)
		}
		var pids []int
		if err := json.Unmarshal([]byte(e.must("ps", "--format", "json", e.id).out), &pids); err != nil || !slices.Contains(pids, e.state().Pid) {
			t.Error(pids, err)
		}
		e.must("delete", "--force", e.id)
	})
}

// TestSpec compares the template with what runc makes of the same request.
func TestSpec(t *testing.T) {
	each(t, func(e *env) {
		dir := t.TempDir()
		e.must("spec", "--bundle", dir)
		e.refused("exists", "spec", "--bundle", dir)
		raw, err := os.ReadFile(filepath.Join(dir, "config.json"))
		if err != nil {
			t.Fatal(err)
		}
		var s specs.Spec
		if err := json.Unmarshal(raw, &s); err != nil || s.Process.Args[0] != "sh" || !s.Process.Terminal || s.Root.Path != "rootfs" {
			t.Errorf("%v: %s", err, raw)
		}
	}, "fake")
}

func TestFeatures(t *testing.T) {
	each(t, func(e *env) {
		var f struct{ OciVersionMin, OciVersionMax string }
		if err := json.Unmarshal([]byte(e.must("features").out), &f); err != nil || f.OciVersionMin != "1.0.0" {
			t.Error(f, err)
		}
		if r := e.must("--version"); !strings.HasPrefix(r.out, "runsc version ") {
			t.Error(r)
		}
	}, "fake")
}

// TestDeafSentry kills a container whose sentry answers nothing.
func TestDeafSentry(t *testing.T) {
	each(t, func(e *env) {
		e.spec.Annotations = map[string]string{"fake": "deaf"}
		e.command("sleep", "1000")
		e.create()
		e.must("start", e.id)
		pid := e.readPid(e.pidFile())
		unix.Kill(pid, unix.SIGSTOP)
		e.must("delete", "--force", e.id)
	}, "fake")
}
