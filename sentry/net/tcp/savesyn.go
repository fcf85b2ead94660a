package tcp

import (
	"encoding/binary"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/header"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
)

// The headers of the SYN that a connection began with, for who asks a listener to keep them (TCP_SAVE_SYN,
// tcp_reqsk_record_syn): those of IP and TCP, or with SaveLink that of the link before them. SYNs that are answered by
// a cookie are not remembered.

// Values of TCP_SAVE_SYN.
const (
	SaveHeaders = 1
	SaveLink    = 2
)

// loopMTU is that of the loopback until it is changed.
const loopMTU = 65536

// loopScale is the scale of windows that direct connections show.
const loopScale = 10

// SetSaveSyn is TCP_SAVE_SYN.
func (e *Endpoint) SetSaveSyn(how int32) { e.saveSyn.Store(how) }

// SaveSyn is what SetSaveSyn was given, or the listener had.
func (e *Endpoint) SaveSyn() int32 { return e.saveSyn.Load() }

// SavedSyn is TCP_SAVED_SYN: the headers, which are forgotten if they are not longer than room.
func (e *Endpoint) SavedSyn(room int) []byte {
	e.lock()
	defer e.mu.Unlock()
	b := e.savedSyn
	switch {
	case b == nil:
		return nil
	case len(*b) <= room:
		e.savedSyn = nil
	}
	return *b
}

// saved copies what is to be kept of a SYN; nil for nothing.
func (l *listener) saved(p *stack.Packet) *[]byte {
	how, size := l.e.saveSyn.Load(), len(p.Raw)-len(p.Payload)
	if how == 0 || len(p.Payload) < header.TCPSize {
		return nil
	}
	var b []byte
	if how == SaveLink {
		b = append(b, p.Head...)
		if p.From == stack.Ourselves {
			b = loopHead(p.Raw)
		}
	}
	if p.Size < size { // something follows that is none of the packet
		size = p.Size
	}
	b = append(b, p.Raw[:size]...)
	b = append(b, p.Payload[:int(p.Payload[12]>>4)*4]...) // which ParseTCP has found to be there
	return &b
}

// loopHead is the header that the loopback puts before a packet.
func loopHead(packet []byte) []byte {
	e := header.Ethernet{Type: header.TypeIPv4}
	if packet[0]>>4 == 6 {
		e.Type = header.TypeIPv6
	}
	return e.Append(nil)
}

// savedDirect makes what is to be kept of the SYN that e would have sent. e is locked.
func (l *listener) savedDirect(e *Endpoint) *[]byte {
	how := l.e.saveSyn.Load()
	if how == 0 {
		return nil
	}
	h := e.directSYN()
	ip := header.IP{Src: e.local.Addr(), Dst: e.remote.Addr(), Proto: linux.IPPROTO_TCP, TTL: e.TTL, TOS: e.TOS &^ ecnMask, DF: true}
	if ip.TTL == 0 {
		ip.TTL = uint8(e.table.Stack.Settings.TTL.Load())
	}
	b := ip.Append(nil, h.Size())
	if how == SaveLink {
		b = append(loopHead(b), b...)
	}
	at := len(b)
	b = h.Append(b, e.local.Port(), e.remote.Port())
	binary.BigEndian.PutUint16(b[at+16:], ^header.Fold(header.Sum(b[at:], header.Pseudo(ip.Src, ip.Dst, linux.IPPROTO_TCP, h.Size()))))
	return &b
}

// directSYN is the SYN that begins a direct connection.
func (e *Endpoint) directSYN() header.TCP {
	mss := e.directMSS()
	h := header.TCP{
		Seq: newISS(e.local, e.remote), Flags: header.SYN, Window: uint16(65535 / mss * mss), MSS: uint16(mss),
		HasTS: true, TSVal: uint32(e.table.Stack.Clock.Now() / 1e6), SackOK: true, HasWScale: true, WScale: loopScale,
	}
	e.table.strip(&h)
	if e.table.Stack.Settings.ECN.Load() == 1 {
		h.Flags |= ecnSetup
	}
	if e.fast != nil {
		known := e.table.cookies.of(e.remote.Addr())
		if h.FastOpen, h.Cookie = known.size, known.cookie; known.size == 0 && e.fast.data == nil {
			h.FastOpen = header.AskCookie
		}
	}
	return h
}
