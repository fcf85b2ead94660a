// Package ptrace runs application code in stub processes that the sentry traces with
// ptrace(2).
//
// A stub process is an address space: it holds nothing but the application's mappings and one
// page of ours (the stub page, stub_amd64.s, below everything an application may map). Each
// Context has a stub thread of its own, traced by the operating system thread of the goroutine
// that calls Switch, which stays locked to it.
//
// Application code only ever runs under PTRACE_SYSEMU: a system call stops it before the host
// does anything. Host calls in a stub are made by setting its registers to the stub page's
// SYSCALL instruction, which an INT3 follows. A stop costs much more than a mapping call, so
// changes of an address space that nobody runs in are only noted (space.go), and made all at
// once, before application code runs again: the stub page holds a table of calls and a loop
// that makes them. The sentry writes the table through its own mapping; stubs cannot.
//
// New threads and processes begin in a loop of pause(2) in the stub page and are seized there by
// whoever will trace them. A process whose address space is gone is emptied and kept for the next
// one (process.go): by the thread that traces it, or for everybody.
//
// The master is the first stub process, made by New before the sentry is sealed; others are its
// children, and a large fork's are children of the process forked. They share the sentry's
// descriptor table, so that a descriptor of the sentry can be mapped in a stub, and die with it:
// PTRACE_O_EXITKILL, and the PID namespace whose init the sentry is.
//
// Placing: a round trip between a stub thread and its tracer costs several times less on one
// processor than across two. Both are bound to one, and move together when it has more to do
// than another (cpu.go).
//
// What is left out: a system call by INT 0x80 looks like one by SYSCALL here, and the vsyscall
// page answers with the host's time.
package ptrace
