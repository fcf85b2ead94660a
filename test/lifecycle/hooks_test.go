package lifecycle

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// TestHooks runs one hook of each kind and checks order, state and place.
func TestHooks(t *testing.T) {
	each(t, func(e *env) {
		log := filepath.Join(filepath.Dir(e.bundle), "hooks.log")
		outside := func(name string) []specs.Hook {
			script := `read -r state; echo "$0 $VAR $(readlink /proc/self/ns/net) $state" >> "$1"`
			return []specs.Hook{{Path: "/bin/bash", Args: []string{"bash", "-c", script, name, log}, Env: []string{"VAR=" + name, "PATH=/usr/bin:/bin"}}}
		}
		inside := []specs.Hook{{Path: "/bin/sh", Args: []string{"sh", "-c", "cat > /tmp/inside; test -e /bin/busybox"}}}
		e.spec.Hooks = &specs.Hooks{Prestart: outside("prestart"), CreateRuntime: outside("createRuntime"), CreateContainer: outside("createContainer"),
			StartContainer: inside, Poststart: outside("poststart"), Poststop: outside("poststop")}
		e.command("sleep", "1000")
		e.create()
		pid := e.readPid(e.pidFile())
		sandboxNet, _ := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", pid))
		if _, err := os.Stat(filepath.Join(e.bundle, "rootfs/tmp/inside")); err == nil {
			t.Error("startContainer hook ran before start")
		}
		e.must("start", e.id)
		if _, err := os.Stat(filepath.Join(e.bundle, "rootfs/tmp/inside")); err != nil {
			t.Error(err)
		}
		e.must("delete", "--force", e.id)
		raw, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		ownNet, _ := os.Readlink("/proc/self/ns/net")
		want := []struct {
			name, net string
			status    specs.ContainerState
			pid       int
		}{{"prestart", ownNet, specs.StateCreating, pid}, {"createRuntime", ownNet, specs.StateCreating, pid},
			{"createContainer", sandboxNet, specs.StateCreating, pid}, {"poststart", ownNet, specs.StateRunning, pid}, {"poststop", ownNet, specs.StateStopped, 0}}
		lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
		if len(lines) != len(want) {
			t.Fatalf("hooks that ran:\n%s", raw)
		}
		for i, w := range want {
			f := strings.SplitN(lines[i], " ", 4)
			var s specs.State
			if err := json.Unmarshal([]byte(f[3]), &s); err != nil {
				t.Errorf("state of %s: %v: %s", w.name, err, f[3])
			}
			if f[0] != w.name || f[1] != w.name || f[2] != w.net || s.Status != w.status || s.Pid != w.pid || s.ID != e.id || s.Bundle != e.bundle {
				t.Errorf("hook %d: %s\nwant %+v", i, lines[i], w)
			}
		}
	})
}

// TestHookFailures lets hooks fail at each point where that matters.
func TestHookFailures(t *testing.T) {
	fail := []specs.Hook{{Path: "/bin/sh", Args: []string{"sh", "-c", "echo the reason; exit 3"}}}
	for name, set := range map[string]func(*specs.Hooks){
		"prestart":        func(h *specs.Hooks) { h.Prestart = fail },
		"createContainer": func(h *specs.Hooks) { h.CreateContainer = fail },
		"startContainer":  func(h *specs.Hooks) { h.StartContainer = fail },
		"poststart":       func(h *specs.Hooks) { h.Poststart = fail },
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(e *env) {
				e.spec.Hooks = new(specs.Hooks)
				set(e.spec.Hooks)
				e.command("sleep", "1000")
				r := e.run()
				if r.code != 1 {
					t.Error(r)
				}
				e.oneLine(r, name+" hook", "exit status 3", "the reason")
			})
		})
	}
}
