package log

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLimit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l, err := New(path, "text", false)
	if err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		l.Warnf("again")
	}
	l.Debugf("not asked for")
	l.Errorf("at %s", "last")
	raw, _ := os.ReadFile(path)
	if n := strings.Count(string(raw), "\n"); n < 50 || n > 200 {
		t.Errorf("%d lines", n)
	}
	if !strings.HasSuffix(string(raw), "level=error msg=\"at last\"\n") || strings.Contains(string(raw), "asked") {
		t.Errorf("%s", raw)
	}
	var none *Logger
	none.Warnf("nothing happens")
}
