package vfs_test

import (
	"strings"
	"testing"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

func TestWalk(t *testing.T) {
	w := newWorld(t)
	w.mkdir("/d")
	w.mkdir("/d/e")
	w.write("/d/f", "x")
	w.ok(vfs.Symlink(w.ctx, "e", w.at, "/d/rel"))
	w.ok(vfs.Symlink(w.ctx, "/d/f", w.at, "/d/abs"))
	w.ok(vfs.Symlink(w.ctx, "loop", w.at, "/d/loop"))
	w.ok(vfs.Symlink(w.ctx, "gone", w.at, "/d/dangling"))
	for _, c := range []struct {
		path  string
		flags uint32
		want  linux.Errno
	}{
		{"/d/e", 0, 0},
		{"/d//e/./../f", 0, 0},
		{"/../../d", 0, 0},
		{"", 0, linux.ENOENT},
		{"", vfs.EmptyPath, 0},
		{"/d/none", 0, linux.ENOENT},
		{"/d/none/x", 0, linux.ENOENT},
		{"/d/f/x", 0, linux.ENOTDIR},
		{"/d/f/", 0, linux.ENOTDIR},
		{"/d/f", vfs.WantDir, linux.ENOTDIR},
		{"/d/rel", 0, 0},
		{"/d/rel/", 0, 0},
		{"/d/rel/..", 0, 0},
		{"/d/abs/", vfs.Follow, linux.ENOTDIR},
		{"/d/abs", vfs.Follow, 0},
		{"/d/loop", 0, 0},
		{"/d/loop", vfs.Follow, linux.ELOOP},
		{"/d/dangling", vfs.Follow, linux.ENOENT},
		{"/d/rel", vfs.Follow | vfs.NoSymlinks, linux.ELOOP},
		{"/d/rel", vfs.NoSymlinks, 0},
		{"/" + strings.Repeat("n", 255), 0, linux.ENOENT},
		{"/" + strings.Repeat("n", 256), 0, linux.ENAMETOOLONG},
	} {
		p, errno := vfs.Walk(w.ctx, w.at, c.path, c.flags)
		if errno != c.want {
			t.Errorf("%q, %#x: %v, want %v", c.path, c.flags, errno, c.want)
		}
		if errno == 0 {
			p.Put()
		}
	}
}

// TestConfined checks RESOLVE_BENEATH and RESOLVE_IN_ROOT, with links as the last component of
// a path that is to be created as well.
func TestConfined(t *testing.T) {
	w := newWorld(t)
	w.mkdir("/box")
	w.mkdir("/box/sub")
	w.write("/secret", "outside")
	w.write("/box/inside", "inside")
	w.ok(vfs.Symlink(w.ctx, "/secret", w.at, "/box/absolute"))
	w.ok(vfs.Symlink(w.ctx, "../../secret", w.at, "/box/sub/climb"))
	w.ok(vfs.Symlink(w.ctx, "../inside", w.at, "/box/sub/fine"))
	box := vfs.At{Root: w.at.Root, Start: w.walk("/box")}
	for _, c := range []struct {
		path  string
		walk  uint32
		flags uint32
		want  linux.Errno
		text  string
	}{
		{"inside", vfs.Beneath, 0, 0, "inside"},
		{"/inside", vfs.Beneath, 0, linux.EXDEV, ""},
		{"../secret", vfs.Beneath, 0, linux.EXDEV, ""},
		{"absolute", vfs.Beneath, 0, linux.EXDEV, ""},
		{"sub/climb", vfs.Beneath, 0, linux.EXDEV, ""},
		{"sub/fine", vfs.Beneath, 0, 0, "inside"},
		{"sub/fine", vfs.Beneath, linux.O_CREAT, 0, "inside"},
		{"sub/climb", vfs.Beneath, linux.O_CREAT, linux.EXDEV, ""},
		{"/inside", vfs.InRoot, 0, 0, "inside"},
		{"../../inside", vfs.InRoot, 0, 0, "inside"},
		{"absolute", vfs.InRoot, 0, linux.ENOENT, ""},
		{"sub/climb", vfs.InRoot, 0, linux.ENOENT, ""},
		{"sub/fine", vfs.InRoot, linux.O_CREAT, 0, "inside"},
	} {
		f, errno := vfs.Open(w.ctx, box, c.path, vfs.OpenHow{Flags: c.flags, Walk: c.walk, Mode: 0o600})
		if errno != c.want {
			t.Errorf("%s, %#x: %v, want %v", c.path, c.walk, errno, c.want)
		}
		if errno == 0 {
			if got := w.readAll(f); got != c.text {
				t.Errorf("%s, %#x: %q", c.path, c.walk, got)
			}
			f.Put()
		}
	}
	// What a link leads to from inside the root is made inside the root.
	f, errno := vfs.Open(w.ctx, box, "absolute", vfs.OpenHow{Flags: linux.O_CREAT | linux.O_RDWR, Walk: vfs.InRoot, Mode: 0o600})
	w.ok(errno)
	f.Put()
	if !w.exists("/box/secret") || w.read("/secret") != "outside" {
		t.Error("O_CREAT through an absolute link left the root")
	}
}

func TestPermission(t *testing.T) {
	w := newWorld(t)
	w.mkdir("/closed")
	w.write("/closed/f", "x")
	w.ok(vfs.Chmod(w.ctx, w.walk("/closed"), 0o700))
	w.write("/readable", "x")
	u := newUser(1000)
	open := func(path string, flags uint32) linux.Errno {
		f, errno := vfs.Open(u, w.at, path, vfs.OpenHow{Flags: flags, Mode: 0o644})
		if errno == 0 {
			f.Put()
		}
		return errno
	}
	w.is(open("/closed/f", linux.O_RDONLY), linux.EACCES)
	w.is(open("/closed/none", linux.O_RDONLY), linux.EACCES)
	w.is(open("/readable", linux.O_RDONLY), 0)
	w.is(open("/readable", linux.O_RDWR), linux.EACCES)
	w.is(open("/readable", linux.O_RDONLY|linux.O_TRUNC), linux.EACCES)
	w.is(open("/readable", linux.O_RDONLY|linux.O_NOATIME), linux.EPERM)
	w.is(open("/new", linux.O_RDWR|linux.O_CREAT), linux.EACCES)
	w.is(open("/closed", linux.O_PATH), 0)
	w.is(vfs.Chmod(u, w.walk("/readable"), 0o777), linux.EPERM)
	w.is(vfs.Truncate(u, w.walk("/readable"), 0), linux.EACCES)
	w.is(vfs.Unlink(u, w.at, "/readable", false), linux.EACCES)

	w.ok(vfs.Mkdir(w.ctx, w.at, "/tmp", 0o1777))
	w.ok(vfs.Chmod(w.ctx, w.walk("/tmp"), 0o1777))
	w.write("/tmp/roots", "x")
	w.is(open("/tmp/mine", linux.O_RDWR|linux.O_CREAT), 0)
	w.is(vfs.Unlink(u, w.at, "/tmp/roots", false), linux.EPERM)
	w.is(vfs.Rename(u, w.at, "/tmp/mine", w.at, "/tmp/roots", 0), linux.EPERM)
	w.is(vfs.Unlink(newUser(1001), w.at, "/tmp/mine", false), linux.EPERM)
	w.is(vfs.Unlink(u, w.at, "/tmp/mine", false), 0)
}
