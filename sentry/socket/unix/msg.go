package unix

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Message is what goes along with the data of a sendmsg(2). The references of Files become the
// message's once something was sent.
type Message struct {
	Files []*vfs.File
	Cred  *Cred // SCM_CREDENTIALS, checked
	End   bool  // MSG_EOR
}

// Received is what came with the data of a recvmsg(2).
type Received struct {
	N       int // bytes stored, or with MSG_TRUNC the length of the message
	Files   []*vfs.File
	Cred    Cred
	HasCred bool   // the receiver asked for them
	From    string // the sender's name
	Trunc   bool   // MSG_TRUNC: the message was longer
	End     bool
}

func (r *Received) drop() { dropFiles(r.Files) }

// Send is sendmsg(2) and its like: dst is not nil for a datagram to an address.
func (s *Socket) Send(c Caller, src *usermem.Buf, m *Message, dst *Socket, nonblock bool) (int, linux.Errno) {
	total := 0
	try := func() (int, linux.Errno) {
		n, errno := s.sendOnce(c, src, m, dst)
		total += n
		if errno == linux.EAGAIN && total > 0 && nonblock {
			return 0, 0
		}
		if errno == 0 && src.Len() > 0 && s.typ == linux.SOCK_STREAM {
			return 0, linux.EAGAIN // the rest when there is room
		}
		return n, errno
	}
	_, errno := try()
	if errno == linux.EAGAIN {
		if nonblock {
			if total > 0 {
				return total, 0
			}
			return 0, errno
		}
		q := &s.queue
		if dst != nil {
			q = &dst.queue
		}
		_, errno = wait.Until(q, wait.Out, c.Waiter(), s.deadline(false), try)
		if errno == linux.ETIMEDOUT {
			errno = linux.EAGAIN
		}
	}
	if total > 0 {
		return total, 0
	}
	return 0, errno
}

// sendOnce sends what there is room for. EAGAIN: none.
func (s *Socket) sendOnce(c Caller, src *usermem.Buf, m *Message, dst *Socket) (int, linux.Errno) {
	s.mu.Lock()
	peer, noWrite, was := s.peer, s.noWrite, s.was
	name := s.name
	if e := s.err; e != 0 && dst == nil {
		s.err = 0
		s.mu.Unlock()
		return 0, e
	}
	pass := s.opt.passCred
	s.mu.Unlock()
	if dst != nil {
		peer = dst
	}
	switch {
	case noWrite:
		return 0, linux.EPIPE
	case peer == nil && s.connected() && was:
		return 0, linux.EPIPE
	case peer == nil:
		return 0, linux.ENOTCONN
	}
	peer.mu.Lock()
	deaf, gone, wants := peer.noRead, peer.closed, peer.opt.passCred
	peer.mu.Unlock()
	if gone {
		if s.connected() {
			return 0, linux.EPIPE
		}
		return 0, linux.ECONNREFUSED
	}
	if deaf {
		return 0, linux.EPIPE
	}
	n := src.Len()
	room := peer.in.room()
	if s.typ != linux.SOCK_STREAM {
		if n > s.sendLimit() {
			return 0, linux.EMSGSIZE
		}
		if room < n && peer.in.bytes() > 0 || room == 0 {
			return 0, linux.EAGAIN
		}
	} else {
		if n == 0 {
			return 0, 0
		}
		if room == 0 {
			return 0, linux.EAGAIN
		}
		n = min(n, room, 64<<10)
	}
	p := &packet{data: make([]byte, n), from: name, sender: s, end: m.End}
	if n > 0 {
		got, errno := src.CopyIn(p.data)
		if got < n && (s.typ != linux.SOCK_STREAM || got == 0) {
			return 0, errno
		}
		p.data = p.data[:got]
	}
	p.cred = credOf(c)
	if m.Cred != nil {
		p.cred, p.hasCred = *m.Cred, true
	}
	p.hasCred = p.hasCred || pass || wants
	p.files, m.Files = m.Files, nil
	peer.in.put(p)
	return len(p.data), 0
}

func (s *Socket) sendLimit() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opt.sendBuffer - 32
}

