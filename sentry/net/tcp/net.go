package tcp

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/header"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
)

// segments is the part of a connection that sends and receives segments.
type segments struct{ mss int }

type outbox struct{}

type synQueue struct{}

type waitState struct{}

func (outbox) send(*stack.Stack) {}
func (*synQueue) clear()         {}

func (s *segments) takeOut() outbox                { return outbox{} }
func (s *segments) stop()                          {}
func (s *segments) sendReset(*Endpoint)            {}
func (s *segments) output(*Endpoint, bool)         {}
func (s *segments) deadline() int64                { return 0 }
func (s *segments) expire(*Endpoint, int64)        {}
func (s *segments) notSent(*Endpoint) int          { return 0 }
func (s *segments) readSome(*Endpoint)             {}
func (s *segments) urgentSeq(*Endpoint)            {}
func (s *segments) keep(*Endpoint)                 {}
func (s *segments) waitState(*Endpoint) waitState  { return waitState{} }
func (s *segments) info(*Endpoint, *linux.TCPInfo) {}

func (e *Endpoint) connectNet(*stack.Path) linux.Errno {
	e.finish()
	return linux.ENETUNREACH
}

// Input is stack.Handler's.
func (t *Table) Input(*stack.Packet) bool { return true }

// Failed is stack.Handler's.
func (t *Table) Failed(*header.IP, []byte, stack.Failure) {}
