package abi

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// With RUNSC_ABI_PREPARED a directory has the root file system and what the programs said on the host:
// it is filled if it is not there, so that a machine without a compiler, whose Linux is another one, can
// use it afterwards (make test-kvm).

// said is a result in the file.
type said struct {
	Status string
	Output []byte
}

// prepared returns what is in the directory, after filling it.
func prepared(dir string, list []*program) (*root, results, error) {
	file := filepath.Join(dir, "host.json")
	r := &root{dir: filepath.Join(dir, "rootfs"), kept: true}
	if raw, err := os.ReadFile(file); err == nil {
		all := map[string]said{}
		if err := json.Unmarshal(raw, &all); err != nil {
			return nil, nil, err
		}
		host := results{}
		for name, s := range all {
			host[name] = result{status: s.Status, output: string(s.Output)}
		}
		return r, host, nil
	}
	made, err := build(list)
	if err != nil {
		return nil, nil, err
	}
	defer made.remove()
	host, err := runHost(made, list)
	if err != nil {
		return nil, nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, nil, err
	}
	if err := os.Rename(made.dir, r.dir); err != nil {
		return nil, nil, err
	}
	all := map[string]said{}
	for name, h := range host {
		all[name] = said{h.status, []byte(h.output)}
	}
	raw, err := json.Marshal(all)
	if err != nil {
		return nil, nil, err
	}
	return r, host, os.WriteFile(file, raw, 0o644)
}

// TestPrepare fills the directory.
func TestPrepare(t *testing.T) {
	if os.Getenv("RUNSC_ABI_PREPARED") == "" {
		t.Skip("RUNSC_ABI_PREPARED names no directory")
	}
	prepare(t)
}

// TestNative says which programs say something else here, without a sandbox, than where they were prepared: what
// a sandbox cannot be blamed for. It never fails.
func TestNative(t *testing.T) {
	if os.Getenv("RUNSC_ABI_PREPARED") == "" {
		t.Skip("RUNSC_ABI_PREPARED names no directory")
	}
	list, root, host := prepare(t)
	here, err := runHost(root, list)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range list {
		want, got := host[p.path()], here[p.path()]
		if got.status != want.status || got.output != want.output {
			t.Logf("%s/%s: %s (where prepared: %s, - there, + here)\n%s", p.area, p.name, got.status, want.status, diff(want.output, got.output))
		}
	}
}
