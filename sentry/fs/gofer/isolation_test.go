package gofer

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/gofer/wire"
)

// TestIsolation looks from outside at what the gofer has kept.
func TestIsolation(t *testing.T) {
	dir := t.TempDir()
	secret, err := os.Open("/etc/passwd") // inherited by mistake
	if err != nil {
		t.Fatal(err)
	}
	defer secret.Close()
	unix.FcntlInt(secret.Fd(), unix.F_SETFD, 0)
	g := start(t, wire.Config{Attach: []wire.Attach{{Path: dir, Recursive: true}}})
	g.mounted(t, 0, dir, Options{})
	proc := fmt.Sprintf("/proc/%d/", g.p.Pid)

	status, err := os.ReadFile(proc + "status")
	if err != nil {
		t.Fatal(err)
	}
	var caps uint64
	for _, c := range []int{linux.CAP_CHOWN, linux.CAP_DAC_OVERRIDE, linux.CAP_DAC_READ_SEARCH, linux.CAP_FOWNER, linux.CAP_FSETID, linux.CAP_SETFCAP} {
		caps |= 1 << c
	}
	for _, want := range []string{
		fmt.Sprintf("CapEff:\t%016x\n", caps), fmt.Sprintf("CapPrm:\t%016x\n", caps), "CapInh:\t0000000000000000\n",
		"NoNewPrivs:\t1\n", "Seccomp:\t2\n", "Umask:\t0000\n",
	} {
		if !strings.Contains(string(status), want) {
			t.Errorf("no %q in its status", want)
		}
	}
	if l, err := os.ReadDir(proc + "root/"); err != nil || len(l) != 0 {
		t.Errorf("its root has %v, %v", l, err)
	}
	if m, err := os.ReadFile(proc + "mountinfo"); err != nil || strings.Count(string(m), "\n") != 1 {
		t.Errorf("its mounts: %s %v", m, err)
	}
	fds, err := os.ReadDir(proc + "fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fds {
		target, _ := os.Readlink(proc + "fd/" + f.Name())
		known := f.Name() <= "2" || strings.HasPrefix(target, "socket:") || strings.HasPrefix(target, "anon_inode:") ||
			target == g.log.Name() || target == "/" || strings.HasSuffix(target, "/fd")
		if !known {
			t.Errorf("it has %s: %s", f.Name(), target)
		}
	}
}

// TestReplaced: the gofer serves what runsc has opened, or nothing.
func TestReplaced(t *testing.T) {
	dir := t.TempDir()
	os.Mkdir(dir+"/a", 0o755)
	os.Mkdir(dir+"/b", 0o755)
	fd, err := unix.Open(dir+"/a", unix.O_PATH, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	// What runsc opened is no longer what the path leads to.
	g := startOpened(t, wire.Config{Attach: []wire.Attach{{Path: dir + "/b"}}}, []int{fd})
	if _, errno := g.Mount(0, Options{}); errno != linux.EIO {
		t.Errorf("%v", errno)
	}
	if st, err := g.p.Wait(); err != nil || st.ExitCode() != 1 {
		t.Errorf("%v %v", st, err)
	}
}
