package inet

import "testing"

// FuzzDiagFilter runs programs of ss(8)'s kind that have been checked.
func FuzzDiagFilter(f *testing.F) {
	f.Add([]byte{2, 8, 20, 0, 0, 0, 1, 0, 3, 8, 12, 0, 0, 0, 255, 255}, []byte("addresses"))
	f.Add([]byte{7, 16, 20, 0, 2, 8, 0, 0, 255, 255, 255, 255, 127, 0, 0, 0}, []byte{127})
	f.Fuzz(func(t *testing.T, program, addr []byte) {
		p := diagFilter(program)
		if p.check(true) != 0 {
			return
		}
		e := diagEntry{family: 10, sport: 80, dport: 8080}
		copy(e.src[:], addr)
		copy(e.dst[:], addr)
		p.match(&e)
		e.family = 2
		p.match(&e)
	})
}

// FuzzQuestion lets questions allow longer answers.
func FuzzQuestion(f *testing.F) {
	f.Add(query(1))
	f.Add(enlarge(query(2)))
	f.Fuzz(func(t *testing.T, b []byte) {
		n := len(b)
		if out := enlarge(b); len(out) != n && len(out) != n+sizeofOptEmpty {
			t.Errorf("%d bytes became %d", n, len(out))
		}
	})
}
