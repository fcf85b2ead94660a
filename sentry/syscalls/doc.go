// Package syscalls is the system call table of Linux 6.12, x86-64, and the functions behind
// it: decode the arguments, one call down, encode the result. It holds no state and no policy.
//
// One file per family (sys_open.go, sys_signal.go …). Each begins with its rows of the table;
// a row is the only place that knows a call, and dispatch, the strace printer, the
// compatibility page (docs/syscalls.md) and the report of unsupported calls are all made from
// it. Calls that Linux itself would not have in our configuration stand in absent.go with the
// reason.
package syscalls
