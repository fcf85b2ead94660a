package wait

import (
	"testing"
	"time"
)

// wire is an Outside that wakes whom it is told to.
type wire struct {
	wakes []*Waiter // at each Lead
	led   int
}

func (o *wire) Look()         {}
func (o *wire) Looking() bool { return o.led > 0 }
func (o *wire) Kick()         {}
func (o *wire) Rest()         {}

func (o *wire) Lead(w *Waiter, _ int64) (led, woke bool) {
	if w.Begin() {
		o.led++
	}
	w.End()
	if len(o.wakes) == 0 {
		return false, false
	}
	next := o.wakes[0]
	o.wakes = o.wakes[1:]
	if next != nil {
		next.Wake()
	}
	return true, next != nil
}

// TestLead: who was woken from outside waits there in person, until others are woken by what comes in.
func TestLead(t *testing.T) {
	defer theOutside.Store(theOutside.Load())
	w, other := NewThreadWaiter(), NewThreadWaiter()
	o := &wire{}
	SetOutside(o)
	soon := func() time.Time { return time.Now().Add(5 * time.Millisecond) }
	for _, c := range []struct {
		what    string
		outside bool
		wakes   []*Waiter
		led     int
		again   bool
	}{
		{"it was woken by something else", false, []*Waiter{w}, 0, false},
		{"nobody is woken, then it is", true, []*Waiter{nil, nil, w}, 3, true},
		{"somebody else is woken", true, []*Waiter{nil, other, w}, 2, false},
		{"both are", true, []*Waiter{other}, 1, false},
	} {
		o.wakes, o.led = c.wakes, 0
		w.outside.Store(c.outside)
		w.Sleep(soon())
		if o.led != c.led || w.outside.Load() != c.again {
			t.Errorf("%s: it waited %d times, and will again: %v", c.what, o.led, w.outside.Load())
		}
		w.noticed()
	}
}
