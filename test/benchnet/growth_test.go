package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

var times = flag.Int("times", 1, "make so many times as many connections")

// TestGrowth runs the tool as a program: some thousand connections that come and go, some that stay, and SYNs that
// nobody stands behind leave nothing in the sandbox but what is allowed.
func TestGrowth(t *testing.T) {
	runsc, _ := filepath.Abs("../../bin/runsc")
	if _, err := os.Stat(runsc); err != nil {
		t.Fatalf("%v: run make first", err)
	}
	tool := filepath.Join(t.TempDir(), "benchnet")
	if out, err := exec.Command("go", "build", "-o", tool, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(tool, "-runsc", runsc, "-no-runc", "-check",
		"-short", fmt.Sprint(4000**times), "-hold", fmt.Sprint(1000), "-flood", fmt.Sprint(20000**times))
	out := &strings.Builder{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(5*time.Minute+time.Duration(*times)*20*time.Second, func() { cmd.Process.Signal(syscall.SIGTERM) })
	err := cmd.Wait()
	timer.Stop()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
}
