// Package kernel is tasks and what belongs to them: thread groups, sessions, signals, wait
// and exit, clone and exec, futexes, timers, descriptor tables, namespaces, credentials, and
// the run loop. It mirrors kernel/*.c of Linux, knows no file system by name and no system
// call by number but the few whose restart it arranges.
//
// One goroutine per application thread runs Task.run: switch to the application, handle the
// trap, do pending work (stop, signals, exit), repeat. Whoever wants something of another
// task notes it under the group's lock and calls Task.kick; the run loop looks.
//
// Locks, outermost first:
//
//	Kernel.tasks   the tree: parents, children, groups, sessions, ids, tracers
//	Group.mu       signals and stops of a group and its threads, timers, limits
//	Sighand.mu     the actions
//	wait queues
//
// Application memory is touched with none of them held.
package kernel
