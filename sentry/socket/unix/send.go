package unix

import (
	"sync"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// What a message costs its sender (include/linux/skbuff.h): the data with what stands around it,
// in buffers whose sizes are powers of two, and pages for what does not fit.
const (
	skbOverhead = 256                // struct sk_buff
	skbTail     = 320                // struct skb_shared_info
	streamHead  = 4096 - skbTail     // SKB_MAX_HEAD(0)
	dgramHead   = 16384 - skbTail    // SKB_MAX_ALLOC
	streamMax   = streamHead + 32768 // of one message
	maxFrags    = 17 * 4096          // MAX_SKB_FRAGS
	dgramMost   = 4<<20 + maxFrags   // what can be had in one piece, and pages
	pageUp      = 4096 - 1
)

// truesize is what n bytes are charged, if all beyond the first head bytes are in pages.
func truesize(n, head int) int {
	pages := min((max(0, n-head)+pageUp)&^pageUp, maxFrags)
	size := 64
	for size < max(n-pages, 0)+skbTail {
		size *= 2
	}
	return size + skbOverhead + pages
}

// Send is sendmsg(2).
func (s *Socket) Send(c socket.Caller, m *socket.Message) (int, linux.Errno) {
	if m.Flags&linux.MSG_OOB != 0 && (s.Type != linux.SOCK_STREAM || m.Data.Len() == 0) {
		return 0, linux.EOPNOTSUPP
	}
	if len(m.Addr) == 0 {
		m.Addr = nil
	}
	switch s.Type {
	case linux.SOCK_STREAM:
		return s.sendStream(c, m)
	case linux.SOCK_SEQPACKET:
		if errno := s.TakeError(); errno != 0 {
			return 0, errno
		}
		s.mu.Lock()
		st := s.state
		s.mu.Unlock()
		if st != connected {
			return 0, linux.ENOTCONN
		}
		m.Addr = nil
	}
	return s.sendDgram(c, m)
}

// sendStream sends as much as there is room for, or waits until everything is sent.
func (s *Socket) sendStream(c socket.Caller, m *socket.Message) (int, linux.Errno) {
	s.mu.Lock()
	peer, st, shut := s.peer, s.state, s.shut
	s.mu.Unlock()
	switch {
	case m.Addr != nil && st == connected:
		return 0, linux.EISCONN
	case m.Addr != nil:
		return 0, linux.EOPNOTSUPP
	case peer == nil:
		return 0, linux.ENOTCONN
	case shut&shutWrite != 0:
		return 0, linux.EPIPE
	}
	sent := 0
	_, errno := socket.Wait(c, &s.queue, wait.Out, m.Flags&linux.MSG_DONTWAIT != 0, s.SndTime.Load(), func() (int, linux.Errno) {
		for m.Data.Len() > 0 {
			n, errno := s.sendPart(c, peer, m)
			if errno != 0 {
				return 0, errno
			}
			sent += n
		}
		return 0, 0
	})
	if sent > 0 {
		return sent, 0
	}
	return 0, errno
}

// chargeable checks that s may send and has room for one more message (sock_alloc_send_pskb).
func (s *Socket) chargeable() linux.Errno {
	if errno := s.TakeError(); errno != 0 {
		return errno
	}
	s.mu.Lock()
	shut := s.shut
	s.mu.Unlock()
	if shut&shutWrite != 0 {
		return linux.EPIPE
	}
	if s.wmem.Load() >= int64(s.SndBuf.Load()) {
		return linux.EAGAIN
	}
	return 0
}

// sendPart sends one message of a stream; the control data goes with the first. The last byte of what is urgent is a message of
// its own (queue_oob).
func (s *Socket) sendPart(c socket.Caller, peer *Socket, m *socket.Message) (int, linux.Errno) {
	if errno := s.chargeable(); errno != 0 {
		return 0, errno
	}
	n := min(m.Data.Len(), int(s.SndBuf.Load())>>1-64, streamMax)
	urgent := m.Flags&linux.MSG_OOB != 0 && n == m.Data.Len() && n == 1
	if m.Flags&linux.MSG_OOB != 0 && n == m.Data.Len() && n > 1 {
		n--
	}
	msg := &message{from: s, data: make([]byte, n), size: truesize(n, streamHead)}
	if _, errno := m.Data.CopyIn(msg.data); errno != 0 {
		return 0, errno
	}
	if errno := attach(c, msg, m); errno != 0 {
		return 0, errno
	}
	msg.cred = m.Cred
	peer.mu.Lock()
	if peer.dead || peer.shut&shutRead != 0 {
		peer.mu.Unlock()
		detach(msg, m)
		return 0, linux.EPIPE
	}
	if msg.cred == nil && (s.PassCred.Load() || s.PassPidfd.Load() || peer.PassCred.Load() || peer.PassPidfd.Load() || peer.embryo) {
		msg.cred = socket.SenderCred(c)
	}
	s.wmem.Add(int64(msg.size))
	peer.messages = append(peer.messages, msg)
	if urgent {
		peer.urgent = msg
	}
	peer.mu.Unlock()
	if urgent {
		peer.queue.Notify(wait.Pri)
	}
	peer.queue.Notify(socket.EventIn)
	return n, 0
}

// sendDgram sends one message whole (unix_dgram_sendmsg).
func (s *Socket) sendDgram(c socket.Caller, m *socket.Message) (int, linux.Errno) {
	nonblock := m.Flags&linux.MSG_DONTWAIT != 0
	if m.Addr != nil {
		if _, errno := parse(m.Addr); errno != 0 {
			return 0, errno
		}
	} else {
		s.mu.Lock()
		peer := s.peer
		s.mu.Unlock()
		if peer == nil {
			return 0, linux.ENOTCONN
		}
	}
	if s.PassCred.Load() || s.PassPidfd.Load() {
		if errno := s.autobind(); errno != 0 {
			return 0, errno
		}
	}
	n := m.Data.Len()
	if n > int(s.SndBuf.Load())-32 {
		return 0, linux.EMSGSIZE
	}
	if n > dgramMost {
		return 0, linux.ENOBUFS
	}
	if _, errno := socket.Wait(c, &s.queue, wait.Out, nonblock, s.SndTime.Load(), func() (int, linux.Errno) {
		return 0, s.chargeable()
	}); errno != 0 {
		return 0, errno
	}
	msg := &message{from: s, data: make([]byte, n), size: truesize(n, dgramHead), cred: m.Cred}
	if errno := attach(c, msg, m); errno != 0 {
		return 0, errno
	}
	if _, errno := m.Data.CopyIn(msg.data); errno != 0 {
		detach(msg, m)
		return 0, errno
	}
	_, errno := socket.Wait(c, &s.queue, wait.Out|wait.Internal, nonblock, s.SndTime.Load(), func() (int, linux.Errno) {
		return 0, s.deliver(c, msg, m.Addr)
	})
	if errno != 0 || msg.tossed {
		detach(msg, m)
	}
	if errno != 0 {
		return 0, errno
	}
	return n, 0
}

// deliver puts a datagram into the queue of who it is for, at addr or the peer: EAGAIN if that is
// full, in which case s will be told of room.
func (s *Socket) deliver(c socket.Caller, msg *message, addr []byte) linux.Errno {
	var o *Socket
	if addr != nil {
		var errno linux.Errno
		if o, errno = s.find(c, addr); errno != 0 {
			return errno
		}
	} else {
		s.mu.Lock()
		o = s.peer
		s.mu.Unlock()
		if o == nil {
			return linux.ECONNRESET
		}
	}
	o.mu.Lock()
	errno := linux.Errno(0)
	switch {
	case o.peer != nil && o.peer != s:
		errno = linux.EPERM
	case o.dead:
		o.mu.Unlock()
		return s.peerDied(o)
	case o.shut&shutRead != 0:
		errno = linux.EPIPE
	case o != s && o.peer != s && len(o.messages) > o.backlog:
		o.tellLocked(s)
		errno = linux.EAGAIN
	}
	if errno != 0 {
		o.mu.Unlock()
		return errno
	}
	n, taken := o.Cut(msg.data)
	if !taken { // its sender is told nothing
		o.mu.Unlock()
		msg.tossed = true
		return 0
	}
	msg.data = msg.data[:n]
	if o.Flag(linux.SO_TIMESTAMP_OLD) || o.Flag(linux.SO_TIMESTAMPNS_OLD) {
		msg.at = time.Now().UnixNano()
	}
	if msg.cred == nil && (s.PassCred.Load() || s.PassPidfd.Load() || o.PassCred.Load() || o.PassPidfd.Load() || o.embryo) {
		msg.cred = socket.SenderCred(c)
	}
	s.wmem.Add(int64(msg.size))
	o.messages = append(o.messages, msg)
	o.mu.Unlock()
	o.queue.Notify(socket.EventIn)
	return 0
}

// peerDied is what a send to a socket that was closed comes to: the connection is over.
func (s *Socket) peerDied(o *Socket) linux.Errno {
	if s.Type == linux.SOCK_SEQPACKET {
		return linux.EPIPE
	}
	s.mu.Lock()
	was := s.peer == o
	if was {
		s.peer, s.state = nil, closed
	}
	s.mu.Unlock()
	if was {
		s.disconnected(o)
	}
	return linux.ECONNREFUSED
}

// attach moves the files of m to msg and counts them as in flight: ETOOMANYREFS if there are too
// many.
func attach(c socket.Caller, msg *message, m *socket.Message) linux.Errno {
	if len(m.Files) == 0 {
		return 0
	}
	if errno := gc.add(c, m.Files); errno != 0 {
		return errno
	}
	msg.files, m.Files = m.Files, nil
	return 0
}

// detach gives the files back to m, after a send that failed.
func detach(msg *message, m *socket.Message) {
	if len(msg.files) > 0 {
		m.Files = msg.takeFiles()
	}
}

// takeFiles takes the files of a message out of flight.
func (m *message) takeFiles() []*vfs.File {
	f := m.files
	m.files = nil
	gc.remove(f)
	return f
}

// dropFiles gives them back. A file can be a socket whose messages carry sockets whose messages
// carry more; so that they do not end one inside the other without bound, they go one after the
// other.
func (m *message) dropFiles() {
	if len(m.files) == 0 {
		return
	}
	files := m.takeFiles()
	doomed.mu.Lock()
	defer doomed.mu.Unlock()
	doomed.files = append(doomed.files, files...)
	if doomed.busy {
		return
	}
	doomed.busy = true
	for n := len(doomed.files); n > 0; n = len(doomed.files) {
		f := doomed.files[n-1]
		doomed.files = doomed.files[:n-1]
		doomed.mu.Unlock()
		f.Put()
		doomed.mu.Lock()
	}
	doomed.files, doomed.busy = nil, false
}

// doomed are the files of dropped messages that are to be put yet, by who is busy with it.
var doomed struct {
	mu    sync.Mutex
	files []*vfs.File
	busy  bool
}
