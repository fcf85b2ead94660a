package boot

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// Go's collector runs when the heap has doubled. The sentry's is a few megabytes, so that a busy network or file
// system would have it run all the time: it may grow by this much first, whatever its size.
const heapSlack = 32 << 20

// tuneCollector sets the collector's aim anew each time it has run.
func tuneCollector() {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	type sentinel struct{ _ *byte }
	was := 800
	var again func(*sentinel)
	again = func(s *sentinel) {
		metrics.Read(live)
		percent := 100
		if n := live[0].Value.Uint64(); n < heapSlack {
			percent = int(min(heapSlack*100/max(n, 1), 2000))
		}
		if d := percent - was; d < -was/8 || d > was/8 { // it stops the world
			was = percent
			debug.SetGCPercent(percent)
		}
		runtime.SetFinalizer(s, again) // runs after the next collection
	}
	s := &sentinel{}
	runtime.SetFinalizer(s, again)
	debug.SetGCPercent(was)
}
