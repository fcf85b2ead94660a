package lifecycle

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// TestBadBundles lists what can be wrong with a bundle. Each gives one clear line, an exit
// code that is not 0, and leaves nothing.
func TestBadBundles(t *testing.T) {
	cases := []struct {
		name   string
		change func(e *env, s *specs.Spec)
		code   int
		want   []string // in the message
	}{
		{"missing rootfs", func(e *env, s *specs.Spec) { s.Root.Path = "nowhere" }, 1, []string{"bundle/nowhere", "does not exist"}},
		{"rootfs is a file", func(e *env, s *specs.Spec) { s.Root.Path = "config.json" }, 1, []string{"not a directory"}},
		{"no program of that name", func(e *env, s *specs.Spec) { s.Process.Args = []string{"foo"} }, 127, []string{`exec: "foo": executable file not found in $PATH`}},
		{"no program at that path", func(e *env, s *specs.Spec) { s.Process.Args = []string{"/bin/foo"} }, 127, []string{"/bin/foo", "no such file or directory"}},
		{"no process", func(e *env, s *specs.Spec) { s.Process = nil }, 1, []string{"process is missing"}},
		{"no arguments", func(e *env, s *specs.Spec) { s.Process.Args = nil }, 1, []string{"process.args"}},
		{"relative cwd", func(e *env, s *specs.Spec) { s.Process.Cwd = "tmp" }, 1, []string{`"tmp"`, "absolute"}},
		{"version", func(e *env, s *specs.Spec) { s.Version = "2.0.0" }, 1, []string{"2.0.0", "1.x"}},
		{"mount source is gone", func(e *env, s *specs.Spec) {
			s.Mounts = append(s.Mounts, specs.Mount{Destination: "/mnt", Type: "bind", Source: "/no/such/source", Options: []string{"rbind"}})
		}, 1, []string{"/mnt", "/no/such/source", "no such file"}},
		{"unknown file system", func(e *env, s *specs.Spec) {
			s.Mounts = append(s.Mounts, specs.Mount{Destination: "/mnt", Type: "ext4", Source: "/dev/sda1"})
		}, 1, []string{"/mnt", "ext4"}},
		{"rlimit", func(e *env, s *specs.Spec) {
			s.Process.Rlimits = []specs.POSIXRlimit{{Type: "RLIMIT_FOO"}}
		}, 1, []string{"RLIMIT_FOO"}},
		{"namespace", func(e *env, s *specs.Spec) {
			s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: "pid"})
		}, 1, []string{"pid", "twice"}},
		{"sysctl of the host", func(e *env, s *specs.Spec) {
			s.Linux.Sysctl = map[string]string{"vm.swappiness": "1"}
		}, 1, []string{"vm.swappiness", "separate kernel namespace"}},
		{"sysctl of another namespace", func(e *env, s *specs.Spec) {
			s.Linux.Sysctl = map[string]string{"kernel.shmmax": "1"}
			s.Linux.Namespaces = slices.DeleteFunc(s.Linux.Namespaces, func(ns specs.LinuxNamespace) bool { return ns.Type == specs.IPCNamespace })
		}, 1, []string{"kernel.shmmax", "type ipc"}},
		{"network namespace is gone", func(e *env, s *specs.Spec) {
			s.Linux.Namespaces = []specs.LinuxNamespace{{Type: "network", Path: "/run/netns/no-such"}}
		}, 1, []string{"/run/netns/no-such", "no such file"}},
		{"seccomp action", func(e *env, s *specs.Spec) {
			s.Linux.Seccomp = &specs.LinuxSeccomp{DefaultAction: "SCMP_ACT_PRAY"}
		}, 1, []string{"SCMP_ACT_PRAY"}},
		{"cgroup path", func(e *env, s *specs.Spec) { s.Linux.CgroupsPath = "/../up" }, 1, []string{"cgroupsPath"}},
		{"hook path", func(e *env, s *specs.Spec) {
			s.Hooks = &specs.Hooks{Poststart: []specs.Hook{{Path: "relative"}}}
		}, 1, []string{"poststart", "relative"}},
		{"hook that fails", func(e *env, s *specs.Spec) {
			s.Hooks = &specs.Hooks{CreateRuntime: []specs.Hook{{Path: "/bin/sh", Args: []string{"sh", "-c", "echo reason >&2; exit 3"}}}}
		}, 1, []string{"createRuntime", "exit status 3", "reason"}},
		{"hook that hangs", func(e *env, s *specs.Spec) {
			one := 1
			s.Hooks = &specs.Hooks{Prestart: []specs.Hook{{Path: "/bin/sleep", Args: []string{"sleep", "1000"}, Timeout: &one}}}
		}, 1, []string{"prestart", "timeout"}},
		{"terminal without a way out", func(e *env, s *specs.Spec) { s.Process.Terminal = true }, 1, []string{"console"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(e *env) {
				c.change(e, e.spec)
				e.save()
				r := e.runsc("create", "--bundle", e.bundle, e.id)
				if r.code != c.code {
					e.Error(r)
				}
				e.oneLine(r, c.want...)
			})
		})
	}
}

