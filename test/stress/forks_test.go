package stress

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Bounds of TestForks.
const (
	forkRounds = 2500 // each makes four processes
	forkSlack  = 256  // KiB that differ by chance
	forkStubs  = 48   // host processes that a sandbox may have for the few that exist at a time
	forkTime   = 5 * time.Minute
)

// TestForks makes 10,000 processes by fork, vfork and exec, with threads and without, large and small, and looks
// whether their memory comes back and whether processes of the host are left.
func TestForks(t *testing.T) {
	rounds := forkRounds
	if testing.Short() {
		rounds /= 10
	}
	dir := t.TempDir()
	if err := build(dir); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("gcc", "-O1", "-static", "-pthread", "-Wall", "-Werror", "-o", dir+"/forks", "forks/forks.c").CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	platforms := strings.Fields(os.Getenv("RUNSC_PLATFORMS"))
	if len(platforms) == 0 {
		platforms = []string{"systrap", "ptrace"}
	}
	for _, platform := range platforms {
		t.Run(platform, func(t *testing.T) {
			r := &round{T: t, dir: dir, platform: platform, overlay: "none", id: fmt.Sprintf("forks-%d-%s", os.Getpid(), platform)}
			r.forks(rounds)
		})
	}
}

func (r *round) forks(rounds int) {
	r.prepare()
	defer os.RemoveAll(r.top)
	if err := os.Link(r.dir+"/forks", r.bundle+"/rootfs/forks"); err != nil {
		if out, err := exec.Command("cp", r.dir+"/forks", r.bundle+"/rootfs/forks").CombinedOutput(); err != nil {
			r.Fatalf("%v: %s", err, out)
		}
	}
	r.command("/forks", fmt.Sprint(rounds))
	cmd := r.runsc("run", "--bundle", r.bundle, r.id)
	cmd.Stdout, cmd.Stderr = &r.output, &r.log
	if err := cmd.Start(); err != nil {
		r.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		cmd.Wait()
		close(done)
	}()
	stubs, deadline, began := 0, time.After(forkTime), time.Now()
	for running := true; running; {
		select {
		case <-done:
			running = false
		case <-deadline:
			r.Errorf("not done after %v\n%s", forkTime, r.stacks())
			r.runsc("delete", "--force", r.id).Run()
			<-done
			return
		case <-time.After(200 * time.Millisecond):
			stubs = max(stubs, r.processes())
		}
	}
	var before, after, made int
	if _, err := fmt.Sscan(r.output.String(), &before, &after, &made); err != nil {
		r.Fatalf("%v: %q, %s", err, r.output.String(), r.log.Bytes())
	}
	r.Logf("%d processes in %v, memory before %d KiB, after %d KiB, at most %d processes of the host", made, time.Since(began).Round(time.Second), before, after, stubs)
	if made != 4*rounds || after > before+forkSlack {
		r.Errorf("the memory of %d processes did not come back: %d KiB before, %d KiB after", made, before, after)
	}
	if stubs > forkStubs {
		r.Errorf("%d processes of the host at a time", stubs)
	}
}

// processes counts those of the host that run this test's sentry: itself and its stubs.
func (r *round) processes() (n int) {
	exes, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, exe := range exes {
		if to, err := os.Readlink(exe); err == nil && strings.HasPrefix(to, r.dir+"/runsc-sentry") {
			n++
		}
	}
	return n
}
