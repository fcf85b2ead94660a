package syscalls

import (
	"fmt"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/kernel"
)

// Args are a call's six arguments, with their C types asked for by method.
type Args = *kernel.Args

// Row is one system call.
type Row struct {
	Name string
	// Format names the kind of each argument, in order, for the strace printer: words of
	// kinds (strace_kinds.go), such as "fd buf size". What they are called for the reader of
	// `--strace` is decided there, too.
	Format string
	// Fn does the call; nil if it is absent.
	Fn kernel.SyscallFunc
	// Note says what is missing or why the call is absent; empty if it is complete.
	Note string
}

// rows is a family's part of the table.
type rows map[int]Row

// Size is one more than the highest system call number of Linux 6.12.
const Size = linux.SYS_MSEAL + 1

// Table is indexed by system call number. Numbers Linux leaves unused have an empty row.
var Table [Size]Row

// register adds a family's rows; every file calls it once, from init.
func register(family rows) {
	for nr, r := range family {
		if Table[nr].Name != "" {
			panic(fmt.Sprintf("syscalls: %d has two rows, %s and %s", nr, Table[nr].Name, r.Name))
		}
		Table[nr] = r
	}
}

// Functions returns the functions by number, nil where a call is absent: what the run loop
// dispatches on.
func Functions() []kernel.SyscallFunc {
	fns := make([]kernel.SyscallFunc, Size)
	for nr := range Table {
		fns[nr] = Table[nr].Fn
	}
	return fns
}

// Name returns the name of call nr, "syscall_N" for a number without a row.
func Name(nr uint64) string {
	if nr < Size && Table[nr].Name != "" {
		return Table[nr].Name
	}
	return fmt.Sprintf("syscall_%d", nr)
}
