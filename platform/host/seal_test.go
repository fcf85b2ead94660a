package host

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// sealedChild are the things a child process of the test does after sealing itself, by name.
var sealedChild = map[string]func(){
	"runtime": func() { // threads, the collector, timers, the poller, signals
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				runtime.LockOSThread()
				b := make([]byte, 1<<20)
				time.Sleep(time.Millisecond)
				runtime.GC()
				b[0]++
			})
		}
		wg.Wait()
		var st unix.Stat_t
		if Fstat(0, &st) != 0 || Getrandom(make([]byte, 8)) != 0 {
			os.Exit(3)
		}
		if fd, errno := Dup(0); errno != 0 || Close(fd) != 0 {
			os.Exit(4)
		}
	},
	"open":   func() { unix.Open("/dev/null", 0, 0) },
	"socket": func() { unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0) },
	"exec":   func() { unix.Exec("/bin/true", []string{"true"}, nil) },
	"ptrace": func() { unix.PtraceDetach(1) },
	"kill":   func() { unix.Kill(os.Getppid(), 0) },
	"other thread": func() {
		done := make(chan bool)
		go func() { runtime.LockOSThread(); unix.Getuid(); done <- true }()
		<-done
	},
}

func TestMain(m *testing.M) {
	if name := os.Getenv("TEST_SEALED"); name != "" {
		other := make(chan func())
		go func() { runtime.LockOSThread(); (<-other)() }() // a thread from before the sealing
		if err := Seal(); err != nil {
			println(err.Error())
			os.Exit(2)
		}
		done := make(chan bool)
		other <- func() { sealedChild[name](); close(done) }
		<-done
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestSeal(t *testing.T) {
	for name := range sealedChild {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), "TEST_SEALED="+name)
			cmd.Stderr = os.Stderr
			err := cmd.Run()
			if name == "runtime" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != unix.SIGSYS {
				t.Fatalf("not killed by the filter: %v", err)
			}
		})
	}
}

func TestFiles(t *testing.T) {
	fd, err := unix.MemfdCreate("test", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer Close(fd)
	if n, e := Pwritev(fd, [][]byte{[]byte("he"), nil, []byte("llo")}, 10); n != 5 || e != 0 {
		t.Fatal(n, e)
	}
	b := make([]byte, 20)
	if n, e := Pread(fd, b, 0); n != 15 || e != 0 || string(b[10:15]) != "hello" {
		t.Fatal(n, e, b)
	}
	if n, e := Preadv(fd, [][]byte{b[:2], b[2:4]}, 11); n != 4 || e != 0 || string(b[:4]) != "ello" {
		t.Fatal(n, e, b)
	}
	if n, e := Lseek(fd, 0, unix.SEEK_END); n != 15 || e != 0 {
		t.Fatal(n, e)
	}
	if _, e := Pread(-1, b, 0); e != 9 {
		t.Fatal(e)
	}
}

func TestRights(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer Close(pair[0])
	defer Close(pair[1])
	if n, e := Sendmsg(pair[0], []byte("four"), []int{0, 1, 2}, 0); n != 4 || e != 0 {
		t.Fatal(n, e)
	}
	b, fds := make([]byte, 3), make([]int, 2)
	n, nfds, flags, e := Recvmsg(pair[1], b, fds, 0)
	if n != 3 || nfds != 2 || e != 0 || flags&unix.MSG_TRUNC == 0 || flags&unix.MSG_CTRUNC == 0 {
		t.Fatal(n, nfds, flags, e)
	}
	for _, fd := range fds {
		if e := Close(fd); e != 0 {
			t.Error(e)
		}
	}
	if _, e := Sendmsg(pair[0], []byte("x"), nil, 0); e != 0 {
		t.Fatal(e)
	}
	if n, nfds, _, e := Recvmsg(pair[1], b, nil, 0); n != 1 || nfds != 0 || e != 0 {
		t.Fatal(n, nfds, e)
	}
}
