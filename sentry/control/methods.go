package control

import (
	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// Method is one thing that can be asked: A is its argument, R its result.
type Method[A, R any] struct{ Name string }

// Empty is the argument or result of a method that has none.
type Empty struct{}

// The methods. A container is named in each argument because a sandbox may hold several.
var (
	// Start lets the created container's process run.
	Start = Method[Container, Empty]{"start"}
	// Signal sends a signal as SignalArgs says. Error "no such process" if nobody is there.
	Signal = Method[SignalArgs, Empty]{"signal"}
	// Exec starts another process in a container, before its Start as well as after. The
	// files sent along become its descriptors 0, 1, 2, ….
	Exec = Method[ExecArgs, ExecResult]{"exec"}
	// Wait answers when the process is dead, with its status. A process that was started
	// by Exec can be waited for once; the container's first process any number of times.
	Wait = Method[WaitArgs, WaitResult]{"wait"}
	// Ps lists the processes of a container.
	Ps = Method[Container, PsResult]{"ps"}
	// Bind has the container killed when the connection ends.
	Bind = Method[Container, Empty]{"bind"}
	// Pause answers when every task of the container stands still; Resume lets them go.
	Pause  = Method[Container, Empty]{"pause"}
	Resume = Method[Container, Empty]{"resume"}
	// State tells how the container is.
	State = Method[Container, StateResult]{"state"}
	// Stats tells what it uses.
	Stats = Method[Container, StatsResult]{"stats"}
	// Stacks returns the stacks of the sentry's goroutines.
	Stacks = Method[Empty, StacksResult]{"stacks"}
	// Winsize sets the window size of a terminal in the container.
	Winsize = Method[WinsizeArgs, Empty]{"winsize"}
	// Create makes one more container in this sandbox (a pod's second). The files sent
	// along are those whose numbers CreateArgs.Config names, in the order of its Files.
	Create = Method[CreateArgs, Empty]{"create"}
)

// Container names a container of the sandbox.
type Container struct{ ID string }

// Scope says whom a signal is for.
type Scope string

const (
	ToProcess    Scope = "process"    // the process PID, 0 being the container's first
	ToGroup      Scope = "group"      // the process group PID
	ToForeground Scope = "foreground" // the foreground group of the terminal of process PID
	ToAll        Scope = "all"        // every process of the container
)

// SignalArgs is a kill(2) from outside. PIDs are those of the container's PID namespace.
type SignalArgs struct {
	ID    string
	PID   int32
	Signo int
	Scope Scope
}

// ExecArgs describes a process to start. Process.Terminal says that descriptor 0 is a
// terminal, which becomes the controlling one of a new session. The process is killed if the
// connection ends before it: its stand-in on the host was killed.
type ExecArgs struct {
	ID      string
	Process *specs.Process // a User.Username, name[:gid], is looked up in the container
	Seccomp []byte         // as in Config; the container's own if empty and Inherit
	Inherit bool           // take the container's seccomp filter
	Cgroup  string         // sub-cgroup inside the container, "" for its own
}

// ExecResult carries the new process's id in the container's PID namespace. A failed Exec is
// an Error whose Code is the exit code that fits (126, 127), as in Report.
type ExecResult struct{ PID int32 }

// WaitArgs names a process that Exec has started; 0 is the container's first.
type WaitArgs struct {
	ID  string
	PID int32
}

// WaitResult is how a process ended: its exit code, or 128 plus the signal's number.
type WaitResult struct {
	Status int
	Signal int // the signal that killed it, or 0
}

// PsResult lists processes.
type PsResult struct{ Processes []Process }

// Process is one line of ps.
type Process struct {
	PID, PPID int32
	UID       uint32
	TTY       string // "pts/0", or "?"
	Threads   int
	Start     int64  // seconds since the epoch
	Time      int64  // nanoseconds of processor time
	Command   string // arguments joined, or the name in brackets
}

// StateResult is how a container is: "created", "running", "paused" or "stopped".
type StateResult struct {
	Status string
	PID    int32
}

// StatsResult is what a container uses, as the sentry counts it.
type StatsResult struct {
	Memory   uint64 // bytes of application memory and page cache
	CPU      uint64 // nanoseconds
	Pids     int
	Syscalls uint64
}

// StacksResult is text for a person.
type StacksResult struct{ Text string }

// WinsizeArgs is TIOCSWINSZ from outside.
type WinsizeArgs struct {
	ID         string
	PID        int32 // a process whose controlling terminal is meant; 0: the first
	Rows, Cols uint16
}

// CreateArgs creates another container. Config.FD and Config.Log name descriptors by number;
// the i-th file of the request stands for the number Files[i].
type CreateArgs struct {
	Config *Config
	Files  []int
}
