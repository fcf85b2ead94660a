package lifecycle

import (
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestKilledAnyMoment kills runsc, the sentry or the gofer at a random moment of a run. What is
// left, delete --force clears, and the id can be used again.
func TestKilledAnyMoment(t *testing.T) {
	for _, victim := range []string{"runsc", "runsc-sentry", "runsc-gofer"} {
		t.Run(victim, func(t *testing.T) {
			each(t, func(e *env) {
				e.shell("i=0; while [ $i -lt 10 ]; do echo $i > /tmp/x; i=$((i+1)); done; sleep 0.02")
				for range 15 {
					e.killedRun(victim, rand.N(60*time.Millisecond))
				}
				e.command("echo", "still works")
				if r := e.run(); r.out != "still works\n" {
					t.Error(r)
				}
			})
		})
	}
}

func (e *env) killedRun(victim string, after time.Duration) {
	e.Helper()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		e.Fatal(err)
	}
	defer null.Close()
	c := e.cmd("run", "--bundle", e.bundle, e.id)
	c.Stdout, c.Stderr = null, null
	if err := c.Start(); err != nil {
		e.Fatal(err)
	}
	time.Sleep(after)
	if victim == "runsc" {
		c.Process.Kill()
	} else if pid := e.processPID(victim); pid != 0 {
		unix.Kill(pid, unix.SIGKILL)
	}
	timer := time.AfterFunc(patience(30), func() {
		e.Errorf("runsc hangs after its %s was killed after %v", victim, after)
		c.Process.Kill()
	})
	c.Wait()
	timer.Stop()
	if r := e.runsc("delete", "--force", e.id); r.code != 0 {
		e.Errorf("%s killed after %v: %v", victim, after, r)
	}
	e.checkNothingLeft()
}

// TestKilledWhileRunning kills sentry or gofer under a container that runs detached.
func TestKilledWhileRunning(t *testing.T) {
	for _, victim := range []string{"runsc-sentry", "runsc-gofer"} {
		t.Run(victim, func(t *testing.T) {
			each(t, func(e *env) {
				e.running()
				unix.Kill(e.processPID(victim), unix.SIGKILL)
				if victim == "runsc-sentry" {
					e.waitStatus("stopped")
					e.must("delete", e.id)
				}
				e.must("delete", "--force", e.id)
			})
		})
	}
}
