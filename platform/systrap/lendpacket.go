package systrap

import (
	"encoding/binary"

	"github.com/seed-7423c386/runsc/platform"
)

// A program that receives datagrams takes one with each call, and they come in bursts. So with one it is lent those behind it, with
// the addresses of who sent them, and the stub answers recvfrom(2). How many are left is the state of the loan: the stub
// takes one by counting down, and the sentry all that are left by making it 0.

// mostPackets is how many datagrams are lent at once.
const mostPackets = 64

// LendPackets implements platform.PacketLender.
func (c *context) LendPackets(fd int32, next func() (data, name []byte, ok bool), from platform.Lent) *platform.Loan {
	t := c.thread.Load()
	if t == nil || c.muted {
		return nil
	}
	l := &c.lent
	l.mu.Lock()
	defer l.mu.Unlock()
	i := int(fd) & (maxLoans - 1)
	o, e := &l.loans[i], &t.area.loans[i]
	if o.from != nil {
		return nil
	}
	l.begin(t.area)
	l.bytes = (l.bytes + 7) &^ 7
	start, n := l.bytes, 0
	for ; n < mostPackets; n++ {
		data, name, ok := next()
		size := uint32(packetData+len(data)+7) &^ 7
		if !ok || len(name) > mostName || l.bytes+size > areaSize-postsRoom {
			break
		}
		b, _ := l.area.bytes(uint64(l.bytes), uint64(size))
		binary.LittleEndian.PutUint32(b[packetLen:], uint32(len(data)))
		binary.LittleEndian.PutUint32(b[packetNamed:], uint32(len(name)))
		copy(b[packetName:], name)
		copy(b[packetData:], data)
		l.bytes += size
	}
	if n == 0 {
		return nil
	}
	l.area.used = l.bytes
	e.len, e.off, e.room = 0, start, 0
	e.state.Store(loanPackets + uint32(n))
	e.fd.Store(uint32(fd) + 1)
	l.revocable(o, i)
	o.from, o.fd, o.n, o.room, o.over, o.packets = from, fd, n, 0, false, true
	l.slots = append(l.slots, i)
	l.on.Store(true)
	return &o.Loan
}

// takenPackets tells the file how many of its datagrams were read, by the state that the stub has left, or anybody who can write
// to the area.
func (o *lentTo) takenPackets(state uint32) bool {
	left := max(int64(state)-loanPackets, 0)
	if left >= int64(o.n) {
		return false
	}
	n := o.n - int(left)
	o.n = int(left)
	o.from.Taken(n)
	return true
}
