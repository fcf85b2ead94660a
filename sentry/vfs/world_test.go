package vfs_test

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/fs/tmpfs"
	"github.com/seed-7423c386/runsc/sentry/pages"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// world is a mount namespace with a tmpfs as its root.
type world struct {
	testing.TB
	pool *pages.Pool
	sb   *vfs.Super
	ns   *vfs.MountNS
	at   vfs.At
	ctx  vfs.KernelCtx
}

const memory = 64 << 20

func newPool(t testing.TB) *pages.Pool {
	fd, err := unix.MemfdCreate("vfs", 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Ftruncate(fd, memory); err != nil {
		t.Fatal(err)
	}
	f, errno := pages.NewFile(fd, memory)
	if errno != 0 {
		t.Fatal(errno)
	}
	p := f.NewPool()
	t.Cleanup(func() {
		p.Close()
		f.Close()
		unix.Close(fd)
	})
	return p
}

func newWorld(t testing.TB) *world {
	w := &world{TB: t, pool: newPool(t), ctx: vfs.KernelCtx{W: wait.NewWaiter()}}
	w.sb = w.tmpfs("mode=755")
	w.ns = vfs.NewMountNS(w.ctx.Cred().NS, vfs.NewMount(w.sb, 0))
	root := w.ns.Root()
	w.at = vfs.At{Root: root, Start: root}
	return w
}

func (w *world) tmpfs(options string) *vfs.Super {
	sb, errno := tmpfs.New(w.pool, memory, "none", options)
	w.ok(errno)
	return sb
}

func (w *world) ok(errno linux.Errno) {
	w.Helper()
	if errno != 0 {
		w.Fatalf("%v", errno)
	}
}

// is fails the test unless errno is want.
func (w *world) is(errno, want linux.Errno) {
	w.Helper()
	if errno != want {
		w.Fatalf("got %v, want %v", errno, want)
	}
}

func (w *world) mkdir(path string) {
	w.Helper()
	w.ok(vfs.Mkdir(w.ctx, w.at, path, 0o755))
}

func (w *world) walk(path string) vfs.Path {
	w.Helper()
	p, errno := vfs.Walk(w.ctx, w.at, path, 0)
	w.ok(errno)
	return p
}

func (w *world) open(path string, flags uint32) *vfs.File {
	w.Helper()
	f, errno := vfs.Open(w.ctx, w.at, path, vfs.OpenHow{Flags: flags, Mode: 0o644})
	w.ok(errno)
	return f
}

func (w *world) write(path, text string) {
	w.Helper()
	f := w.open(path, linux.O_WRONLY|linux.O_CREAT|linux.O_TRUNC)
	defer f.Put()
	b := usermem.Bytes([]byte(text))
	if n, errno := f.Write(w.ctx, &b); errno != 0 || n != len(text) {
		w.Fatalf("write: %d, %v", n, errno)
	}
}

func (w *world) read(path string) string {
	w.Helper()
	f := w.open(path, linux.O_RDONLY)
	defer f.Put()
	return w.readAll(f)
}

func (w *world) readAll(f *vfs.File) string {
	w.Helper()
	b := make([]byte, 4096)
	dst := usermem.Bytes(b)
	n, errno := f.Read(w.ctx, &dst)
	w.ok(errno)
	return string(b[:n])
}

// exists tells whether path leads anywhere, links not followed.
func (w *world) exists(path string) bool {
	w.Helper()
	p, errno := vfs.Walk(w.ctx, w.at, path, 0)
	if errno != 0 {
		w.is(errno, linux.ENOENT)
		return false
	}
	p.Put()
	return true
}

// free is how many inodes the root file system has left.
func (w *world) free() uint64 {
	w.Helper()
	s, errno := w.sb.Statfs(w.ctx)
	w.ok(errno)
	return s.Ffree
}

func (w *world) names(path string) (list []string) {
	w.Helper()
	f := w.open(path, linux.O_RDONLY|linux.O_DIRECTORY)
	defer f.Put()
	w.ok(f.Readdir(w.ctx, func(d vfs.Dirent) bool {
		list = append(list, d.Name)
		return true
	}))
	return list
}

// user is an unprivileged caller.
type user struct {
	vfs.KernelCtx
	cred auth.Cred
}

func newUser(id uint32, groups ...auth.GID) *user {
	u := &user{cred: *vfs.KernelCtx{}.Cred()}
	u.cred.Permitted, u.cred.Effective = 0, 0
	u.cred.Ruid, u.cred.Euid, u.cred.Fsuid = auth.UID(id), auth.UID(id), auth.UID(id)
	u.cred.Rgid, u.cred.Egid, u.cred.Fsgid = auth.GID(id), auth.GID(id), auth.GID(id)
	u.cred.Groups = groups
	return u
}

func (u *user) Cred() *auth.Cred { return &u.cred }

// soon fails the test if f is not done in a few seconds.
func soon(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		panic(what + " hangs")
	}
}
