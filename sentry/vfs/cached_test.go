package vfs_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// TestCached: what is found without references, and what is left to Walk.
func TestCached(t *testing.T) {
	w := fuzzTree(t)
	w.mkdir("/closed")
	w.write("/closed/f", "")
	w.ok(vfs.Chmod(w.ctx, w.walk("/closed"), 0o700))
	root, user := vfs.Ctx(w.ctx), vfs.Ctx(newUser(1000))
	for _, c := range []struct {
		ctx   vfs.Ctx
		path  string
		flags uint32
		errno linux.Errno
		ok    bool
	}{
		{root, "jail/a/f", 0, 0, true},
		{user, "/jail/a/f", vfs.Follow, 0, true},
		{root, "/jail//a/f", 0, 0, true},
		{root, "jail/m/in", 0, 0, true}, // through a mount
		{root, "jail/m", 0, 0, false},   // what covers the last name
		{root, "jail/a/none", 0, linux.ENOENT, true},
		{root, "jail/a/none/x", 0, linux.ENOENT, true},
		{root, "jail/a/unseen", 0, 0, false},
		{root, "jail/a/f", vfs.WantDir, linux.ENOTDIR, true},
		{root, "jail/a/f/", 0, 0, false},
		{root, "jail/a/f/x", 0, 0, false},
		{root, "jail/a/../a/./f", 0, 0, true},
		{root, "jail/..", 0, 0, false},
		{root, "jail/m/../a", 0, 0, false}, // back over a mount
		{root, "../../jail", 0, 0, true},
		{root, "jail/here", 0, 0, true},
		{root, "jail/here", vfs.Follow, 0, false}, // it leads to "."
		{root, "jail/here/a", 0, 0, true},
		{root, "jail/a/back", vfs.Follow, 0, true},
		{root, "jail/a/back", vfs.WantDir, linux.ENOTDIR, true},
		{root, "jail/a/back", vfs.Follow | vfs.WantDir, 0, true},
		{root, "jail/abs", vfs.Follow, 0, true},
		{root, "jail/slash", vfs.Follow, 0, false},
		{root, "jail/loop", vfs.Follow, 0, false},
		{root, "jail/many/jail", vfs.Follow, 0, true},
		{root, "closed/f", 0, 0, true},
		{user, "closed/f", 0, 0, false},
		{root, "", 0, 0, false},
		{root, "/", 0, 0, false},
		{root, "jail/a/f", vfs.Beneath, 0, false},
	} {
		if c.path != "jail/a/unseen" {
			if p, errno := vfs.Walk(c.ctx, w.at, c.path, c.flags); errno == 0 {
				p.Put()
			}
		}
		p, errno, ok := vfs.WalkCached(c.ctx, w.at, []byte(c.path), c.flags)
		if errno != c.errno || ok != c.ok {
			t.Errorf("%q, flags %#x: %v, %v", c.path, c.flags, errno, ok)
		}
		p.Put()
	}
}

// TestCachedStorm walks while names come and go and the cache is emptied: what is found is alive, and nothing stays behind.
func TestCachedStorm(t *testing.T) {
	w := newWorld(t)
	free := w.free()
	var walkers, changers sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		walkers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				p, _, _ := vfs.WalkCached(w.ctx, w.at, []byte("d/e/f"), 0)
				if !p.IsZero() {
					if _, errno := p.Inode().Stat(w.ctx); errno != 0 || p.Dentry.Name() != "f" {
						t.Error(errno, p.Dentry.Name())
					}
					p.Put()
				}
			}
		})
	}
	for g := range 2 {
		changers.Go(func() {
			for i := range 500 {
				vfs.Mkdir(w.ctx, w.at, "d", 0o755)
				vfs.Mkdir(w.ctx, w.at, "d/e", 0o755)
				if f, errno := vfs.Open(w.ctx, w.at, "d/e/f", vfs.OpenHow{Flags: linux.O_CREAT}); errno == 0 {
					f.Put()
				}
				if i%10 == 0 {
					vfs.Shrink(1<<20, func() bool { return false })
				}
				if p, errno := vfs.Walk(w.ctx, w.at, "d/e/f", 0); errno == 0 {
					p.Put()
				}
				vfs.Unlink(w.ctx, w.at, "d/e/f", false)
				vfs.Unlink(w.ctx, w.at, "d/e", true)
				vfs.Rename(w.ctx, w.at, "d", w.at, fmt.Sprintf("moved%d", g), 0)
				vfs.Unlink(w.ctx, w.at, fmt.Sprintf("moved%d", g), true)
			}
		})
	}
	changers.Wait()
	close(done)
	walkers.Wait()
	for _, path := range []string{"d/e/f", "moved0/e/f", "moved1/e/f"} {
		vfs.Unlink(w.ctx, w.at, path, false)
	}
	for _, path := range []string{"d/e", "d", "moved0/e", "moved0", "moved1/e", "moved1"} {
		vfs.Unlink(w.ctx, w.at, path, true)
	}
	if now := w.free(); now != free {
		t.Errorf("%d inodes are free, of %d", now, free)
	}
}

// TestCachedRoot: ".." of the root leads to what is mounted on it, as Walk has it.
func TestCachedRoot(t *testing.T) {
	w := fuzzTree(t)
	w.ok(w.ns.Mount(w.walk("/jail"), vfs.NewMount(w.tmpfs(""), 0)))
	w.mkdir("/jail/above")
	w.walk("/jail/above").Put()
	below := w.at.Root.Mount
	d, errno := vfs.ChildOf(w.ctx, below.Root(), "jail")
	w.ok(errno)
	jail := vfs.Path{Mount: below, Dentry: d}
	at := vfs.At{Root: jail, Start: jail}
	for path, want := range map[string]linux.Errno{"a": 0, "../above": 0, "../a": linux.ENOENT} {
		p, errno := vfs.Walk(w.ctx, at, path, 0)
		w.is(errno, want)
		q, errno, ok := vfs.WalkCached(w.ctx, at, []byte(path), 0)
		if q != p || errno != want || !ok {
			t.Errorf("%s: %v, %v, %v", path, q, errno, ok)
		}
		p.Put()
		q.Put()
	}
}