// Resolve finds the destination of a datagram.
func (s *Socket) Resolve(c Caller, at vfs.At, a Address) (*Socket, linux.Errno) {
	if s.connected() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.peer != nil {
			return nil, linux.EISCONN
		}
		return nil, linux.EOPNOTSUPP
	}
	o, errno := s.lookup(c, at, a)
	if errno != 0 {
		return nil, errno
	}
	if o.typ != s.typ {
		return nil, linux.EPROTOTYPE
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.peer != nil && o.peer != s {
		return nil, linux.EPERM
	}
	return o, 0
}

// Recv is recvmsg(2) and its like; flags are MSG_PEEK, MSG_TRUNC, MSG_WAITALL.
func (s *Socket) Recv(c Caller, dst *usermem.Buf, flags uint32, nonblock bool) (Received, linux.Errno) {
	var all Received
	want := dst.Len()
	try := func() (int, linux.Errno) {
		r, errno := s.recvOnce(dst, flags, all.N > 0)
		if errno != 0 {
			return 0, errno
		}
		if all.N == 0 {
			all = r
		} else {
			all.N += r.N
			all.Files = append(all.Files, r.Files...)
		}
		if flags&linux.MSG_WAITALL != 0 && flags&linux.MSG_PEEK == 0 && s.typ == linux.SOCK_STREAM && all.N < want && r.N > 0 && len(all.Files) == 0 {
			return 0, linux.EAGAIN
		}
		return all.N, 0
	}
	_, errno := try()
	if errno == linux.EAGAIN {
		if nonblock {
			if all.N > 0 {
				return all, 0
			}
			return all, errno
		}
		_, errno = wait.Until(&s.queue, wait.In, c.Waiter(), s.deadline(true), try)
		if errno == linux.ETIMEDOUT {
			errno = linux.EAGAIN
		}
	}
	if all.N > 0 {
		errno = 0
	}
	return all, errno
}

// recvOnce takes what is there. more: something was taken already, so that what begins with
// descriptors or other credentials waits for the next call.
func (s *Socket) recvOnce(dst *usermem.Buf, flags uint32, more bool) (Received, linux.Errno) {
	var r Received
	if s.connected() {
		s.mu.Lock()
		never, l := !s.was, s.listen
		s.mu.Unlock()
		if never || l != nil {
			if s.typ == linux.SOCK_STREAM {
				return r, linux.EINVAL
			}
			return r, linux.ENOTCONN
		}
	}
	s.in.read.Lock()
	defer s.in.read.Unlock()
	p := s.in.peek(0)
	if p == nil {
		return r, s.emptyErrno()
	}
	s.mu.Lock()
	pass := s.opt.passCred
	s.mu.Unlock()
	take := func(p *packet, peek bool) {
		r.From, r.Cred, r.End = p.from, p.cred, p.end
		r.HasCred = pass
		if !p.hasCred {
			r.Cred = Cred{UID: 65534, GID: 65534}
		}
		if peek {
			for _, f := range p.files {
				f.Get()
			}
			r.Files = append(r.Files, p.files...)
			return
		}
		r.Files = append(r.Files, p.files...)
		p.files = nil
	}
	peek := flags&linux.MSG_PEEK != 0
	if s.typ != linux.SOCK_STREAM {
		n := min(dst.Len(), len(p.data))
		if _, errno := dst.CopyOut(p.data[:n]); errno != 0 {
			return r, errno
		}
		r.N, r.Trunc = n, n < len(p.data)
		if flags&linux.MSG_TRUNC != 0 {
			r.N = len(p.data)
		}
		take(p, peek)
		if !peek {
			s.in.consume(p, 0, true)
		}
		return r, 0
	}
	for i := 0; p != nil && dst.Len() > 0; {
		if r.N > 0 || more {
			if len(p.files) > 0 || pass && r.N > 0 && p.cred != r.Cred {
				break
			}
		}
		n := min(dst.Len(), len(p.data))
		if _, errno := dst.CopyOut(p.data[:n]); errno != 0 {
			if r.N > 0 {
				break
			}
			return r, errno
		}
		had := len(p.files) > 0
		if r.N == 0 {
			take(p, peek)
		}
		r.N += n
		if peek {
			i++
		} else {
			s.in.consume(p, n, false)
		}
		if had {
			break
		}
		p = s.in.peek(i)
	}
	return r, 0
}

// emptyErrno is what a read of nothing gives: 0 is the end.
func (s *Socket) emptyErrno() linux.Errno {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.err; e != 0 {
		s.err = 0
		return e
	}
	if s.noRead || s.connected() && s.peer == nil {
		return 0
	}
	return linux.EAGAIN
}
