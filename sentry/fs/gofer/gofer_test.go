package gofer

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/gofer/wire"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

func TestRead(t *testing.T) {
	x := exclusive(t)
	x.put("a", "hello")
	os.MkdirAll(x.host("d/e"), 0o750)
	x.put("d/e/f", strings.Repeat("0123456789", 50000))
	os.Symlink("d/e", x.host("l"))
	os.Link(x.host("a"), x.host("d/a2"))
	unix.Mkfifo(x.host("p"), 0o600)
	unix.Mknod(x.host("null"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3)))
	os.Chown(x.host("d"), 1000, 1001)

	if s := x.content("a"); s != "hello" {
		t.Errorf("a: %q", s)
	}
	if s := x.content("l/f"); len(s) != 500000 || s[499990:] != "0123456789" {
		t.Errorf("l/f: %d bytes", len(s))
	}
	if a := x.stat("d"); a.Mode != linux.S_IFDIR|0o755 && a.Mode != linux.S_IFDIR|0o750 || a.UID != 1000 || a.GID != 1001 {
		t.Errorf("d: %+v", a)
	}
	var st unix.Stat_t
	unix.Stat(x.host("a"), &st)
	a := x.stat("a")
	if a.Size != 5 || a.Nlink != 2 || a.Mtime != st.Mtim.Nano() || a.Blocks != st.Blocks || a.Btime == 0 {
		t.Errorf("a: %+v, host %+v", a, st)
	}
	p, q := x.walk("a"), x.walk("d/a2")
	if p.Inode() != q.Inode() || p.Inode().Ino != st.Ino {
		t.Error("two names of a file are two inodes")
	}
	p.Put()
	q.Put()
	if a := x.stat("null"); a.Mode != linux.S_IFCHR|0o666 || a.Rdev != vfs.MakeDev(1, 3) {
		t.Errorf("null: %+v", a)
	}
	if a := x.stat("p"); a.Mode != linux.S_IFIFO|0o600 {
		t.Errorf("p: %+v", a)
	}
	x.want("null", x.openErr("null", linux.O_RDONLY), linux.ENXIO)
	x.want("nothing", x.openErr("nothing", linux.O_RDONLY), linux.ENOENT)
	x.want("a/b", x.openErr("a/b", linux.O_RDONLY), linux.ENOTDIR)
	x.want("long", x.openErr(strings.Repeat("x", 256), linux.O_RDONLY), linux.ENAMETOOLONG)
	if s, errno := x.sb.Statfs(x.ctx); errno != 0 || s.Blocks == 0 || s.Namelen != 255 {
		t.Errorf("statfs: %+v %v", s, errno)
	}
}

