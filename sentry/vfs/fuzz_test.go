package vfs_test

import (
	"strings"
	"testing"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// fuzzTree makes a tree with links of all kinds, mounts and a directory outside the root of the walk.
func fuzzTree(t testing.TB) *world {
	w := newWorld(t)
	for _, d := range []string{"/jail", "/jail/a", "/jail/a/b", "/jail/m", "/outside"} {
		w.mkdir(d)
	}
	w.write("/jail/a/f", "f")
	w.write("/outside/secret", "s")
	for name, target := range map[string]string{
		"/jail/up": "..", "/jail/far": "../../../outside/secret", "/jail/abs": "/outside/secret", "/jail/loop": "loop",
		"/jail/a/back": "../a/b", "/jail/here": ".", "/jail/slash": "a/b/", "/jail/many": "here/here/here/up",
	} {
		w.ok(vfs.Symlink(w.ctx, target, w.at, name))
	}
	w.ok(w.ns.Mount(w.walk("/jail/m"), vfs.NewMount(w.tmpfs(""), 0)))
	w.mkdir("/jail/m/in")
	return w
}

// FuzzWalk: a walk with any path ends, leaves no reference behind, and with RESOLVE_BENEATH,
// RESOLVE_IN_ROOT or a chroot never leads out; what it finds has the name that leads to it again.
func FuzzWalk(f *testing.F) {
	for _, p := range []string{"", "/", "a/../..", "far", "abs", "up/up/up", "loop", "m/in/../..", "a//b/./../back", "slash/", "many/x", "./a/f/", "\x00", strings.Repeat("here/", 50)} {
		for _, flags := range []uint32{0, vfs.Follow, vfs.Beneath, vfs.InRoot | vfs.Follow, vfs.NoXdev, vfs.WantDir, vfs.NoSymlinks} {
			f.Add(p, flags)
		}
	}
	w := fuzzTree(f)
	jail := w.walk("/jail")
	f.Fuzz(func(t *testing.T, path string, flags uint32) {
		if len(path) > linux.PATH_MAX {
			return
		}
		flags &= vfs.Follow | vfs.EmptyPath | vfs.WantDir | vfs.NoSymlinks | vfs.NoMagic | vfs.Beneath | vfs.InRoot | vfs.NoXdev | vfs.Mountpoint
		if flags&vfs.Beneath != 0 {
			flags &^= vfs.InRoot
		}
		at := vfs.At{Root: jail, Start: jail}
		if flags&(vfs.Beneath|vfs.InRoot) != 0 {
			at.Root = w.at.Root
		}
		p, errno := vfs.Walk(w.ctx, at, path, flags)
		if q, e, ok := vfs.WalkCached(w.ctx, at, []byte(path), flags); ok {
			if q != p || e != errno {
				t.Fatalf("in the cache: %v, %v; else: %v, %v", q, e, p, errno)
			}
			q.Put()
		}
		if errno != 0 {
			if !p.IsZero() {
				t.Fatal("a path with an error")
			}
			return
		}
		defer p.Put()
		name, ok, _ := p.Name(jail)
		if !ok {
			t.Fatalf("%q with %#x leads out: to %s", path, flags, name)
		}
		if p.Inode().Type() == linux.S_IFLNK && flags&vfs.Follow != 0 {
			t.Fatalf("%q with %#x: a link", path, flags)
		}
		again, errno := vfs.Walk(w.ctx, vfs.At{Root: jail, Start: jail}, name, vfs.EmptyPath)
		if errno != 0 || again != p {
			t.Fatalf("%q is %s, which is something else (%v)", path, name, errno)
		}
		again.Put()
	})
}
