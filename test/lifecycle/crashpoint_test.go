package lifecycle

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// changing are the calls by which runsc changes something outside itself, or after which
// something has changed. A crash between two others is a crash at the one before.
var changing = map[uint64]bool{
	unix.SYS_MKDIRAT: true, unix.SYS_WRITE: true, unix.SYS_RENAMEAT: true, unix.SYS_CLONE: true, unix.SYS_CLONE3: true,
	unix.SYS_UNLINKAT: true, unix.SYS_RMDIR: true, unix.SYS_BIND: true, unix.SYS_WAIT4: true, unix.SYS_SENDMSG: true, unix.SYS_RECVMSG: true,
	unix.SYS_WAITID: true,
}

// made says whether a thread that stops has just made such a call; while it only enters one, the
// result is ENOSYS.
func made(r *unix.PtraceRegs) bool {
	return int64(r.Rax) != -int64(unix.ENOSYS) && (changing[r.Orig_rax] || r.Orig_rax == unix.SYS_OPENAT && r.Rdx&unix.O_CREAT != 0)
}

// TestKilledAtEachCall kills runsc after each of its calls that change something, from its start
// to its end. What is left, delete --force clears.
func TestKilledAtEachCall(t *testing.T) {
	each(t, (*env).killAtEachCall, "real")
}

// TestKilledInSharedCgroup does so in a cgroup that was there before: nothing but the state
// directory tells then which processes are the container's.
func TestKilledInSharedCgroup(t *testing.T) {
	each(t, func(e *env) {
		e.spec.Linux.CgroupsPath = "/shared-" + e.id
		dirs, _ := filepath.Glob("/sys/fs/cgroup/*/tasks")
		for i := range dirs {
			dirs[i] = filepath.Join(filepath.Dir(dirs[i]), e.spec.Linux.CgroupsPath)
		}
		if len(dirs) == 0 {
			dirs = []string{"/sys/fs/cgroup" + e.spec.Linux.CgroupsPath}
		}
		for _, dir := range dirs {
			os.Mkdir(dir, 0o755)
		}
		e.killAtEachCall()
		for _, dir := range dirs {
			if err := os.Remove(dir); err != nil {
				e.Error(err) // gone with a container, or busy
			}
		}
	}, "real")
}

func (e *env) killAtEachCall() {
	e.Helper()
	e.command("true")
	points := e.killedAt(0)
	if points < 50 {
		e.Fatalf("runsc makes only %d calls that matter", points)
	}
	for n := 1; n <= points; n++ {
		e.killedAt(n)
		if r := e.runsc("delete", "--force", e.id); r.code != 0 {
			e.Errorf("killed at %d of %d: %v", n, points, r)
		}
		e.checkNothingLeft()
		if e.Failed() {
			e.Fatalf("killed at %d of %d", n, points)
		}
	}
}

// killedAt runs the container and kills runsc at its n-th stop at a changing call, if there
// are as many. It returns at how many stops it was.
func (e *env) killedAt(n int) (stops int) {
	e.Helper()
	done := make(chan int)
	go func() {
		runtime.LockOSThread() // the tracer is one thread; it ends with the goroutine
		done <- e.traced(n)
	}()
	return <-done
}

func (e *env) traced(n int) (stops int) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		e.Error(err)
		return 0
	}
	defer null.Close()
	p, err := os.StartProcess(e.bin, []string{"runsc", "--root", e.root, "--platform", onPlatform(), "run", "--bundle", e.bundle, e.id}, &os.ProcAttr{
		Files: []*os.File{null, null, null}, Sys: &syscall.SysProcAttr{Ptrace: true}})
	if err != nil {
		e.Error(err)
		return 0
	}
	var ws unix.WaitStatus
	if _, err := unix.Wait4(p.Pid, &ws, unix.WALL, nil); err != nil || !ws.Stopped() {
		e.Error(err)
		return 0
	}
	// Threads are followed, processes are not: Go starts them with vfork.
	opts := unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_EXITKILL
	if err := unix.PtraceSetOptions(p.Pid, opts); err != nil {
		e.Error(err)
	}
	unix.PtraceSyscall(p.Pid, 0)
	for {
		tid, err := unix.Wait4(-1, &ws, unix.WALL|unix.WNOTHREAD, nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil || tid == p.Pid && (ws.Exited() || ws.Signaled()) {
			return stops
		}
		if !ws.Stopped() {
			continue
		}
		sig := 0
		var regs unix.PtraceRegs
		switch ws.StopSignal() {
		case unix.SIGTRAP | 0x80:
			if unix.PtraceGetRegs(tid, &regs) == nil && made(&regs) {
				if stops++; stops == n {
					unix.Kill(p.Pid, unix.SIGKILL)
				}
			}
		case unix.SIGTRAP, unix.SIGSTOP: // a clone, the start of a thread
		default:
			sig = int(ws.StopSignal())
		}
		unix.PtraceSyscall(tid, sig)
	}
}
