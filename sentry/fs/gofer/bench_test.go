package gofer

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/gofer/wire"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// BenchmarkRoundTrip is the least a request costs.
func BenchmarkRoundTrip(b *testing.B) {
	x := exclusive(b)
	i := baseOf(x.sb.Root().Inode())
	for b.Loop() {
		i.ask()
	}
}

// BenchmarkLookup looks up files that were never seen.
func BenchmarkLookup(b *testing.B) {
	x := exclusive(b)
	const n = 2000
	for i := range n {
		x.put(fmt.Sprint(i), "")
	}
	d := x.sb.Root().Inode().Ops.(*dir)
	for i := 0; b.Loop(); i++ {
		child, errno := d.Lookup(x.ctx, fmt.Sprint(i%n))
		if errno != 0 {
			b.Fatal(errno)
		}
		child.Put()
	}
}

// BenchmarkOpenClose opens a file that is known.
func BenchmarkOpenClose(b *testing.B) {
	x := exclusive(b)
	x.put("f", "x")
	for b.Loop() {
		x.open("f", 0, 0).Put()
	}
}

// BenchmarkOpenCold opens files that were never seen and reads them.
func BenchmarkOpenCold(b *testing.B) {
	x := exclusive(b)
	const n = 3000
	for i := range n {
		x.put(fmt.Sprint(i), "content")
	}
	d := x.sb.Root().Inode().Ops.(*dir)
	p := make([]byte, 100)
	for i := 0; b.Loop(); i++ {
		child, errno := d.Lookup(x.ctx, fmt.Sprint(i%n))
		if errno != 0 {
			b.Fatal(errno)
		}
		f := &vfs.File{Inode: child, Mode: vfs.ModeRead}
		ops, errno := child.Ops.Open(x.ctx, f)
		if errno != 0 {
			b.Fatal(errno)
		}
		buf := usermem.Bytes(p)
		if n, _ := ops.Read(x.ctx, f, &buf, 0); n != 7 {
			b.Fatal(n)
		}
		ops.Release(f)
		child.Put()
	}
}

// BenchmarkStat is of a known file, by a path of three names.
func BenchmarkStat(b *testing.B) {
	for _, exclusive := range []bool{true, false} {
		b.Run(fmt.Sprintf("exclusive=%v", exclusive), func(b *testing.B) {
			x := fresh(b, Options{Exclusive: exclusive})
			os.MkdirAll(x.host("a/b"), 0o755)
			x.put("a/b/f", "x")
			for b.Loop() {
				x.stat("a/b/f")
			}
		})
	}
}

func BenchmarkRead(b *testing.B) {
	x := exclusive(b)
	x.put("f", string(make([]byte, 1<<16)))
	f := x.open("f", 0, 0)
	defer f.Put()
	for _, n := range []int{64, 1 << 16} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			p := make([]byte, n)
			for b.Loop() {
				buf := usermem.Bytes(p)
				f.ReadAt(x.ctx, &buf, 0, false)
			}
		})
	}
}

func BenchmarkWrite(b *testing.B) {
	x := exclusive(b)
	f := x.open("f", linux.O_CREAT|linux.O_RDWR, 0o644)
	defer f.Put()
	p := make([]byte, 4096)
	for b.Loop() {
		buf := usermem.Bytes(p)
		f.WriteAt(x.ctx, &buf, 0, false, false)
	}
}

func BenchmarkCreateUnlink(b *testing.B) {
	x := exclusive(b)
	for b.Loop() {
		f := x.open("f", linux.O_CREAT|linux.O_RDWR, 0o644)
		x.write(f, "x")
		f.Put()
		vfs.Unlink(x.ctx, x.at, "f", false)
	}
}

// BenchmarkTree lists a directory of 500 files and looks at each, as `ls -l` does.
func BenchmarkTree(b *testing.B) {
	dir := b.TempDir()
	for i := range 500 {
		os.WriteFile(fmt.Sprintf("%s/%d", dir, i), nil, 0o644)
	}
	g := start(b, wire.Config{Attach: []wire.Attach{{Path: dir}}})
	for b.Loop() {
		x := g.mounted(b, 0, dir, Options{Exclusive: true})
		for _, name := range x.ordered("/") {
			x.stat(name)
		}
		x.at.Root.Put()
		x.at.Root.Mount.Put()
	}
}

// BenchmarkStart is from starting the gofer to its first reply.
func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	var took time.Duration
	for b.Loop() {
		began := time.Now()
		g := start(b, wire.Config{Attach: []wire.Attach{{Path: dir, Recursive: true}}})
		g.mounted(b, 0, dir, Options{})
		took += time.Since(began)
		g.Client.Close()
		g.p.Wait()
	}
	b.ReportMetric(float64(took.Microseconds())/float64(b.N), "µs/start")
}
