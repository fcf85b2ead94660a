package tcp

import (
	"crypto/rand"
	"encoding/binary"
	"net/netip"
	"sync"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/header"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// Data in the SYN (RFC 7413, net/ipv4/tcp_fastopen.c). A server gives a client a cookie, a MAC of both addresses; with
// it the client's next SYN may carry data, which the application gets before the connection is there.

// Bits of net.ipv4.tcp_fastopen.
const (
	fastClient         = 0x1
	fastServer         = 0x2
	fastClientNoCookie = 0x4
	fastServerNoCookie = 0x200
	fastAllListeners   = 0x400
)

const (
	cookieSize  = 8
	mostCookies = 1024
	fastKeySize = 16
)

// FastKeys are one or two keys of 16 bytes: cookies are made with the first, and known by both.
type FastKeys []byte

// cookies is what a table knows of Fast Open.
type cookies struct {
	mu    sync.Mutex
	keys  FastKeys
	known map[netip.Addr]fastPeer // what servers have given us
}

// fastPeer is what is known of a server.
type fastPeer struct {
	cookie [16]byte
	size   uint8
	mss    uint16
}

// FastKeys are the keys of the namespace, nil until some are needed.
func (t *Table) FastKeys() FastKeys {
	t.cookies.mu.Lock()
	defer t.cookies.mu.Unlock()
	return t.cookies.keys
}

// SetFastKeys is net.ipv4.tcp_fastopen_key.
func (t *Table) SetFastKeys(k FastKeys) {
	t.cookies.mu.Lock()
	defer t.cookies.mu.Unlock()
	t.cookies.keys = k
}

// MakeFastKeys makes a key if there is none (tcp_fastopen_init_key_once).
func (t *Table) MakeFastKeys() FastKeys {
	t.cookies.mu.Lock()
	defer t.cookies.mu.Unlock()
	if t.cookies.keys == nil {
		t.cookies.keys = make(FastKeys, fastKeySize)
		rand.Read(t.cookies.keys)
	}
	return t.cookies.keys
}

// remember keeps the cookie of a server, forgetting one if there are many.
func (c *cookies) remember(a netip.Addr, p fastPeer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil {
		c.known = map[netip.Addr]fastPeer{}
	}
	if _, ok := c.known[a]; !ok && len(c.known) >= mostCookies {
		for k := range c.known {
			delete(c.known, k)
			break
		}
	}
	c.known[a] = p
}

func (c *cookies) of(a netip.Addr) fastPeer {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known[a]
}

// mac is the cookie that the i-th key makes for a client (__tcp_fastopen_cookie_gen_cipher).
func (k FastKeys) mac(i int, client, server netip.Addr) [cookieSize]byte {
	a, b := client.As16(), server.As16()
	msg := append(a[:], b[:]...)
	if client.Is4() && server.Is4() {
		msg = append(append(msg[:0], a[12:]...), b[12:]...)
	}
	var out [cookieSize]byte
	binary.LittleEndian.PutUint64(out[:], sipHash(k[i*fastKeySize:], msg))
	return out
}

// good reports whether a client's cookie is ours, and whether it is of the first key.
func (k FastKeys) good(h *header.TCP, client, server netip.Addr) (ok, newest bool) {
	if h.FastOpen != cookieSize {
		return false, false
	}
	for i := range len(k) / fastKeySize {
		if m := k.mac(i, client, server); m == [cookieSize]byte(h.Cookie[:cookieSize]) {
			return true, i == 0
		}
	}
	return false, false
}

// fastKeys are those of the listener, or of the namespace.
func (l *listener) fastKeys() FastKeys {
	if k := l.e.keys.Load(); k != nil {
		return *k
	}
	return l.e.table.MakeFastKeys()
}

// SetFastQueue is TCP_FASTOPEN: how many connections may have data before they are there.
func (e *Endpoint) SetFastQueue(n int32) {
	e.fastQueue.Store(n)
	e.table.MakeFastKeys()
}

// FastQueue is what SetFastQueue was given.
func (e *Endpoint) FastQueue() int32 { return e.fastQueue.Load() }

// SetKeys is TCP_FASTOPEN_KEY.
func (e *Endpoint) SetKeys(k FastKeys) { e.keys.Store(&k) }

// Keys are those that hold for the socket.
func (e *Endpoint) Keys() FastKeys {
	if k := e.keys.Load(); k != nil {
		return *k
	}
	return e.table.FastKeys()
}

// fastRoom reports whether a listener takes data in SYNs, and has room for one more.
func (l *listener) fastRoom() bool {
	set := l.e.table.Stack.Settings.FastOpen.Load()
	most := int(l.e.fastQueue.Load())
	if set&fastServer == 0 {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if most == 0 && set&fastAllListeners != 0 {
		most = l.backlog
	}
	if most > 0 && l.fast >= most {
		l.e.table.Counters.FastOpenOverflow.Add(1)
	}
	return l.fast < most
}

// tryFast looks at what a SYN says of Fast Open (tcp_try_fastopen): whether its data is to be taken at once, and the
// cookie that the answer is to give.
func (l *listener) tryFast(g *segment) (take bool, give []byte) {
	if g.FastOpen == header.AskCookie {
		l.e.table.Counters.FastOpenCookieReqd.Add(1)
	}
	if g.FastOpen == 0 && len(g.data) == 0 || !l.fastRoom() {
		return false, nil
	}
	keys := l.fastKeys()
	fresh := keys.mac(0, g.remote.Addr(), g.local.Addr())
	switch {
	case l.e.table.Stack.Settings.FastOpen.Load()&fastServerNoCookie != 0:
		return true, nil
	case g.FastOpen == header.AskCookie:
		return false, fresh[:]
	case g.FastOpen == 0:
		return false, nil
	}
	ok, newest := keys.good(&g.TCP, g.remote.Addr(), g.local.Addr())
	if ok && newest {
		return true, nil
	}
	if !ok {
		l.e.table.Counters.FastOpenPassiveFail.Add(1)
	}
	return ok, fresh[:]
}

// openFast makes the connection of a SYN at once (tcp_fastopen_create_child).
func (l *listener) openFast(g *segment, p *stack.Packet, give []byte) bool {
	s := &synEntry{g: *g, iss: newISS(g.local, g.remote), ecn: l.e.table.asksECN(g), saved: l.saved(p)}
	n := l.fromNet(s)
	if n == nil {
		return false
	}
	l.e.table.Counters.FastOpenPassive.Add(1)
	n.lock()
	defer n.unlock()
	x := n.net
	x.una, x.nxt, x.synAcked = s.iss+1, s.iss+1, true
	x.wl1, x.wl2 = g.Seq, s.iss+1
	x.spaceAt = x.clock.Now()
	n.establish()
	x.keep(n)
	x.shown.in++
	if n.synData = len(g.data) > 0; n.synData {
		x.shown.dataIn++
		x.take(n, g.data[:min(len(g.data), x.room)], nil)
	}
	x.giveCookie(give)
	x.opening = l
	x.sendSYN(n, header.SYN|header.ACK)
	x.cookie = nil
	x.synAt = x.clock.Now() + 1e9
	n.setTimer()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		x.opening = nil
		n.dead = true
		n.resetPeer()
		n.finish()
		return true
	}
	l.fast++
	l.addLocked(n)
	return true
}

func (s *segments) giveCookie(c []byte) {
	if len(c) > 0 {
		s.cookie = &fastPeer{size: uint8(len(c))}
		copy(s.cookie.cookie[:], c)
	}
}

// option says in a SYN what s.cookie is.
func (s *segments) fastOption(h *header.TCP) {
	if c := s.cookie; c != nil {
		h.FastOpen, h.Cookie = c.size, c.cookie
	}
}

// opened is when the answer to a SYN whose data was taken is acknowledged, or never will be.
func (s *segments) opened() {
	l := s.opening
	if l == nil {
		return
	}
	s.opening, s.synAt = nil, 0
	l.mu.Lock()
	l.fast--
	l.mu.Unlock()
}

// answerAgain answers again a SYN whose data was taken (tcp_fastopen_synack_timer).
func (s *segments) answerAgain(e *Endpoint, now int64) {
	if s.synTries++; s.synTries > maxReply {
		e.setErr(linux.ETIMEDOUT)
		e.finish()
		return
	}
	s.sendSYN(e, header.SYN|header.ACK)
	s.synAt = now + int64(1e9)<<s.synTries
}

// MayOpenFast reports whether data can go with a SYN to dst (tcp_fastopen_cookie_check).
func (e *Endpoint) MayOpenFast(dst netip.Addr) bool {
	return e.table.Stack.Settings.FastOpen.Load()&fastClientNoCookie != 0 || e.NoCookie || e.table.cookies.of(dst).size >= header.LeastCookie
}

// ConnectFast is Connect with data that goes with the SYN if the server has given a cookie: how many bytes were taken.
// Else it is asked for one. Errors that come at once are the connection's.
func (e *Endpoint) ConnectFast(dst netip.AddrPort, link int32, src *usermem.Buf) (int, linux.Errno) {
	var c *chunk
	if e.MayOpenFast(dst.Addr()) {
		if c = e.fillSYN(dst, src); c == nil && src != nil && src.Len() > 0 {
			return 0, linux.EFAULT
		}
	}
	e.lock()
	defer e.unlock()
	e.fast = &fastStart{data: c}
	errno := e.connectLocked(dst, link)
	n := 0
	if c != nil {
		n = c.len()
	}
	if e.fast != nil && c != nil && e.fast.data != nil {
		c.free()
	}
	e.fast = nil
	if errno != 0 {
		return 0, errno
	}
	return n, 0
}

// fastStart is what a connection begins with.
type fastStart struct {
	data *chunk // nil: a cookie is asked for
}

// fillSYN takes as much as fits into a SYN.
func (e *Endpoint) fillSYN(dst netip.AddrPort, src *usermem.Buf) *chunk {
	if src == nil || src.Len() == 0 {
		return nil
	}
	path, errno := e.table.Stack.Path(dst.Addr(), netip.Addr{}, linkFor(dst.Addr(), e.BoundLink()))
	if errno != 0 {
		return nil
	}
	room := path.MTU - headers(dst.Addr()) - 40
	if mss := e.table.cookies.of(dst.Addr()).mss; mss != 0 {
		room = min(room, int(mss)-40)
	}
	c, _ := fill(src, max(room, 1))
	return c
}

// takeFast gives the data to the connection.
func (f *fastStart) take(e *Endpoint) {
	if c := f.data; c != nil {
		f.data = nil
		e.queueLocked(c)
	}
}

// heardFast takes what a SYN-ACK says of Fast Open, and drops what it acknowledges of the data (tcp_rcv_fastopen_synack).
func (s *segments) heardFast(e *Endpoint, g *segment) {
	if s.askedFast && g.FastOpen >= header.LeastCookie {
		e.table.cookies.remember(e.remote.Addr(), fastPeer{cookie: g.Cookie, size: g.FastOpen, mss: g.MSS})
	}
	n := int(g.Ack - (s.iss + 1))
	if n <= 0 || n > e.snd.n {
		if s.askedFast && e.snd.n > 0 {
			s.count.FastOpenActiveFail.Add(1)
		}
		return
	}
	s.count.FastOpenActive.Add(1)
	e.snd.drop(n)
	s.una += uint32(n)
	s.nxt = s.una
	s.shown.delivered++
	e.synData = true
	e.events |= evOut
}

// openDirect is Fast Open between two ends of one stack, which l is the listener of.
func (e *Endpoint) openDirect(l *listener) {
	if e.fast == nil {
		return
	}
	room, count := l.fastRoom(), &e.table.Counters
	dst, src := e.remote.Addr(), e.local.Addr()
	if e.fast.data == nil {
		count.FastOpenCookieReqd.Add(1)
		if room {
			m := l.fastKeys().mac(0, src, dst)
			p := fastPeer{size: cookieSize, mss: uint16(loopMSS(dst.Is6()))}
			copy(p.cookie[:], m[:])
			e.table.cookies.remember(dst, p)
		}
		return
	}
	known := e.table.cookies.of(dst)
	h := header.TCP{FastOpen: known.size, Cookie: known.cookie}
	ok := false
	if room {
		ok, _ = l.fastKeys().good(&h, src, dst)
		if ok = ok || e.table.Stack.Settings.FastOpen.Load()&fastServerNoCookie != 0; !ok && known.size != 0 {
			count.FastOpenPassiveFail.Add(1)
			m := l.fastKeys().mac(0, src, dst)
			copy(known.cookie[:], m[:])
			e.table.cookies.remember(dst, known)
		}
	}
	if e.peer != nil && ok {
		e.synData, e.peer.synData = true, true
		count.FastOpenActive.Add(1)
		count.FastOpenPassive.Add(1)
	} else {
		count.FastOpenActiveFail.Add(1)
	}
}

// sipHash is SipHash-2-4 (lib/siphash.c).
func sipHash(key, msg []byte) uint64 {
	k0, k1 := binary.LittleEndian.Uint64(key), binary.LittleEndian.Uint64(key[8:])
	v0, v1, v2, v3 := k0^0x736f6d6570736575, k1^0x646f72616e646f6d, k0^0x6c7967656e657261, k1^0x7465646279746573
	rounds := func(n int) {
		for range n {
			v0 += v1
			v1 = v1<<13 | v1>>51
			v1 ^= v0
			v0 = v0<<32 | v0>>32
			v2 += v3
			v3 = v3<<16 | v3>>48
			v3 ^= v2
			v0 += v3
			v3 = v3<<21 | v3>>43
			v3 ^= v0
			v2 += v1
			v1 = v1<<17 | v1>>47
			v1 ^= v2
			v2 = v2<<32 | v2>>32
		}
	}
	last := uint64(len(msg)) << 56
	for ; len(msg) >= 8; msg = msg[8:] {
		m := binary.LittleEndian.Uint64(msg)
		v3 ^= m
		rounds(2)
		v0 ^= m
	}
	for i, b := range msg {
		last |= uint64(b) << (8 * i)
	}
	v3 ^= last
	rounds(2)
	v0 ^= last
	v2 ^= 0xff
	rounds(4)
	return v0 ^ v1 ^ v2 ^ v3
}
