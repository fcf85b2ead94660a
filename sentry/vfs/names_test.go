package vfs_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

func TestNames(t *testing.T) {
	w := newWorld(t)
	before := w.free()
	w.mkdir("/d")
	w.is(vfs.Mkdir(w.ctx, w.at, "/d", 0o755), linux.EEXIST)
	w.is(vfs.Mkdir(w.ctx, w.at, "/", 0o755), linux.EEXIST)
	w.is(vfs.Mkdir(w.ctx, w.at, "/d/.", 0o755), linux.EEXIST)
	w.is(vfs.Mkdir(w.ctx, w.at, "/none/d", 0o755), linux.ENOENT)
	w.write("/d/f", "text")
	w.ok(vfs.Link(w.ctx, w.walk("/d/f"), w.at, "/d/g"))
	if w.read("/d/g") != "text" || w.walk("/d/f").Inode().Attr().Nlink != 2 {
		t.Error("link")
	}
	w.is(vfs.Link(w.ctx, w.walk("/d"), w.at, "/d/dirlink"), linux.EPERM)
	w.is(vfs.Symlink(w.ctx, "x", w.at, "/d/f"), linux.EEXIST)
	w.is(vfs.Symlink(w.ctx, "x", w.at, "/d/h/"), linux.ENOENT)
	w.is(vfs.Mknod(w.ctx, w.at, "/d/p", linux.S_IFDIR, 0), linux.EPERM)
	w.is(vfs.Mknod(newUser(1), w.at, "/d/p", linux.S_IFCHR, 5), linux.EACCES) // before the capability
	w.is(vfs.Unlink(w.ctx, w.at, "/d", false), linux.EISDIR)
	w.is(vfs.Unlink(w.ctx, w.at, "/d", true), linux.ENOTEMPTY)
	w.is(vfs.Unlink(w.ctx, w.at, "/d/f", true), linux.ENOTDIR)
	w.is(vfs.Unlink(w.ctx, w.at, "/d/f/", false), linux.ENOTDIR)
	w.is(vfs.Unlink(w.ctx, w.at, "/d/.", true), linux.EINVAL)
	w.is(vfs.Unlink(w.ctx, w.at, "/d/..", true), linux.ENOTEMPTY)
	w.is(vfs.Unlink(w.ctx, w.at, "/", true), linux.EBUSY)
	w.ok(vfs.Unlink(w.ctx, w.at, "/d/f", false))
	w.ok(vfs.Unlink(w.ctx, w.at, "/d/g", false))
	w.ok(vfs.Unlink(w.ctx, w.at, "/d", true))
	if w.exists("/d") || w.free() != before+0 {
		// The paths that walk returned above hold their inodes: only /d and /d/f are missing.
		if lost := before - w.free(); lost > 2 {
			t.Errorf("%d inodes are lost", lost)
		}
	}
}

