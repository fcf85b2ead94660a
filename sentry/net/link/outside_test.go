package link

import (
	"testing"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform/host"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// TestFlow: frames gather if they come fast and nothing goes out, as long as that lasts.
func TestFlow(t *testing.T) {
	var f frames
	for _, c := range []struct {
		what  string
		time  int64 // since the last look
		took  int
		sent  bool
		flows bool
	}{
		{"few frames", 2 * flowTime, 100, false, false},
		{"many, so far", flowTime / 2, 1000, false, false},
		{"many", flowTime, 1000, false, true},
		{"none, so far", flowTime / 2, 0, false, true},
		{"many, and an answer", 2 * flowTime, 1000, true, false},
		{"many again", 2 * flowTime, 1000, false, true},
		{"the end", 100 * flowTime, 1, false, false},
	} {
		f.since, f.took = 0, c.took
		f.sent.Store(c.sent)
		if flows, _ := f.flow(c.time); flows != c.flows {
			t.Errorf("%s: %v", c.what, !c.flows)
		}
	}
}

// TestBulk: after a long frame the leader looks for the next one, once; and not where that takes system calls.
func TestBulk(t *testing.T) {
	var f frames
	l, _ := wireTo(t)
	f.links.Store(&[]*socket{l})
	for _, size := range []int{100, longFrame, 100} {
		f.count(size)
		if _, bulk := f.flow(0); bulk != (size == longFrame) {
			t.Errorf("after a frame of %d bytes: %v", size, bulk)
		}
	}
	if _, bulk := f.flow(0); bulk {
		t.Error("twice")
	}
	if f.lookFor(wait.NewThreadWaiter(), -1) {
		t.Error("a frame is seen where there is none")
	}
}

// TestGather: whoever lets frames gather takes notice of a kick as one who waits for them.
func TestGather(t *testing.T) {
	f := frames{kick: -1}
	f.kick, _ = host.Eventfd()
	defer host.Close(f.kick)
	f.Kick()
	f.gather()
	var b [8]byte
	if _, errno := host.Read(f.kick, b[:]); errno != linux.EAGAIN {
		t.Errorf("the kick is still there: %v", errno)
	}
}
