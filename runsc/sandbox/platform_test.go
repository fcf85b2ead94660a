package sandbox

import (
	"testing"

	"github.com/seed-7423c386/runsc/sentry/control"
)

// TestFastest takes the first platform that works unless another is twice as fast.
func TestFastest(t *testing.T) {
	m := func(name string, ns int64) control.Measurement {
		return control.Measurement{Platform: name, Nanoseconds: ns}
	}
	broken := control.Measurement{Platform: "systrap", Error: "no"}
	for _, c := range []struct {
		all  []control.Measurement
		want string
	}{
		{[]control.Measurement{m("systrap", 100), m("ptrace", 9000)}, "systrap"},
		{[]control.Measurement{m("systrap", 9000), m("ptrace", 8500)}, "systrap"},
		{[]control.Measurement{m("systrap", 50000), m("ptrace", 8500)}, "ptrace"},
		{[]control.Measurement{broken, m("ptrace", 8500), m("kvm", 10)}, "ptrace"},
		{[]control.Measurement{broken, m("kvm", 10)}, ""},
	} {
		if got, err := Fastest(c.all); got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%+v: %q, %v", c.all, got, err)
		}
	}
}