func TestRename(t *testing.T) {
	w := newWorld(t)
	for _, d := range []string{"/a", "/a/b", "/a/b/c", "/empty", "/full"} {
		w.mkdir(d)
	}
	w.write("/full/x", "")
	w.write("/f", "f")
	w.write("/g", "g")
	w.ok(vfs.Link(w.ctx, w.walk("/f"), w.at, "/same"))
	rename := func(from, to string, flags uint32) linux.Errno {
		return vfs.Rename(w.ctx, w.at, from, w.at, to, flags)
	}
	for _, c := range []struct {
		from, to string
		flags    uint32
		want     linux.Errno
	}{
		{"/none", "/x", 0, linux.ENOENT},
		{"/a", "/a/b/c/d", 0, linux.EINVAL},
		{"/a", "/a", 0, 0},
		{"/a/b", "/a", 0, linux.ENOTEMPTY},
		{"/a", "/full", 0, linux.ENOTEMPTY},
		{"/a", "/f", 0, linux.ENOTDIR},
		{"/f", "/a", 0, linux.EISDIR},
		{"/f", "/x/", 0, linux.ENOTDIR},
		{"/f/", "/x", 0, linux.ENOTDIR},
		{"/f", "/same", 0, 0},
		{"/f", "/g", linux.RENAME_NOREPLACE, linux.EEXIST},
		{"/f", "/x", linux.RENAME_EXCHANGE, linux.ENOENT},
		{"/f", "/x", linux.RENAME_EXCHANGE | linux.RENAME_NOREPLACE, linux.EINVAL},
		{"/a/.", "/x", 0, linux.EBUSY},
		{"/", "/x", 0, linux.EBUSY},
		{"/a/b", "/", linux.RENAME_NOREPLACE, linux.EEXIST},
	} {
		if errno := rename(c.from, c.to, c.flags); errno != c.want {
			t.Errorf("%s to %s, %d: %v, want %v", c.from, c.to, c.flags, errno, c.want)
		}
	}
	if !w.exists("/f") || !w.exists("/same") {
		t.Error("renaming one name of a file to another did something")
	}
	w.ok(rename("/f", "/g", 0))
	if w.read("/g") != "f" || w.exists("/f") {
		t.Error("replacing a file")
	}
	w.ok(rename("/a/b", "/empty", 0))
	if w.exists("/a/b") || !w.exists("/empty/c") {
		t.Error("replacing a directory")
	}
	c := w.walk("/empty/c")
	defer c.Put()
	w.ok(rename("/empty", "/a/moved", 0))
	if name, ok, deleted := c.Name(w.at.Root); name != "/a/moved/c" || !ok || deleted {
		t.Errorf("%q %v %v", name, ok, deleted)
	}
	w.ok(rename("/a/moved", "/g", linux.RENAME_EXCHANGE))
	if w.read("/a/moved") != "f" || !w.exists("/g/c") {
		t.Error("exchange")
	}
	if name, _, _ := c.Name(w.at.Root); name != "/g/c" {
		t.Error(name)
	}
	if n := w.walk("/").Inode().Attr().Nlink; n != 2+3 { // a, full, g
		t.Errorf("links of /: %d", n)
	}
	w.ok(vfs.Mkdir(w.ctx, w.at, "/m", 0o755))
	w.ok(w.ns.Mount(w.walk("/m"), vfs.NewMount(w.tmpfs(""), 0)))
	w.is(rename("/m", "/n", 0), linux.EBUSY)
	w.is(rename("/a/moved", "/m/x", 0), linux.EXDEV)
	w.is(vfs.Unlink(w.ctx, w.at, "/m", true), linux.EBUSY)
}

// TestDeadDirectory checks that nothing can be made in a removed directory and that it goes,
// whatever was looked up in it.
func TestDeadDirectory(t *testing.T) {
	w := newWorld(t)
	w.write("/f", "")
	before := w.free()
	for _, replace := range []bool{false, true} {
		w.mkdir("/d")
		if w.exists("/d/none") {
			t.Fatal("exists")
		}
		p := w.walk("/d")
		if replace {
			w.mkdir("/e")
			w.ok(vfs.Rename(w.ctx, w.at, "/e", w.at, "/d", 0))
			w.ok(vfs.Unlink(w.ctx, w.at, "/d", true))
		} else {
			w.ok(vfs.Unlink(w.ctx, w.at, "/d", true))
		}
		in := vfs.At{Root: w.at.Root, Start: p}
		_, errno := vfs.Walk(w.ctx, in, "other", 0)
		w.is(errno, linux.ENOENT)
		w.is(vfs.Mkdir(w.ctx, in, "x", 0o755), linux.ENOENT)
		w.is(vfs.Link(w.ctx, w.walk("/f"), in, "x"), linux.ENOENT)
		w.is(vfs.Rename(w.ctx, w.at, "/f", in, "x", 0), linux.ENOENT)
		if name, _, deleted := p.Name(w.at.Root); !deleted {
			t.Errorf("%s is not deleted", name)
		}
		p.Put()
		if w.free() != before {
			t.Errorf("replace %v: %d inodes left, %d before", replace, w.free(), before)
		}
	}
}

func TestTmpfile(t *testing.T) {
	w := newWorld(t)
	before := w.free()
	how := vfs.OpenHow{Flags: linux.O_TMPFILE | linux.O_RDWR, Mode: 0o600}
	f, errno := vfs.Open(w.ctx, w.at, "/", how)
	w.ok(errno)
	if a := f.Inode.Attr(); a.Nlink != 0 || a.Mode != linux.S_IFREG|0o600 {
		t.Errorf("%+v", a)
	}
	w.ok(vfs.Link(w.ctx, f.Path, w.at, "/named"))
	w.ok(vfs.Unlink(w.ctx, w.at, "/named", false))
	w.is(vfs.Link(w.ctx, f.Path, w.at, "/again"), linux.ENOENT)
	f.Put()
	how.Flags |= linux.O_EXCL
	f, errno = vfs.Open(w.ctx, w.at, "/", how)
	w.ok(errno)
	w.is(vfs.Link(w.ctx, f.Path, w.at, "/named"), linux.ENOENT)
	f.Put()
	if w.free() != before {
		t.Error("an inode is lost")
	}
	_, errno = vfs.Open(w.ctx, w.at, "/", vfs.OpenHow{Flags: linux.O_TMPFILE})
	w.is(errno, linux.EINVAL)
}

