package dgram

import "testing"

// TestWorth: more is lent as long as all of it is taken, and nothing for a while after nobody has taken any.
func TestWorth(t *testing.T) {
	var w worth
	for _, most := range []int{2, 4, 8, 16, 32, 64, 64} {
		if n := w.next(); n != most {
			t.Fatalf("%d, not %d", n, most)
		}
		w.lent = most
		w.took.Store(int32(most))
	}
	w.took.Store(5)
	if n := w.next(); n != 64 {
		t.Errorf("after some were taken %d", n)
	}
	for most := 32; most > 0; most /= 2 {
		if n := w.next(); n != most {
			t.Fatalf("after none was taken %d, not %d", n, most)
		}
	}
	rest := 0
	for w.next() == 0 {
		rest++
	}
	if rest != longRest+1 || w.most != 2 {
		t.Errorf("a rest of %d, then %d", rest, w.most)
	}
}
