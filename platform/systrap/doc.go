// Package systrap runs application code in stub processes whose system calls seccomp turns into
// signals, and hands them to the sentry through shared memory.
//
// A stub process is an address space: the application's mappings, and the stub's own pages at
// both ends of it (layout.go). Its first thread, the service thread, never runs application
// code: it makes the mapping calls that the sentry orders. Each Context has a thread of its own
// in the process, with a signal stack and a page shared with the sentry, its area.
//
// A system call, fault or exception of the application is a signal. Its handler (stub_amd64.s)
// notes what it was, changes the area's state word to stateTrap, and waits; the goroutine in
// Switch waits for that, reads the registers from the signal frame, and in its time writes those
// to go on with and changes the word back. Both sides look at the word for a while before they
// sleep in a futex. The handler does not return by rt_sigreturn(2), but loads the registers
// itself.
//
// The master is the first process, forked from the sentry before it is sealed, and emptied.
// Empty address spaces are forked from it, by its service thread on the sentry's order, and
// those of fork(2) from the process forked.
package systrap
