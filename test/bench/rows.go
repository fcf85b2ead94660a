package main

import _ "embed"

//go:embed calls/calls.c
var callsC string

const (
	startRow  = "run /bin/true"
	memoryRow = "memory, sandbox + gofer"
	idleRow   = "CPU while idle"
)

// unit of a row's figures, which are kept in nanoseconds, bytes or percent.
type unit int

const (
	nanoseconds unit = iota
	milliseconds
	megabytes
	percent
)

// row is one line of the table. id is what calls.c prints.
type row struct {
	id, name string
	unit     unit
	// absolute is the highest figure allowed on any platform, 0: none; most: on one.
	absolute float64
	most     map[string]float64
	// ratio is the highest multiple of native allowed, on any platform; ptrace and systrap: there.
	ratio, ptrace, systrap float64
	// runc is the highest multiple of runc's figure allowed on systrap.
	runc float64
	// calls is how many calls to the sentry the row makes, 0 if they are not all it does. On platforms
	// other than ptrace each may take busyCall if the processors are busy with other work.
	calls int
}

// busyCall is what a call to the sentry may take if no processor is free, ns.
const busyCall = 12e3

// share of the comparable sandbox's cost that is allowed.
const share = 0.4

// times is the target on ptrace made from what the comparable sandbox takes there and what the
// host took beside it.
func times(sandbox, native float64) float64 { return share * sandbox / native }

var containerRows = []row{
	{id: startRow, name: startRow, unit: milliseconds, absolute: 45e6},
	{id: memoryRow, name: memoryRow, unit: megabytes, absolute: 18e6},
	{id: idleRow, name: idleRow, unit: percent, absolute: 0.5},
}

var callRows = []row{
	{id: "getpid", name: "getpid", ptrace: times(41500, 104), systrap: 0.3},
	{id: "getpgid", name: "getpgid of another", calls: 1, systrap: 3},
	{id: "clock_gettime", name: "clock_gettime", ratio: 2},
	{id: "stat", name: "stat", calls: 1, ptrace: times(51500, 720), systrap: 2.5},
	{id: "open+close", name: "open+close", calls: 2, ptrace: times(66000, 1450), systrap: 3},
	{id: "pread_64", name: "pread 64 B", calls: 1, ptrace: times(48500, 330), systrap: 2.5},
	{id: "pwrite_4k", name: "pwrite 4 KiB", calls: 1, ptrace: times(48000, 520), systrap: 2},
	{id: "pipe", name: "pipe write+read", calls: 2, ptrace: times(94000, 465), systrap: 3},
	{id: "pingpong", name: "ping-pong of two processes", ptrace: times(85600, 18600), systrap: 1.2},
	{id: "fork+wait", name: "fork+wait", ptrace: times(1130, 85), most: map[string]float64{"systrap": 250e3}},
	{id: "vfork+exec+wait", name: "vfork+exec+wait", ptrace: times(1220, 360), most: map[string]float64{"systrap": 500e3}},
	{id: "mmap_64k", name: "mmap+touch+munmap 64 KiB", ptrace: times(156, 30), systrap: 2},
	{id: "touch", name: "first touch of a page", ptrace: times(2.6, 5.5), systrap: 0.8},
	{id: "futex", name: "futex ping-pong", systrap: 1.5},
	{id: "threads", name: "getpid, 8 threads", systrap: 1 / 0.3},
}