// TestPrune fills the cache beyond its bound: what is not in use goes, in every file system.
func TestPrune(t *testing.T) {
	w := newWorld(t)
	w.mkdir("/m")
	other := w.tmpfs("")
	w.ok(w.ns.Mount(w.walk("/m"), vfs.NewMount(other, 0)))
	deep := "/m"
	for range 50 {
		deep += "/d"
		w.mkdir(deep)
	}
	kept := w.walk(deep)
	defer kept.Put()
	for i := range 150_000 {
		if w.exists("/none" + strconv.Itoa(i)) {
			t.Fatal("exists")
		}
	}
	if n := vfs.CachedDentries(); n > 100_000 {
		t.Errorf("%d dentries are cached", n)
	}
	if name, ok, deleted := kept.Name(w.at.Root); name != deep || !ok || deleted {
		t.Errorf("%q %v %v", name, ok, deleted)
	}
	w.ok(vfs.Mkdir(w.ctx, vfs.At{Root: w.at.Root, Start: kept}, "more", 0o755))
	if !w.exists(deep + "/more") {
		t.Error("what was made below a kept dentry is not there")
	}
}

// TestStorm has many goroutines change the same few names: whatever happens, the tree stays one.
func TestStorm(t *testing.T) {
	w := newWorld(t)
	before := w.free()
	var dirs []string
	for i := range 3 {
		d := fmt.Sprintf("/d%d", i)
		w.mkdir(d)
		dirs = append(dirs, d)
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(g)))
			name := func() string { return fmt.Sprintf("%s/%d", dirs[r.IntN(len(dirs))], r.IntN(3)) }
			for range 3000 {
				switch r.IntN(9) {
				case 0:
					vfs.Mkdir(w.ctx, w.at, name(), 0o755)
				case 1:
					vfs.Mkdir(w.ctx, w.at, name()+"/sub", 0o755)
				case 2:
					vfs.Unlink(w.ctx, w.at, name(), r.IntN(2) == 0)
				case 3:
					vfs.Unlink(w.ctx, w.at, name()+"/sub", true)
				case 4:
					vfs.Rename(w.ctx, w.at, name(), w.at, name(), 0)
				case 5:
					vfs.Rename(w.ctx, w.at, name(), w.at, name(), linux.RENAME_EXCHANGE)
				case 6:
					if f, errno := vfs.Open(w.ctx, w.at, name(), vfs.OpenHow{Flags: linux.O_CREAT | linux.O_RDWR, Mode: 0o600}); errno == 0 {
						f.Path.Name(w.at.Root)
						f.Put()
					}
				case 7:
					if p, errno := vfs.Walk(w.ctx, w.at, name()+"/none", 0); errno == 0 {
						p.Put()
					}
				case 8:
					if f, errno := vfs.Open(w.ctx, w.at, dirs[r.IntN(len(dirs))], vfs.OpenHow{}); errno == 0 {
						f.Readdir(w.ctx, func(vfs.Dirent) bool { return true })
						f.Put()
					}
				}
			}
		})
	}
	soon(t, "the storm", wg.Wait)
	for _, d := range dirs {
		for _, n := range w.names(d)[2:] {
			p := d + "/" + n
			vfs.Unlink(w.ctx, w.at, p+"/sub", true)
			if errno := vfs.Unlink(w.ctx, w.at, p, true); errno != 0 {
				w.is(errno, linux.ENOTDIR)
				w.ok(vfs.Unlink(w.ctx, w.at, p, false))
			}
		}
		if left := w.names(d); !slices.Equal(left, []string{".", ".."}) {
			t.Error(left)
		}
		w.ok(vfs.Unlink(w.ctx, w.at, d, true))
	}
	if w.free() != before {
		t.Errorf("%d inodes are lost", before-w.free())
	}
}
