#!/bin/sh
# seconds: 150
# go: a program that is its own child, pipes of many goroutines, timers, context, memory, panics of signals
cat > main.go <<'E'
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/debug"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) > 1 {
		c := make(chan os.Signal, 1)
		signal.Notify(c, syscall.SIGTERM)
		fmt.Println("ready")
		fmt.Println(<-c)
		os.Exit(7)
	}
	cmd := exec.Command("/proc/self/exe", "child")
	out, _ := cmd.StdoutPipe()
	cmd.Start()
	r := bufio.NewReader(out)
	line, _ := r.ReadString('\n')
	cmd.Process.Signal(syscall.SIGTERM)
	rest, _ := io.ReadAll(r)
	fmt.Printf("%q %q %v\n", line, rest, cmd.Wait())
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	fmt.Println(exec.CommandContext(ctx, "sleep", "100").Run(), ctx.Err())
	var wg sync.WaitGroup
	var mu sync.RWMutex
	m := map[int]int{}
	for i := range 50 {
		wg.Go(func() {
			for j := range 200 {
				mu.Lock()
				m[(i*j)%17]++
				mu.Unlock()
				mu.RLock()
				_ = m[3]
				mu.RUnlock()
			}
		})
	}
	wg.Wait()
	fmt.Println(m)
	pr, pw := io.Pipe()
	go func() { fmt.Fprint(pw, strings.Repeat("data ", 10000)); pw.Close() }()
	n, _ := io.Copy(io.Discard, pr)
	fmt.Println(n)
	_, err := os.Open("/nonexistent/x")
	fmt.Println(err, errors.Is(err, fs.ErrNotExist))
	f, _ := os.CreateTemp("", "x")
	f.WriteString("temp")
	fi, _ := f.Stat()
	fmt.Println(fi.Size(), fi.Mode())
	names := []string{}
	fs.WalkDir(os.DirFS("/etc"), ".", func(p string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(p, ".conf") {
			names = append(names, p)
		}
		return nil
	})
	sort.Strings(names)
	fmt.Println(len(names) > 5, names[0])
	func() {
		defer func() { fmt.Println("recovered", recover()) }()
		debug.SetPanicOnFault(true)
		var a []int
		a[5] = 1
	}()
	var ms runtime.MemStats
	x := make([][]byte, 0)
	for range 100 {
		x = append(x, make([]byte, 1<<20))
	}
	runtime.ReadMemStats(&ms)
	fmt.Println(len(x), ms.HeapAlloc > 100<<20)
	x = nil
	debug.FreeOSMemory()
	runtime.ReadMemStats(&ms)
	fmt.Println(ms.HeapAlloc < 50<<20)
	done := time.After(100 * time.Millisecond)
	ticks := 0
	for t := time.Tick(10 * time.Millisecond); ; {
		select {
		case <-t:
			ticks++
			continue
		case <-done:
		}
		break
	}
	fmt.Println(ticks > 0)
	deep(0)
}

func deep(n int) {
	var b [100]byte
	if n == 100000 {
		fmt.Println("deep", len(b))
		return
	}
	deep(n + 1)
}
E
go run main.go 2>&1 | sed 's/exit status/status/'; printf 'package main\nimport "fmt"\nfunc main() { fmt.Println("small"); var m map[int]int; m[1] = 1 }\n' > s.go; go build -o s s.go && ./s 2>&1 | head -2; printf 'package main\nimport "time"\nfunc main() { go func() { panic("other") }(); time.Sleep(time.Hour) }\n' > p.go; go build -o p p.go && ./p 2>&1 | head -1; ./p 2>/dev/null; echo $?; printf 'package main\nfunc main() { c := make(chan int); <-c }\n' > d.go; go build -o d d.go; ./d 2>&1 | head -1; GOMAXPROCS=1 ./s 2>/dev/null; go version -m s | head -2 | sed 's/go1.*/go1/'
