package kernel

import (
	"math"
	"slices"
	"sync"
	"testing"
	"time"
)

// TestAlarms: alarms that are due together come in the order of their times, stopped ones not.
func TestAlarms(t *testing.T) {
	var a alarms
	var mu sync.Mutex
	var got []int
	start := time.Now().Add(50 * time.Millisecond)
	list := make([]*alarm, 200)
	for i := range list {
		n := i * 77 % len(list)
		list[n] = a.when(start.Add(time.Duration(n)*2000), func() {
			mu.Lock()
			defer mu.Unlock()
			if got = append(got, n); n == 10 {
				time.Sleep(2 * time.Millisecond)
			}
		})
	}
	for n := 0; n < len(list); n += 3 {
		list[n].stop()
	}
	deadline := time.Now().Add(10 * time.Second)
	for want := len(list) * 2 / 3; ; time.Sleep(time.Millisecond) {
		mu.Lock()
		done := len(got) >= want
		mu.Unlock()
		if done || time.Now().After(deadline) {
			break
		}
	}
	time.Sleep(5 * time.Millisecond)
	mu.Lock()
	defer mu.Unlock()
	if len(got) != 133 || !slices.IsSorted(got) {
		t.Errorf("%d alarms: %v", len(got), got)
	}
	for _, n := range got {
		if n%3 == 0 {
			t.Errorf("%d was stopped", n)
		}
	}
	list[1].stop() // that it has been is fine
}

func TestForward(t *testing.T) {
	const end = math.MaxInt64
	for _, c := range [][5]int64{ // next, interval, now, moved, steps
		{10, 5, 10, 15, 1},
		{10, 5, 14, 15, 1},
		{10, 5, 15, 20, 2},
		{10, end, 10, end, 1},
		{1, 1, 1 << 60, 1<<60 + 1, 1 << 60},
		{end - 1, 3, end - 1, end, 1},
	} {
		if moved, steps := forward(c[0], c[1], c[2]); moved != c[3] || steps != c[4] {
			t.Errorf("forward(%d, %d, %d) = %d, %d; want %d, %d", c[0], c[1], c[2], moved, steps, c[3], c[4])
		}
	}
}
