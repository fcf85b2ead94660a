package lifecycle

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-7423c386/runsc/sentry/control"
)

// TestPlatforms: each platform is measured, and auto takes systrap unless another is twice as fast, but never kvm, without measuring again.
func TestPlatforms(t *testing.T) {
	each(t, func(e *env) {
		var list struct {
			Chosen    string
			Platforms []control.Measurement
		}
		if err := json.Unmarshal([]byte(e.must("platforms", "--format=json").out), &list); err != nil {
			t.Fatal(err)
		}
		if len(list.Platforms) != len(control.Platforms) {
			t.Fatalf("%+v", list)
		}
		var chosen control.Measurement
		for i, m := range list.Platforms {
			if m.Platform != control.Platforms[i] || (m.Error == "") != (m.Nanoseconds > 0) {
				t.Errorf("measured %+v", m)
			}
			if m.Platform == list.Chosen {
				chosen = m
			}
		}
		for _, m := range list.Platforms {
			if m.Platform != "kvm" && m.Error == "" && 2*m.Nanoseconds < chosen.Nanoseconds || chosen.Nanoseconds == 0 {
				t.Errorf("%+v is chosen, but there is %+v", chosen, m)
			}
		}
		file := filepath.Join(e.root, "platforms.json")
		before, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		e.command("true")
		e.flags = []string{"--platform", "auto", "--debug"}
		if r := e.run(); r.code != 0 || !strings.Contains(r.errOut, "platform "+list.Chosen) {
			t.Errorf("run on the platform auto, which is %s: %v", list.Chosen, r)
		}
		if after, err := os.Stat(file); err != nil || !after.ModTime().Equal(before.ModTime()) {
			t.Errorf("measured again: %v, %v", after, err)
		}
		os.WriteFile(file, []byte("{"), 0o600)
		if r := e.run(); r.code != 0 {
			t.Errorf("after the file is damaged: %v", r)
		}
		if kept, err := os.ReadFile(file); err != nil || strings.Contains(string(kept), "kvm") || !strings.Contains(string(kept), "systrap") {
			t.Errorf("auto has measured %s, %v", kept, err)
		}
		e.flags = nil
		e.refused("it is auto or one of systrap, ptrace", "--platform=fast", "list")
		if table := e.must("platforms").out; strings.Count(table, "chosen") != 1 {
			t.Errorf("table:\n%s", table)
		}
	})
}
