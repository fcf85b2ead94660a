package vfs

import "github.com/seed-7423c386/runsc/abi/linux"

// TTY is a terminal as sessions and /proc see it. devpts and host terminals implement it.
type TTY interface {
	Dev() uint64  // device number
	Name() string // "pts/0"

	// Foreground is the foreground process group, nil if there is none.
	Foreground() ProcessGroup

	// SetSession tells the terminal whose controlling terminal it is now (nil: nobody's);
	// foreground becomes its foreground group. Called by the kernel with its locks held: it
	// must only take locks under which the terminal calls nothing.
	SetSession(s Session, foreground ProcessGroup)

	// Session is what SetSession was given last.
	Session() Session
}

// Session is a session of the kernel. Its methods take the kernel's locks.
type Session interface {
	// Hangup sends SIGHUP and SIGCONT to the leader and takes the terminal away: the
	// other side is gone.
	Hangup()
}

// ProcessGroup is a process group of the kernel. Its methods take the kernel's locks.
type ProcessGroup interface {
	Signal(signo int)
	Orphaned() bool
	// Session is the session it is in.
	Session() Session
}

// JobControl is what a terminal asks of its caller. *kernel.Task implements it beside Ctx; a Ctx
// that does not is the kernel's own.
type JobControl interface {
	// TTY is the controlling terminal, nil if there is none.
	TTY() TTY
	// ProcessGroup is the caller's.
	ProcessGroup() ProcessGroup
	// SetTTY makes t the controlling terminal of the caller's session: EPERM if the caller
	// leads none, has one already, or t is another session's and steal is false.
	SetTTY(t TTY, steal bool) linux.Errno
	// DropTTY gives the controlling terminal up (TIOCNOTTY).
	DropTTY() linux.Errno
	// FindProcessGroup finds the group nr of the caller's PID namespace: ESRCH; EPERM if it
	// is of another session.
	FindProcessGroup(nr int32) (ProcessGroup, linux.Errno)
	// ProcessGroupID and SessionID are numbers as the caller's PID namespace shows them, 0
	// if it does not.
	ProcessGroupID(g ProcessGroup) int32
	SessionID(s Session) int32
	// Ignores tells whether the caller ignores or blocks signo.
	Ignores(signo int) bool
}
