// Package stack is the Internet layer of a network namespace: addresses and routes, packets in and
// out, fragments, ICMP, ports, and the timers of what stands above it (net/ipv4/ip_input.c,
// ip_output.c, route.c, icmp.c and their likes in net/ipv6). It knows neither tasks nor files.
//
// Transports register a Handler. What is sent to an address of our own comes back in by a call,
// not by a queue: nobody holds a lock of an endpoint while it sends a packet.
package stack

import (
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform/host"
	"github.com/seed-7423c386/runsc/sentry/net/device"
	"github.com/seed-7423c386/runsc/sentry/net/header"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Owner is the socket of an endpoint, as far as the stack knows it.
type Owner interface {
	// Flag reports an on-off option of SOL_SOCKET.
	Flag(name int) bool
	// The error that the next call or SO_ERROR reports.
	SetError(e linux.Errno)
	Error() linux.Errno
	TakeError() linux.Errno
	Notify(e wait.Event)
	// Buffers are SO_SNDBUF and SO_RCVBUF.
	Buffers() (snd, rcv int)
}

// Packet is one that came in: its header, what follows, and where it came from.
type Packet struct {
	header.IP
	Payload []byte
	Raw     []byte // the whole of it
	Head    []byte // the link's header before it, if there is one
	Link    int32
	From
	Hold bool   // the answer may wait for Flush
	Kept Keeper // whose buffer Raw is in, or nil
}

// Keeper can give away the buffer that the packet that is looked at lies in.
type Keeper interface{ Keep() *Buffer }

// Buffer is that.
type Buffer = host.Frame

// From is where a packet comes from.
type From uint8

// Places: checksums of what comes from Outside are looked at, addresses of what is not ours, too.
const (
	Outside From = iota
	OutsideChecked
	Ourselves
)

// A Handler is a transport protocol.
type Handler interface {
	// Input takes a packet: false if nobody is there for it, upon which the sender is told.
	Input(p *Packet) bool
	// Failed tells that a packet of ours, of which quoted is the start behind h, came to nothing.
	Failed(h *header.IP, quoted []byte, f Failure)
}

// Failure is why a packet did not arrive (struct sock_extended_err).
type Failure struct {
	Errno      linux.Errno
	Origin     uint8
	Type, Code uint8
	Info       uint32 // the MTU of the path
	From       netip.Addr
	Hard       bool // ends a connection, not only noted
}

// Settings are those of /proc/sys/net that have an effect.
type Settings struct {
	LocalPorts   atomic.Uint32 // low<<16 | high
	Unprivileged atomic.Int32  // the first port that everybody may bind
	PingGroups   atomic.Uint64 // low<<32 | high
	TTL          atomic.Int32
	Forward      atomic.Bool // of IPv4
	Forward6     atomic.Bool
	BindV6Only   atomic.Bool
	SynCookies   atomic.Bool
	EchoIgnore   atomic.Bool
	NonlocalBind atomic.Bool
	ECN          atomic.Int32  // net.ipv4.tcp_ecn: 1 asks for it, 2 agrees to it
	FastOpen     atomic.Int32  // net.ipv4.tcp_fastopen
	TCPOff       atomic.Uint32 // what of TCP is switched off: a set of OffSACK and so on
}

// Parts of TCP that can be switched off.
const (
	OffSACK       = 1 << iota // net.ipv4.tcp_sack
	OffTimestamps             // tcp_timestamps
	OffScaling                // tcp_window_scaling
	OffDSACK                  // tcp_dsack
	OffProbes                 // tcp_early_retrans
	OffIdle                   // tcp_slow_start_after_idle
	OffFallback               // tcp_ecn_fallback
	OffFRTO                   // tcp_frto
)

// Stack is the Internet layer of a network namespace.
type Stack struct {
	Devices  *device.Table
	Clock    *Clock
	Settings Settings
	Counters Counters
	Waits    atomic.Bool // something does for Rest

	handlers [256]Handler // set at start
	raw      RawHandler
	fibNow   atomic.Pointer[fib]
	ids      atomic.Uint32
	frags    fragments
	mtus     pathMTUs
	checks   checks
	groups   groups
	reports  reports
	taps     atomic.Pointer[[]Tap]
	tapMu    sync.Mutex

	mu     sync.Mutex
	routes []Route
	rules  [2][]Rule // of IPv4 and IPv6, nil: the plain ones

	portMu sync.RWMutex
	ports  map[int32]Port
}

// RawHandler gets a copy of all packets of a protocol.
type RawHandler interface {
	// Wants reports whether anybody listens to the protocol, of IPv6 or IPv4.
	Wants(proto uint8, v6 bool) bool
	// Raw gives them a packet: whether there was anybody.
	Raw(p *Packet) bool
}

// New returns a stack over the interfaces of d.
func New(d *device.Table) *Stack { return NewAt(d, Wall) }

// NewAt is New with a clock.
func NewAt(d *device.Table, c *Clock) *Stack {
	s := &Stack{Devices: d, Clock: c, ports: map[int32]Port{}}
	s.Settings.LocalPorts.Store(32768<<16 | 60999)
	s.Settings.Unprivileged.Store(1024)
	s.Settings.PingGroups.Store(1 << 32)
	s.Settings.TTL.Store(64)
	s.Settings.ECN.Store(2)
	s.Settings.FastOpen.Store(1)
	s.Settings.SynCookies.Store(true)
	s.handlers[linux.IPPROTO_ICMP] = icmp4{s}
	s.handlers[linux.IPPROTO_ICMPV6] = icmp6{s}
	s.handlers[linux.IPPROTO_IGMP] = igmp{s}
	d.Watch(s.changed)
	return s
}

// Handle makes h the one for a protocol; before packets come.
func (s *Stack) Handle(proto uint8, h Handler) { s.handlers[proto] = h }

// HandleRaw makes h the one for raw sockets.
func (s *Stack) HandleRaw(h RawHandler) { s.raw = h }
