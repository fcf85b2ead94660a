// Package ptrace runs application code in stub processes that the sentry traces with
// ptrace(2).
//
// A stub process is an address space: it holds nothing but the application's mappings and one
// page of code (the stub page, stub_amd64.s, below everything an application may map). Its
// first thread, the service thread, never runs application code: it stays stopped and makes
// the mapping calls that nobody else is at hand for. Each Context has a stub thread of its own,
// traced by the operating system thread of the goroutine that calls Switch, which stays locked
// to it.
//
// Application code only ever runs under PTRACE_SYSEMU: a system call stops it before the host
// does anything. Host calls in a stub are made by setting its registers to the stub page's
// SYSCALL instruction, which an INT3 follows. New threads and processes begin in a loop of
// pause(2) in the stub page and are seized there by whoever will trace them.
//
// The master is the first stub process, made by New before the sentry is sealed; empty address
// spaces are its children, and fork's are children of the process forked. They share the
// sentry's descriptor table, so that a descriptor of the sentry can be mapped in a stub, and
// die with it: PTRACE_O_EXITKILL, and the PID namespace whose init the sentry is.
//
// Placing: a round trip between a stub thread and its tracer costs several times less on one
// processor than across two. Both are bound to one, and move together when it has more to do
// than another (cpu.go).
//
// What is left out: a system call by INT 0x80 looks like one by SYSCALL here, and the vsyscall
// page answers with the host's time.
package ptrace
