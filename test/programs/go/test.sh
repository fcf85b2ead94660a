#!/bin/sh
# seconds: 150
# go test with packages, a failure, a panic, a benchmark, timers and many threads; the build cache
mkdir -p m/stack; cd m; printf 'module example.org/m\ngo 1.24\n' > go.mod
cat > stack/stack.go <<'E'
// Package stack is a stack.
package stack

type Stack[T any] struct{ s []T }

func (s *Stack[T]) Push(x T) { s.s = append(s.s, x) }
func (s *Stack[T]) Pop() (x T, ok bool) {
	if len(s.s) == 0 {
		return x, false
	}
	x = s.s[len(s.s)-1]
	s.s = s.s[:len(s.s)-1]
	return x, true
}
E
cat > stack/stack_test.go <<'E'
package stack

import (
	"os"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestPush(t *testing.T) {
	var s Stack[int]
	for i := range 1000 { s.Push(i) }
	if x, ok := s.Pop(); x != 999 || !ok { t.Fatal(x, ok) }
}
func TestParallel(t *testing.T) {
	for range 20 { t.Run("sub", func(t *testing.T) { t.Parallel(); time.Sleep(5 * time.Millisecond) }) }
}
func TestThreads(t *testing.T) {
	var wg sync.WaitGroup
	for range 50 { wg.Add(1); go func() { defer wg.Done(); runtime.LockOSThread(); syscall.Getpid(); time.Sleep(10 * time.Millisecond) }() }
	wg.Wait()
}
func TestPipe(t *testing.T) {
	r, w, _ := os.Pipe()
	r.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if _, err := r.Read(make([]byte, 1)); !os.IsTimeout(err) { t.Fatal(err) }
	w.Close()
}
func TestFail(t *testing.T) { if os.Getenv("FAIL") != "" { t.Error("on purpose") } }
func BenchmarkPush(b *testing.B) { var s Stack[int]; for i := 0; i < b.N; i++ { s.Push(i); s.Pop() } }
E
clean() { sed -E 's/[0-9.]+s\)?$/T/;s/\([0-9.]+s\)/(T)/;s/[0-9.]+s$/T/'; }
go test ./... 2>&1 | clean; go test ./... 2>&1 | clean; FAIL=1 go test ./stack 2>&1 | clean; go test -v -run 'Push|Pipe' ./stack | clean; go test -run '^$' -bench . -benchtime 100x ./stack | grep -c ns/op; go list ./...; go doc ./stack | head -1; go env GOOS GOARCH; ls "$(go env GOCACHE)" | wc -l | grep -c '[1-9]'