func TestList(t *testing.T) {
	x := exclusive(t)
	const n = 5000
	for i := range n {
		if err := os.WriteFile(x.host(fmt.Sprintf("a-file-with-a-name-that-is-long-%d", i)), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	os.Mkdir(x.host("d"), 0o755)
	all := x.list("/")
	if len(all) != n+3 {
		t.Errorf("%d entries", len(all))
	}
	if d := all["d"]; d.Type != linux.DT_DIR || d.Ino != x.inode("d").Ino {
		t.Errorf("d: %+v", d)
	}
	if d := all[".."]; d.Ino != all["."].Ino {
		t.Errorf(".. of the root: %+v", d)
	}
	if d := x.list("d")[".."]; d.Ino != all["."].Ino {
		t.Errorf("..: %+v", d)
	}
	f := x.open("/", linux.O_RDONLY, 0)
	defer f.Put()
	at := func(pos int64) (name string) {
		if _, errno := f.Seek(x.ctx, pos, linux.SEEK_SET); errno != 0 {
			t.Fatal(errno)
		}
		f.Readdir(x.ctx, func(d vfs.Dirent) bool { name = d.Name; return false })
		return name
	}
	late, early := at(4000), at(10)
	if late == "" || early == "" || at(4000) != late || at(10) != early || at(n+3) != "" {
		t.Error("seeking in a directory does not find the same entries")
	}
}

// inode returns the inode of a name, without a reference.
func (x *tree) inode(name string) *vfs.Inode {
	p := x.walk(name)
	defer p.Put()
	return p.Inode()
}

func TestWrite(t *testing.T) {
	x := exclusive(t)
	f := x.open("new", linux.O_RDWR|linux.O_CREAT|linux.O_EXCL, 0o640)
	x.write(f, "hello")
	x.write(f, " world")
	if a := x.stat("new"); a.Size != 11 || a.Mode != linux.S_IFREG|0o640 || a.Blocks == 0 {
		t.Errorf("%+v", a)
	}
	x.hostHas("new", "hello world")
	before := x.stat("new")
	x.want("ftruncate", f.Truncate(x.ctx, 5), 0)
	x.hostHas("new", "hello")
	if a := x.stat("new"); a.Size != 5 || a.Mtime < before.Mtime {
		t.Errorf("%+v", a)
	}
	f.Put()
	x.want("exists", x.openErr("new", linux.O_CREAT|linux.O_EXCL|linux.O_RDWR), linux.EEXIST)

	f = x.open("new", linux.O_WRONLY|linux.O_APPEND, 0)
	x.write(f, "!")
	f.Put()
	x.hostHas("new", "hello!")
	f = x.open("new", linux.O_WRONLY|linux.O_TRUNC, 0)
	x.write(f, "x")
	x.want("fsync", f.Fsync(x.ctx, false), 0)
	x.want("fallocate", f.Fallocate(x.ctx, 0, 0, 10000), 0)
	f.Put()
	if a := x.stat("new"); a.Size != 10000 || a.Blocks < 16 {
		t.Errorf("%+v", a)
	}
	p := x.walk("new")
	x.want("truncate", vfs.Truncate(x.ctx, p, 1), 0)
	p.Put()
	x.hostHas("new", "x")

	f = x.open("holes", linux.O_RDWR|linux.O_CREAT, 0o644)
	f.Seek(x.ctx, 1<<20, linux.SEEK_SET)
	x.write(f, "end")
	if off, errno := f.Seek(x.ctx, 0, linux.SEEK_DATA); errno != 0 || off != 1<<20 {
		t.Errorf("SEEK_DATA: %d %v", off, errno)
	}
	f.Put()
}

func (x *tree) hostHas(name, want string) {
	x.Helper()
	b, err := os.ReadFile(x.host(name))
	if err != nil || string(b) != want {
		x.Errorf("%s on the host: %q %v, want %q", name, b, err, want)
	}
}

func TestNames(t *testing.T) {
	x := exclusive(t)
	var st unix.Stat_t
	ctx := x.ctx
	x.want("mkdir", vfs.Mkdir(ctx, x.at, "d", 0o1750), 0)
	x.want("mkdir again", vfs.Mkdir(ctx, x.at, "d", 0o755), linux.EEXIST)
	if unix.Stat(x.host("d"), &st); st.Mode != unix.S_IFDIR|0o1750 {
		t.Errorf("d: %o", st.Mode)
	}
	x.want("symlink", vfs.Symlink(ctx, "to/nowhere", x.at, "d/l"), 0)
	if s, err := os.Readlink(x.host("d/l")); s != "to/nowhere" {
		t.Error(s, err)
	}
	x.want("mkfifo", vfs.Mknod(ctx, x.at, "d/p", linux.S_IFIFO|0o622, 0), 0)
	if unix.Stat(x.host("d/p"), &st); st.Mode != unix.S_IFIFO|0o622 {
		t.Errorf("p: %o", st.Mode)
	}
	x.want("mknod c", vfs.Mknod(ctx, x.at, "d/c", linux.S_IFCHR|0o666, vfs.MakeDev(1, 3)), linux.EPERM)
	x.want("mknod f", vfs.Mknod(ctx, x.at, "d/f", linux.S_IFREG|0o4755, 0), 0)
	if unix.Stat(x.host("d/f"), &st); st.Mode != unix.S_IFREG|0o4755 {
		t.Errorf("f: %o", st.Mode)
	}
	x.want("rmdir full", vfs.Unlink(ctx, x.at, "d", true), linux.ENOTEMPTY)

	p := x.walk("d/f")
	x.want("link", vfs.Link(ctx, p, x.at, "g"), 0)
	if a := x.stat("g"); a.Nlink != 2 || x.inode("g") != p.Inode() {
		t.Errorf("g: %+v", a)
	}
	x.want("unlink", vfs.Unlink(ctx, x.at, "d/f", false), 0)
	x.want("gone", x.openErr("d/f", 0), linux.ENOENT)
	if a := x.stat("g"); a.Nlink != 1 {
		t.Errorf("g: %+v", a)
	}
	p.Put()
	x.want("chown", vfs.Chown(ctx, x.walk("g"), 12, 34), 0)
	x.want("chmod", vfs.Chmod(ctx, x.walk("g"), 0o4711), 0)
	x.want("utimes", vfs.Utimes(ctx, x.walk("g"), 1e9+5, -5, false), 0)
	unix.Stat(x.host("g"), &st)
	if a := x.stat("g"); st.Uid != 12 || st.Gid != 34 || st.Mode != unix.S_IFREG|0o4711 || st.Atim.Nano() != 1e9+5 || st.Mtim.Nano() != -5 ||
		a.UID != 12 || a.GID != 34 || a.Mode != st.Mode || a.Atime != 1e9+5 || a.Mtime != -5 {
		t.Errorf("%+v, host %+v", a, st)
	}
	x.want("lchown", vfs.Chown(ctx, x.walk("d/l"), 5, 6), 0)
	x.want("lutimes", vfs.Utimes(ctx, x.walk("d/l"), 1e9, 2e9, false), 0)
	if unix.Lstat(x.host("d/l"), &st); st.Uid != 5 || st.Mtim.Sec != 2 {
		t.Errorf("l: %+v", st)
	}

	x.put("h", "h")
	x.want("rename", vfs.Rename(ctx, x.at, "g", x.at, "h", 0), 0)
	x.want("rename gone", x.openErr("g", 0), linux.ENOENT)
	if a := x.stat("h"); a.UID != 12 {
		t.Errorf("h: %+v", a)
	}
	x.want("exchange", vfs.Rename(ctx, x.at, "h", x.at, "d/p", linux.RENAME_EXCHANGE), 0)
	if a := x.stat("h"); a.Mode&linux.S_IFMT != linux.S_IFIFO {
		t.Errorf("h: %+v", a)
	}
	x.want("noreplace", vfs.Rename(ctx, x.at, "h", x.at, "d/p", linux.RENAME_NOREPLACE), linux.EEXIST)
	x.want("unlink dir", vfs.Unlink(ctx, x.at, "d", false), linux.EISDIR)
	for _, n := range []string{"d/p", "d/l", "h"} {
		x.want("unlink "+n, vfs.Unlink(ctx, x.at, n, false), 0)
	}
	x.want("rmdir", vfs.Unlink(ctx, x.at, "d", true), 0)
	if left, _ := os.ReadDir(x.dir); len(left) != 0 {
		t.Error(left)
	}
}

// TestSetid: what the superuser of the container writes keeps its set-id bits.
func TestSetid(t *testing.T) {
	x := exclusive(t)
	f := x.open("f", linux.O_CREAT|linux.O_RDWR, 0o755)
	defer f.Put()
	x.want("chmod", vfs.Chmod(x.ctx, f.Path, 0o6755), 0)
	x.write(f, "content")
	x.want("truncate", f.Truncate(x.ctx, 3), 0)
	var st unix.Stat_t
	unix.Stat(x.host("f"), &st)
	if a := x.stat("f"); a.Mode != linux.S_IFREG|0o6755 || st.Mode != a.Mode {
		t.Errorf("%o, host %o", a.Mode, st.Mode)
	}
}

func TestUnlinkedFile(t *testing.T) {
	x := exclusive(t)
	f := x.open("f", linux.O_RDWR|linux.O_CREAT, 0o600)
	x.want("unlink", vfs.Unlink(x.ctx, x.at, "f", false), 0)
	x.write(f, "still there")
	f.Seek(x.ctx, 0, linux.SEEK_SET)
	if s := x.read(f); s != "still there" {
		t.Error(s)
	}
	if a, errno := f.Inode.Stat(x.ctx); errno != 0 || a.Nlink != 0 || a.Size != 11 {
		t.Errorf("%+v %v", a, errno)
	}
	f.Put()

	f = x.open("/", linux.O_RDWR|linux.O_TMPFILE, 0o600)
	x.write(f, "tmp")
	x.want("link", vfs.Link(x.ctx, f.Path, x.at, "named"), 0)
	f.Put()
	x.hostHas("named", "tmp")
}

func TestXattr(t *testing.T) {
	x := exclusive(t)
	x.put("f", "")
	p := x.walk("f")
	defer p.Put()
	i := p.Inode()
	x.want("set", vfs.Setxattr(x.ctx, p, "user.a", []byte("1"), 0), 0)
	x.want("create", vfs.Setxattr(x.ctx, p, "user.a", []byte("1"), linux.XATTR_CREATE), linux.EEXIST)
	x.want("replace", vfs.Setxattr(x.ctx, p, "user.b", []byte("1"), linux.XATTR_REPLACE), linux.ENODATA)
	if v, errno := i.Getxattr(x.ctx, "user.a"); string(v) != "1" || errno != 0 {
		t.Errorf("%q %v", v, errno)
	}
	_, errno := i.Getxattr(x.ctx, "security.capability")
	x.want("no caps", errno, linux.ENODATA)
	caps := append([]byte{1, 0, 0, 2}, make([]byte, 16)...)
	x.want("caps", vfs.Setxattr(x.ctx, p, "security.capability", caps, 0), 0)
	if v, errno := i.Getxattr(x.ctx, "security.capability"); string(v) != string(caps) || errno != 0 {
		t.Errorf("%q %v", v, errno)
	}
	if l, errno := i.Listxattr(x.ctx); len(l) != 2 || errno != 0 {
		t.Error(l, errno)
	}
	_, errno = i.Getxattr(x.ctx, "trusted.overlay.opaque")
	x.want("trusted", errno, linux.ENODATA)
	x.want("set trusted", vfs.Setxattr(x.ctx, p, "trusted.a", []byte("2"), 0), 0)
	if v, errno := i.Getxattr(x.ctx, "trusted.a"); string(v) != "2" || errno != 0 {
		t.Errorf("%q %v", v, errno)
	}
	x.want("its name on the host", vfs.Setxattr(x.ctx, p, "user.virtiofs.trusted.a", []byte("2"), 0), linux.EOPNOTSUPP)
	if l, errno := i.Listxattr(x.ctx); len(l) != 3 || errno != 0 {
		t.Error(l, errno)
	}
	x.want("remove trusted", vfs.Removexattr(x.ctx, p, "trusted.a"), 0)
	x.want("remove", vfs.Removexattr(x.ctx, p, "user.a"), 0)
	x.want("remove again", vfs.Removexattr(x.ctx, p, "user.a"), linux.ENODATA)
}

func TestReadonly(t *testing.T) {
	dir := t.TempDir()
	g := start(t, wire.Config{Attach: []wire.Attach{{Path: dir, Readonly: true}}})
	x := g.mounted(t, 0, dir, Options{Exclusive: true}) // as if the sentry had forgotten it
	x.put("f", "f")
	os.Mkdir(x.host("d"), 0o755)
	if s := x.content("f"); s != "f" {
		t.Error(s)
	}
	x.want("open", x.openErr("f", linux.O_RDWR), linux.EROFS)
	x.want("create", x.openErr("g", linux.O_RDWR|linux.O_CREAT), linux.EROFS)
	x.want("mkdir", vfs.Mkdir(x.ctx, x.at, "e", 0o755), linux.EROFS)
	x.want("unlink", vfs.Unlink(x.ctx, x.at, "f", false), linux.EROFS)
	x.want("rmdir", vfs.Unlink(x.ctx, x.at, "d", true), linux.EROFS)
	x.want("rename", vfs.Rename(x.ctx, x.at, "f", x.at, "g", 0), linux.EROFS)
	x.want("link", vfs.Link(x.ctx, x.walk("f"), x.at, "g"), linux.EROFS)
	x.want("chmod", vfs.Chmod(x.ctx, x.walk("f"), 0o600), linux.EROFS)
	x.want("truncate", vfs.Truncate(x.ctx, x.walk("f"), 0), linux.EROFS)
	x.want("setxattr", vfs.Setxattr(x.ctx, x.walk("f"), "user.a", nil, 0), linux.EROFS)
}

func TestShared(t *testing.T) {
	x := fresh(t, Options{})
	x.want("nothing", x.openErr("f", 0), linux.ENOENT)
	x.put("f", "one")
	if s := x.content("f"); s != "one" {
		t.Error(s)
	}
	x.put("f", "longer")
	if a := x.stat("f"); a.Size != 6 {
		t.Errorf("%+v", a)
	}
	f := x.open("f", linux.O_RDWR|linux.O_APPEND, 0)
	defer f.Put()
	h, err := os.OpenFile(x.host("f"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	h.WriteString(" and more")
	h.Close()
	x.write(f, "!")
	x.hostHas("f", "longer and more!")
	x.put("g", "other")
	if err := os.Rename(x.host("g"), x.host("f")); err != nil {
		t.Fatal(err)
	}
	if s := x.content("f"); s != "other" {
		t.Error(s)
	}
	os.Chmod(x.host("f"), 0o600)
	if a := x.stat("f"); a.Mode != linux.S_IFREG|0o600 {
		t.Errorf("%+v", a)
	}
	os.Remove(x.host("f"))
	x.want("removed", x.openErr("f", 0), linux.ENOENT)
}

func TestFileAttach(t *testing.T) {
	dir := t.TempDir()
	path := dir + "/hosts"
	if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	g := start(t, wire.Config{Attach: []wire.Attach{{Path: path}}})
	sb, errno := g.Mount(0, Options{})
	if errno != 0 || sb.Root().Inode().Type() != linux.S_IFREG {
		t.Fatal(errno)
	}
	if _, errno := g.Mount(1, Options{}); errno != linux.ENOENT {
		t.Error(errno)
	}
}

func TestIDs(t *testing.T) {
	dir := t.TempDir()
	m := []wire.IDMap{{Inside: 0, Outside: 100000, Count: 65536}}
	g := start(t, wire.Config{Attach: []wire.Attach{{Path: dir}}, UIDs: m, GIDs: m})
	x := g.mounted(t, 0, dir, Options{})
	x.put("host", "")
	x.put("root", "")
	os.Chown(x.host("root"), 100000, 100005)
	if a := x.stat("root"); a.UID != 0 || a.GID != 5 {
		t.Errorf("%+v", a)
	}
	if a := x.stat("host"); a.UID != 65534 {
		t.Errorf("%+v", a)
	}
	x.open("new", linux.O_CREAT|linux.O_RDWR, 0o644).Put()
	var st unix.Stat_t
	if unix.Stat(x.host("new"), &st); st.Uid != 100000 || st.Gid != 100000 {
		t.Errorf("%+v", st)
	}
	x.want("chown", vfs.Chown(x.ctx, x.walk("new"), 70000, 0), linux.EINVAL)
}

func TestConcurrent(t *testing.T) {
	x := exclusive(t)
	var wg sync.WaitGroup
	for n := range 16 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range 50 {
				name := fmt.Sprintf("%d-%d", n, i)
				f, errno := vfs.Open(x.ctx, x.at, name, vfs.OpenHow{Flags: linux.O_CREAT | linux.O_RDWR, Mode: 0o644})
				if errno != 0 {
					t.Error(errno)
					return
				}
				x.write(f, name)
				f.Fsync(x.ctx, true)
				f.Put()
				if s := x.content(name); s != name {
					t.Errorf("%q in %s", s, name)
				}
				if errno := vfs.Rename(x.ctx, x.at, name, x.at, "common", 0); errno != 0 {
					t.Error(errno)
				}
			}
		}()
	}
	wg.Wait()
	if l := x.list("/"); len(l) != 3 {
		t.Error(l)
	}
}

func TestIdle(t *testing.T) {
	dir := t.TempDir()
	g := start(t, wire.Config{Attach: []wire.Attach{{Path: dir}}})
	g.idle.max = 8
	x := g.mounted(t, 0, dir, Options{Exclusive: true})
	before := openFDs(t)
	for i := range 100 {
		f := x.open(fmt.Sprint(i), linux.O_CREAT|linux.O_RDWR, 0o644)
		x.write(f, "0123456789"[:i%10])
		f.Put()
	}
	g.trim()
	if n := openFDs(t) - before; n > 8 {
		t.Errorf("%d descriptors", n)
	}
	for i := range 100 {
		if a := x.stat(fmt.Sprint(i)); a.Size != int64(i%10) || a.Size > 0 && a.Blocks == 0 {
			t.Errorf("%d: %+v", i, a)
		}
	}
}

func openFDs(t *testing.T) int {
	l, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(l)
}

func TestGoferDies(t *testing.T) {
	x := exclusive(t)
	x.put("f", "f")
	f := x.open("f", linux.O_RDONLY, 0)
	defer f.Put()
	baseOf(f.Inode).fs.c.Close()
	x.want("lookup", x.openErr("g", 0), linux.EIO)
	if s := x.read(f); s != "f" {
		t.Error(s)
	}
}
