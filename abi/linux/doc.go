// Package linux holds the Linux x86-64 ABI as data: error numbers, system call numbers,
// constants and structs of fixed layout. It imports nothing of the project and does nothing.
//
// One file per concept, named after the header or man page it mirrors (signal.go, stat.go,
// futex.go). Constants keep Linux's spelling; struct fields lose their C prefix (st_size is
// Size). Structs that cross to the application implement Fixed and are checked by a test
// against the C compiler for size, offsets and the absence of holes.
package linux

// Fixed is implemented by the types that may be copied to and from application memory as
// raw bytes: fixed size, no pointers, no padding. Only this package can implement it.
type Fixed interface{ fixed() }
