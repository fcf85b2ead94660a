package main

import (
	"strings"
	"testing"
)

func TestVerdicts(t *testing.T) {
	tab := newTable(&options{})
	tab.addAll(native, map[string]float64{"getpid": 100, "clock_gettime": 20})
	tab.addAll("ptrace", parse("getpid 15000\nclock_gettime 41\nnonsense\n"))
	tab.add(startRow, "ptrace", 46e6)
	want := map[string]string{"getpid": "ok", "clock_gettime": "MISS", startRow: "MISS"}
	for _, r := range tab.rows {
		if c, ok := tab.cell(r, "ptrace"); ok && c.Verdict != want[r.id] {
			t.Errorf("%s: %q, want %q", r.id, c.Verdict, want[r.id])
		}
	}
	if !tab.missed() {
		t.Error("nothing missed")
	}
	var out strings.Builder
	if err := tab.write(&out); err != nil || !strings.Contains(out.String(), "≤ 160×") {
		t.Errorf("%v\n%s", err, out.String())
	}
}

func TestMedian(t *testing.T) {
	tab := newTable(&options{})
	for _, v := range []float64{9, 1, 2, 4} {
		tab.add("getpid", native, v)
	}
	if v, _ := tab.value("getpid", native); v != 3 {
		t.Errorf("median %v, want 3", v)
	}
}
