package gofer

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/gofer/wire"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// The tests run the built gofer, as runsc would, on temporary directories. They need root.

var goferPath string

func TestMain(m *testing.M) {
	syscall.Umask(0)
	// The go command runs the tests again if a file has changed that they have read.
	for _, dir := range []string{"gofer", "gofer/wire", "platform/host"} {
		files, _ := filepath.Glob("../../../" + dir + "/*.go")
		for _, f := range files {
			os.ReadFile(f)
		}
	}
	dir, err := os.MkdirTemp("", "gofer")
	if err == nil {
		goferPath = filepath.Join(dir, "runsc-gofer")
		var out []byte
		out, err = exec.Command("go", "build", "-o", goferPath, "../../../gofer").CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%w: %s", err, out)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// gofer is a running gofer and its client.
type goferProcess struct {
	*Client
	p   *os.Process
	log *os.File
}

// start starts a gofer for the attach points of c, which are opened here.
func start(t testing.TB, c wire.Config) *goferProcess {
	t.Helper()
	var fds []int
	for _, a := range c.Attach {
		fd, err := unix.Open(a.Path, unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		fds = append(fds, fd)
	}
	return startOpened(t, c, fds)
}

// startOpened is start with attach points that have been opened.
func startOpened(t testing.TB, c wire.Config, fds []int) *goferProcess {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	logs, err := os.CreateTemp(t.TempDir(), "log")
	if err != nil {
		t.Fatal(err)
	}
	far := os.NewFile(uintptr(pair[1]), "conn")
	files := []*os.File{os.Stdin, os.Stdout, os.Stderr, nil, far, logs}
	c.Conn, c.LogFD = 4, 5
	for i := range c.Attach {
		fd, err := unix.FcntlInt(uintptr(fds[i]), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		c.Attach[i].FD = len(files)
		files = append(files, os.NewFile(uintptr(fd), "attach"))
	}
	raw, err := json.Marshal(&c)
	if err != nil {
		t.Fatal(err)
	}
	config, err := os.CreateTemp(t.TempDir(), "config")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := config.Write(raw); err != nil {
		t.Fatal(err)
	}
	files[wire.ConfigFD] = config
	p, err := os.StartProcess(goferPath, []string{"runsc-gofer"}, &os.ProcAttr{Dir: "/", Env: []string{}, Files: files, Sys: &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWNET,
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range append(files[6:], far, config) {
		f.Close()
	}
	g := &goferProcess{New(pair[0]), p, logs}
	t.Cleanup(func() {
		g.Close()
		st, err := p.Wait()
		if err == nil && !st.Success() {
			t.Errorf("gofer ended: %v %v", st, err)
		}
		if b, _ := os.ReadFile(logs.Name()); len(b) > 0 {
			t.Logf("gofer: %s", b)
		}
		unix.Close(pair[0])
	})
	return g
}

// tree is a file system seen through vfs by the kernel itself.
type tree struct {
	testing.TB
	ctx vfs.Ctx
	at  vfs.At
	sb  *vfs.Super
	dir string // of the host
}

// mounted returns dir as a file system.
func (g *goferProcess) mounted(t testing.TB, index int, dir string, o Options) *tree {
	t.Helper()
	sb, errno := g.Mount(index, o)
	if errno != 0 {
		t.Fatal(errno)
	}
	flags := uint64(0)
	if o.Readonly {
		flags = linux.MS_RDONLY
	}
	p := vfs.Path{Mount: vfs.NewMount(sb, flags), Dentry: sb.Root()}
	p.Get()
	return &tree{t, vfs.KernelCtx{}, vfs.At{Root: p, Start: p}, sb, dir}
}

// exclusive returns a new directory as a file system that nobody else changes.
func exclusive(t testing.TB) *tree { return fresh(t, Options{Exclusive: true}) }

func fresh(t testing.TB, o Options) *tree {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	g := start(t, wire.Config{Attach: []wire.Attach{{Path: dir, Recursive: true}}})
	return g.mounted(t, 0, dir, o)
}

// host is a path of the host.
func (x *tree) host(name string) string { return filepath.Join(x.dir, name) }

func (x *tree) put(name, content string) {
	x.Helper()
	if err := os.WriteFile(x.host(name), []byte(content), 0o644); err != nil {
		x.Fatal(err)
	}
}

// want fails unless got is the errno expected.
func (x *tree) want(what string, got, want linux.Errno) {
	x.Helper()
	if got != want {
		x.Errorf("%s: %v, want %v", what, got, want)
	}
}

func (x *tree) walk(name string) vfs.Path {
	x.Helper()
	p, errno := vfs.Walk(x.ctx, x.at, name, 0)
	if errno != 0 {
		x.Fatalf("%s: %v", name, errno)
	}
	return p
}

func (x *tree) stat(name string) vfs.Attr {
	x.Helper()
	p := x.walk(name)
	defer p.Put()
	a, errno := p.Inode().Stat(x.ctx)
	if errno != 0 {
		x.Fatalf("stat %s: %v", name, errno)
	}
	return a
}

func (x *tree) open(name string, flags, mode uint32) *vfs.File {
	x.Helper()
	f, errno := vfs.Open(x.ctx, x.at, name, vfs.OpenHow{Flags: flags, Mode: mode})
	if errno != 0 {
		x.Fatalf("open %s: %v", name, errno)
	}
	return f
}

func (x *tree) openErr(name string, flags uint32) linux.Errno {
	f, errno := vfs.Open(x.ctx, x.at, name, vfs.OpenHow{Flags: flags, Mode: 0o644})
	if errno == 0 {
		f.Put()
	}
	return errno
}

func (x *tree) write(f *vfs.File, s string) {
	x.Helper()
	b := usermem.Bytes([]byte(s))
	if n, errno := f.Write(x.ctx, &b); n != len(s) || errno != 0 {
		x.Fatalf("write: %d %v", n, errno)
	}
}

func (x *tree) read(f *vfs.File) string {
	x.Helper()
	p := make([]byte, 1<<20)
	b := usermem.Bytes(p)
	n, errno := f.Read(x.ctx, &b)
	if errno != 0 {
		x.Fatalf("read: %v", errno)
	}
	return string(p[:n])
}

// content reads a whole file by its name.
func (x *tree) content(name string) string {
	x.Helper()
	f := x.open(name, linux.O_RDONLY, 0)
	defer f.Put()
	return x.read(f)
}

// list returns the entries of a directory.
func (x *tree) list(name string) map[string]vfs.Dirent {
	x.Helper()
	f := x.open(name, linux.O_RDONLY|linux.O_DIRECTORY, 0)
	defer f.Put()
	all := map[string]vfs.Dirent{}
	for {
		n := 0
		errno := f.Readdir(x.ctx, func(d vfs.Dirent) bool {
			if n == 7 {
				return false
			}
			n++
			if _, twice := all[d.Name]; twice {
				x.Errorf("%s is listed twice", d.Name)
			}
			all[d.Name] = d
			return true
		})
		if errno != 0 {
			x.Fatalf("readdir %s: %v", name, errno)
		}
		if n == 0 {
			return all
		}
	}
}
