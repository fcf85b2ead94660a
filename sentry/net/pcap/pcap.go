// Package pcap writes down the packets of a stack in pcapng, the format that tcpdump and wireshark
// read (draft-ietf-opsawg-pcapng): one section, a block for each interface when its first packet comes, one for
// each packet with its direction. What is written in one call is always whole blocks.
package pcap

import (
	"encoding/binary"
	"sync"
	"time"

	"github.com/seed-7423c386/runsc/sentry/net/header"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
)

// Limits of what is written.
type Limits struct {
	Snaplen int   // of each packet
	Bytes   int64 // of all; 0: any
}

// Capture is a stack.Tap that writes.
type Capture struct {
	limits Limits
	write  func(b []byte) bool
	full   func()

	mu     sync.Mutex
	ids    map[string]uint32 // interfaces by their names
	left   int64
	closed bool
	buf    []byte
}

// Blocks and options (section 4 of the draft).
const (
	blockSection   = 0x0a0d0d0a
	blockInterface = 1
	blockPacket    = 6
	byteOrder      = 0x1a2b3c4d

	optionName       = 2 // of an interface
	optionResolution = 9
	optionFlags      = 2 // of a packet

	linkEthernet = 1
	inbound      = 1
	outbound     = 2
)

// New begins a capture. write takes some whole blocks, false ends it; full is told that the limit is
// reached and nothing more is written.
func New(l Limits, write func(b []byte) bool, full func()) *Capture {
	c := &Capture{limits: l, write: write, full: full, ids: map[string]uint32{}, left: l.Bytes}
	c.begin(blockSection)
	c.buf = binary.LittleEndian.AppendUint32(c.buf, byteOrder)
	c.buf = append(c.buf, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff) // 1.0, of any length
	c.end(0)
	c.flush()
	return c
}

// Tap is stack.Tap's.
func (c *Capture) Tap(f *stack.Frame) {
	if f.Link.Loopback() && f.Kind == stack.FrameOutgoing {
		return // it comes in again
	}
	now := uint64(time.Now().UnixNano())
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	id := c.link(f.Link.Name)
	var made []byte
	if f.Head == 0 { // all interfaces of a file that tcpdump reads are of one kind
		e := header.Ethernet{Type: f.Type}
		made = e.Append(nil)
	}
	size := len(made) + len(f.Whole)
	kept := min(size, c.limits.Snaplen)
	at := len(c.buf)
	c.begin(blockPacket)
	c.buf = binary.LittleEndian.AppendUint32(c.buf, id)
	c.buf = binary.LittleEndian.AppendUint32(c.buf, uint32(now>>32))
	c.buf = binary.LittleEndian.AppendUint32(c.buf, uint32(now))
	c.buf = binary.LittleEndian.AppendUint32(c.buf, uint32(kept))
	c.buf = binary.LittleEndian.AppendUint32(c.buf, uint32(size))
	c.buf = append(c.buf, made[:min(len(made), kept)]...)
	c.buf = append(c.buf, f.Whole[:kept-min(len(made), kept)]...)
	c.pad()
	flags := uint32(inbound)
	if f.Kind == stack.FrameOutgoing {
		flags = outbound
	}
	c.option(optionFlags, binary.LittleEndian.AppendUint32(nil, flags))
	c.option(0, nil)
	c.end(at)
	c.flush()
}

// link is the number of an interface, which is described when it is new.
func (c *Capture) link(name string) uint32 {
	id, ok := c.ids[name]
	if !ok {
		id = uint32(len(c.ids))
		c.ids[name] = id
		at := len(c.buf)
		c.begin(blockInterface)
		c.buf = binary.LittleEndian.AppendUint16(c.buf, linkEthernet)
		c.buf = append(c.buf, 0, 0)
		c.buf = binary.LittleEndian.AppendUint32(c.buf, uint32(c.limits.Snaplen))
		c.option(optionName, []byte(name))
		c.option(optionResolution, []byte{9})
		c.option(0, nil)
		c.end(at)
	}
	return id
}

// begin begins a block, whose length end fills in.
func (c *Capture) begin(typ uint32) {
	c.buf = binary.LittleEndian.AppendUint32(c.buf, typ)
	c.buf = append(c.buf, 0, 0, 0, 0)
}

func (c *Capture) end(at int) {
	n := uint32(len(c.buf) - at + 4)
	c.buf = binary.LittleEndian.AppendUint32(c.buf, n)
	binary.LittleEndian.PutUint32(c.buf[at+4:], n)
}

func (c *Capture) option(code uint16, value []byte) {
	c.buf = binary.LittleEndian.AppendUint16(c.buf, code)
	c.buf = binary.LittleEndian.AppendUint16(c.buf, uint16(len(value)))
	c.buf = append(c.buf, value...)
	c.pad()
}

func (c *Capture) pad() {
	for len(c.buf)%4 != 0 {
		c.buf = append(c.buf, 0)
	}
}

// flush writes what has gathered, if it fits.
func (c *Capture) flush() {
	b := c.buf
	c.buf = c.buf[:0]
	if c.limits.Bytes > 0 {
		if c.left < int64(len(b)) {
			c.closed = true
			c.full()
			return
		}
		c.left -= int64(len(b))
	}
	c.closed = !c.write(b)
}
