package tools

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-7423c386/runsc/sentry/syscalls"
)

var numberLine = regexp.MustCompile(`(?m)^#define __NR_(\w+) (\d+)$`)

// TestSyscallTable: every system call of the host's headers has its row, under its name; a call
// that is absent says why, and no name is there twice.
func TestSyscallTable(t *testing.T) {
	const header = "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"
	text, err := os.ReadFile(header)
	if err != nil {
		t.Fatalf("%v: it is in the package linux-libc-dev", err)
	}
	list := numberLine.FindAllStringSubmatch(string(text), -1)
	if len(list) < 350 {
		t.Fatalf("%s defines only %d calls", header, len(list))
	}
	for _, m := range list {
		nr, _ := strconv.Atoi(m[2])
		if nr >= syscalls.Size {
			continue // newer than Linux 6.12
		}
		if got := syscalls.Table[nr].Name; got != m[1] {
			t.Errorf("call %d, %s: the table has %q", nr, m[1], got)
		}
	}
	names := map[string]bool{}
	for nr, row := range syscalls.Table {
		switch {
		case row.Name == "" && (row.Fn != nil || row.Note != "" || row.Format != ""):
			t.Errorf("call %d has a row without a name", nr)
		case row.Name == "":
			continue
		case row.Fn == nil && row.Note == "":
			t.Errorf("%s is absent and does not say why", row.Name)
		case names[row.Name]:
			t.Errorf("%s has two rows", row.Name)
		case len(strings.Fields(row.Format)) > 6:
			t.Errorf("%s has more than six arguments: %q", row.Name, row.Format)
		}
		names[row.Name] = true
	}
}