// oneLine checks an error message.
func (e *env) oneLine(r result, want ...string) {
	e.Helper()
	if strings.Count(r.errOut, "\n") != 1 || strings.HasSuffix(r.errOut, "EOF\n") {
		e.Errorf("the message is not one clear line: %q", r.errOut)
	}
	for _, w := range want {
		if !strings.Contains(r.errOut, w) {
			e.Errorf("the message %q does not contain %q", r.errOut, w)
		}
	}
}

// TestBadConfig feeds config.json files that are not configurations.
func TestBadConfig(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"syntax":    {"{\n \"root\": [1,}\n}", "config.json:2:"},
		"truncated": {`{"ociVersion": "1.0.0", "proc`, "ends in the middle"},
		"empty":     {"", "is empty"},
		"type":      {"{\n\"process\": {\"cwd\": 7}}", "config.json:2:20: process.cwd"},
		"other":     {"[]", "array"},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(e *env) {
				os.WriteFile(filepath.Join(e.bundle, "config.json"), []byte(c.text), 0o644)
				r := e.run()
				if r.code != 1 {
					e.Error(r)
				}
				e.oneLine(r, c.want)
				os.Remove(filepath.Join(e.bundle, "config.json"))
				e.oneLine(e.run(), "config.json", "not found")
			}, "fake")
		})
	}
}

func TestUsageErrors(t *testing.T) {
	each(t, func(e *env) {
		for _, args := range [][]string{{"run"}, {"state", "a", "b"}, {"frobnicate"}, {"start", "../x"}, {"--network", "x", "list"}, {"--log-format", "x", "list"}, {"--overlay2", "x", "list"}} {
			r := e.runsc(args...)
			if r.code == 0 {
				t.Errorf("%q: %v", args, r)
			}
			e.oneLine(r)
		}
		e.oneLine(e.runsc("run", "--bundle", "/no/such", "x"), "/no/such")
		e.oneLine(e.runsc("run", "--bundle", e.bundle, "a/b"), "invalid container ID")
	}, "fake")
}

// TestLogJSON checks the file from which the containerd shim takes its error.
func TestLogJSON(t *testing.T) {
	each(t, func(e *env) {
		e.command("no-such-program")
		path := filepath.Join(e.bundle, "log.json")
		e.flags = []string{"--log", path, "--log-format", "json"}
		if r := e.run(); r.code != 127 {
			t.Error(r)
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var line struct{ Level, Msg, Time string }
		if err := json.Unmarshal(raw, &line); err != nil || line.Level != "error" || !strings.Contains(line.Msg, "executable file not found in $PATH") || line.Time == "" {
			t.Errorf("%v: %s", err, raw)
		}
	})
}

// TestSentryFailures lets the sentry fail in every way before it has reported.
func TestSentryFailures(t *testing.T) {
	for how, want := range map[string]string{"crash": "fake crash", "exit": "exit status 7", "garbage": "before the container was created"} {
		t.Run(how, func(t *testing.T) {
			each(t, func(e *env) {
				e.spec.Annotations = map[string]string{"fake": how}
				e.command("true")
				r := e.run()
				if r.code != 1 {
					t.Error(r)
				}
				e.oneLine(r, want)
			}, "fake")
		})
	}
}
