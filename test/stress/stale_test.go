package stress

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestStale looks for translations that outlive what they translate: threads write to memory while others protect, replace
// and move it, and fork (stale/stale.c).
func TestStale(t *testing.T) {
	duration := 4 * time.Second
	if s := os.Getenv("RUNSC_STRESS"); s != "" {
		var err error
		if duration, err = time.ParseDuration(s); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	if err := build(dir); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("gcc", "-O2", "-static", "-pthread", "-Wall", "-Werror", "-o", dir+"/stale", "stale/stale.c").CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	platforms := strings.Fields(os.Getenv("RUNSC_PLATFORMS"))
	if len(platforms) == 0 {
		platforms = []string{"systrap", "ptrace"}
	}
	for _, platform := range platforms {
		t.Run(platform, func(t *testing.T) {
			r := &round{T: t, dir: dir, platform: platform, overlay: "none", id: fmt.Sprintf("stale-%d-%s", os.Getpid(), platform)}
			r.stale(duration)
		})
	}
}

func (r *round) stale(d time.Duration) {
	r.prepare()
	defer os.RemoveAll(r.top)
	if out, err := exec.Command("cp", r.dir+"/stale", r.bundle+"/rootfs/stale").CombinedOutput(); err != nil {
		r.Fatalf("%v: %s", err, out)
	}
	r.command("/stale", fmt.Sprint(int(d/time.Second)), threads())
	cmd := r.runsc("run", "--bundle", r.bundle, r.id)
	cmd.Stdout, cmd.Stderr = &r.output, &r.log
	if err := cmd.Start(); err != nil {
		r.Fatal(err)
	}
	late := time.AfterFunc(d+answerTime, func() {
		r.Errorf("it does not end\n%s", r.stacks())
		r.runsc("delete", "--force", r.id).Run()
	})
	err := cmd.Wait()
	late.Stop()
	r.Logf("%s: %s", r.platform, strings.TrimSpace(r.output.String()))
	if err != nil {
		r.Errorf("%v: %s", err, r.log.Bytes())
	}
}
