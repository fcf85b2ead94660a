#!/bin/sh
# go build and run: goroutines, channels, os/exec, files, signals, sockets of unix
mkdir p; cd p; cat > go.mod <<'E'
module example.org/p
go 1.24
E
cat > main.go <<'E'
package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	var n atomic.Int64
	var wg sync.WaitGroup
	ch := make(chan int, 10)
	for i := 0; i < 1000; i++ {
		wg.Add(1)
		go func() { defer wg.Done(); n.Add(int64(i)); ch <- 1; <-ch }()
	}
	wg.Wait()
	fmt.Println("goroutines", n.Load())
	out, err := exec.Command("sh", "-c", "echo child; exit 3").CombinedOutput()
	fmt.Printf("%q %v\n", out, err)
	_, err = exec.Command("/nonexistent").Output()
	fmt.Println(err)
	cmd := exec.Command("tr", "a-z", "A-Z")
	cmd.Stdin = strings.NewReader(strings.Repeat("text\n", 50000))
	out, _ = cmd.Output()
	fmt.Println(len(out), string(out[:4]))
	sig := make(chan os.Signal, 1)
	signal.Notify(sig, syscall.SIGUSR1)
	syscall.Kill(os.Getpid(), syscall.SIGUSR1)
	fmt.Println(<-sig)
	l, err := net.Listen("unix", "sock")
	if err != nil {
		panic(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				for s := bufio.NewScanner(c); s.Scan(); {
					fmt.Fprintln(c, strings.ToUpper(s.Text()))
				}
				c.Close()
			}()
		}
	}()
	var lines []string
	var mu sync.Mutex
	for i := 0; i < 20; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			c, _ := net.Dial("unix", "sock")
			fmt.Fprintln(c, "conn", i)
			s, _ := bufio.NewReader(c).ReadString('\n')
			c.Close()
			mu.Lock()
			lines = append(lines, strings.TrimSpace(s))
			mu.Unlock()
		}()
	}
	wg.Wait()
	sort.Strings(lines)
	fmt.Println(lines)
	os.MkdirAll("d/e", 0o755)
	os.WriteFile("d/e/f", []byte("x"), 0o600)
	filepath.WalkDir("d", func(p string, e os.DirEntry, err error) error { fmt.Println(p, e.IsDir()); return err })
	t := time.NewTicker(5 * time.Millisecond)
	for i := 0; i < 5; i++ {
		<-t.C
	}
	done := make(chan bool)
	go func() { x := 0; for i := 0; i < 1e8; i++ { x ^= i }; done <- x >= 0 }()
	fmt.Println(<-done)
	garbage := 0
	for i := 0; i < 300; i++ { b := make([]byte, 1<<20); b[i] = 1; garbage += len(b) }
	runtime.GC()
	fmt.Println(garbage>>20, runtime.NumGoroutine() < 50)
	defer func() { fmt.Println("recovered:", recover()); var p *int; *p = 1 }()
	var p *int
	fmt.Println(*p)
}
E
go version | cut -c1-10; go vet . && go build -o prog . && ./prog 2>&1 | grep -v -E '^(goroutine|	|main\.|panic\(|runtime|created|$)'; go run main.go 2>&1 | head -1; gofmt -l .; echo 'package main; func main() { x }' > bad.go; go run bad.go; echo $?
