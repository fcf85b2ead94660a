// Command syscalldoc writes docs/syscalls.md from the system call table:
//
//	go run ./tools/syscalldoc > docs/syscalls.md
package main

import (
	"fmt"
	"strings"

	"github.com/seed-7423c386/runsc/sentry/syscalls"
)

func main() { fmt.Print(page()) }

// page returns the whole page.
func page() string {
	var b strings.Builder
	done, partly, absent := 0, 0, 0
	var rows strings.Builder
	for nr, r := range syscalls.Table {
		if r.Name == "" {
			continue
		}
		state := "yes"
		switch {
		case r.Fn == nil:
			state = "no"
			absent++
		case r.Note != "":
			state = "partly"
			partly++
		default:
			done++
		}
		fmt.Fprintf(&rows, "| %d | %s | %s | %s |\n", nr, r.Name, state, r.Note)
	}
	fmt.Fprintf(&b, "# System calls\n\nMade by `go run ./tools/syscalldoc` from the table in `sentry/syscalls`; a test keeps it true.\n\n"+
		"%d calls are implemented in full, %d with the limits that their note names, and %d answer ENOSYS, as a Linux 6.12\nwithout the named option or after the removal does.\n\n", done, partly, absent)
	b.WriteString("| number | name | implemented | note |\n|---|---|---|---|\n")
	b.WriteString(rows.String())
	return b.String()
}
