package syscalls

import (
	"encoding/binary"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/socket/unix"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

func init() {
	register(rows{
		linux.SYS_SENDTO:   {"sendto", "fd buf size hex hex int", sendto, ""},
		linux.SYS_RECVFROM: {"recvfrom", "fd obuf size hex hex hex", recvfrom, ""},
		linux.SYS_SENDMSG:  {"sendmsg", "fd hex hex", sendmsg, ""},
		linux.SYS_RECVMSG:  {"recvmsg", "fd hex hex", recvmsg, ""},
		linux.SYS_SENDMMSG: {"sendmmsg", "fd hex uint hex", sendmmsg, ""},
		linux.SYS_RECVMMSG: {"recvmmsg", "fd hex uint hex hex", recvmmsg, ""},
	})
}

// message is a sendmsg or recvmsg, its header decoded.
type message struct {
	t    *kernel.Task
	s    *unix.Socket
	f    *vfs.File
	data usermem.Buf

	name    usermem.Addr
	nameLen int32
	control usermem.Addr
	room    uint64 // of control
	flags   uint32
}

// header copies in a struct msghdr.
func header(t *kernel.Task, s *unix.Socket, f *vfs.File, addr usermem.Addr, flags uint32) (message, linux.Errno) {
	h, errno := usermem.CopyIn[linux.Msghdr](t.Space(), addr)
	if errno != 0 {
		return message{}, errno
	}
	if h.Iovlen > usermem.MaxIovec {
		return message{}, linux.EMSGSIZE
	}
	if h.Namelen < 0 {
		return message{}, linux.EINVAL
	}
	data, errno := t.Space().CopyInVec(usermem.Addr(h.Iov), int(h.Iovlen))
	m := message{t: t, s: s, f: f, data: data, name: usermem.Addr(h.Name), nameLen: h.Namelen, control: usermem.Addr(h.Control), room: h.Controllen, flags: flags}
	return m, errno
}

func (m *message) nonblock() bool { return m.flags&linux.MSG_DONTWAIT != 0 || m.f.NonBlocking() }

// send sends it.
func (m *message) send() (uintptr, linux.Errno) {
	var (
		dst *unix.Socket
		out unix.Message
	)
	if m.flags&linux.MSG_OOB != 0 {
		return 0, linux.EOPNOTSUPP
	}
	if m.name != 0 && m.nameLen > 0 {
		a, unspec, errno := unixAddr(m.t, m.name, min(m.nameLen, maxSockaddr+1))
		if errno != 0 {
			return 0, errno
		}
		if unspec {
			return 0, linux.EINVAL
		}
		at := m.t.FS().At()
		dst, errno = m.s.Resolve(m.t, at, a)
		at.Put()
		if errno != 0 {
			return 0, errno
		}
	}
	if errno := m.takeControl(&out); errno != 0 {
		for _, f := range out.Files {
			f.Put()
		}
		return 0, errno
	}
	out.End = m.flags&linux.MSG_EOR != 0
	n, errno := m.s.Send(m.t, &m.data, &out, dst, m.nonblock())
	for _, f := range out.Files { // nothing was sent
		f.Put()
	}
	if errno == linux.EPIPE && m.flags&linux.MSG_NOSIGNAL == 0 && m.s.Type() == linux.SOCK_STREAM {
		m.t.SendSelf(linux.SIGPIPE)
	}
	return uintptr(n), restartable(m.s, false, errno)
}

const (
	cmsgHeader = 16
	maxControl = 20480 // net.core.optmem_max and more
)

// takeControl decodes the control messages of a send.
func (m *message) takeControl(out *unix.Message) linux.Errno {
	if m.control == 0 || m.room == 0 {
		return 0
	}
	if m.room > maxControl {
		return linux.ENOBUFS
	}
	b := make([]byte, m.room)
	if _, errno := m.t.Space().CopyIn(m.control, b); errno != 0 {
		return errno
	}
	le := binary.LittleEndian
	for len(b) >= cmsgHeader {
		n := le.Uint64(b)
		if n < cmsgHeader || n > uint64(len(b)) {
			return linux.EINVAL
		}
		level, typ, data := le.Uint32(b[8:]), le.Uint32(b[12:]), b[cmsgHeader:n]
		if level == linux.SOL_SOCKET {
			var errno linux.Errno
			switch typ {
			case linux.SCM_RIGHTS:
				errno = m.takeRights(out, data)
			case linux.SCM_CREDENTIALS:
				errno = m.takeCred(out, data)
			default:
				errno = linux.EINVAL
			}
			if errno != 0 {
				return errno
			}
		}
		b = b[min(uint64(len(b)), (n+7)&^7):]
	}
	return 0
}

func (m *message) takeRights(out *unix.Message, data []byte) linux.Errno {
	if len(out.Files)+len(data)/4 > linux.SCM_MAX_FD {
		return linux.EINVAL
	}
	for ; len(data) >= 4; data = data[4:] {
		f, errno := m.t.Files().File(int32(binary.LittleEndian.Uint32(data)))
		if errno != 0 {
			return errno
		}
		out.Files = append(out.Files, f)
	}
	return 0
}

// takeCred checks the credentials that a process claims (scm_check_creds).
func (m *message) takeCred(out *unix.Message, data []byte) linux.Errno {
	var u linux.Ucred
	if !usermem.Decode(data, &u) {
		return linux.EINVAL
	}
	c := m.t.Cred()
	uid, uok := c.NS.ToKernelUID(u.UID)
	gid, gok := c.NS.ToKernelGID(u.GID)
	if !uok || !gok {
		return linux.EINVAL
	}
	switch {
	case u.PID != m.t.PID() && !c.HasIn(m.t.PIDNS().Owner, linux.CAP_SYS_ADMIN),
		uid != c.Ruid && uid != c.Euid && uid != c.Suid && !c.Has(linux.CAP_SETUID),
		gid != c.Rgid && gid != c.Egid && gid != c.Sgid && !c.Has(linux.CAP_SETGID):
		return linux.EPERM
	}
	if u.PID != m.t.PID() && m.t.Kernel().TaskIn(m.t.PIDNS(), u.PID) == nil {
		return linux.ESRCH
	}
	out.Cred = &unix.Cred{PID: u.PID, UID: uid, GID: gid}
	return 0
}

// recv receives it; the flags that msg_flags becomes, the name's and the control's length are
// returned.
func (m *message) recv() (n uintptr, got uint32, nameLen int32, control uint64, errno linux.Errno) {
	if m.flags&linux.MSG_OOB != 0 {
		return 0, 0, 0, 0, linux.EINVAL
	}
	r, errno := m.s.Recv(m.t, &m.data, m.flags, m.nonblock())
	if errno != 0 {
		return 0, 0, 0, 0, restartable(m.s, true, errno)
	}
	if r.Trunc {
		got |= linux.MSG_TRUNC
	}
	if r.End && m.s.Type() == linux.SOCK_SEQPACKET {
		got |= linux.MSG_EOR
	}
	if m.name != 0 && r.From != "" && m.s.Type() != linux.SOCK_SEQPACKET {
		b := append([]byte{linux.AF_UNIX, 0}, r.From...)
		nameLen = int32(len(b))
		if _, errno := m.t.Space().CopyOut(m.name, b[:min(len(b), int(max(m.nameLen, 0)))]); errno != 0 {
			return 0, 0, 0, 0, errno
		}
	}
	control, cut := m.putControl(&r)
	if cut {
		got |= linux.MSG_CTRUNC
	}
	if m.flags&linux.MSG_CMSG_CLOEXEC != 0 {
		got |= linux.MSG_CMSG_CLOEXEC
	}
	return uintptr(r.N), got, nameLen, control, 0
}

// putControl stores credentials and descriptors: how long they are, and whether not all fitted.
// Descriptors without a place are closed.
func (m *message) putControl(r *unix.Received) (used uint64, cut bool) {
	le := binary.LittleEndian
	room := m.room
	if m.control == 0 {
		room = 0
	}
	put := func(typ uint32, data []byte) bool {
		full := uint64(cmsgHeader + len(data))
		b := make([]byte, cmsgHeader, full)
		if room-used < cmsgHeader {
			cut = true
			return false
		}
		if full > room-used {
			cut = true
			full = room - used
		}
		le.PutUint64(b, full)
		le.PutUint32(b[8:], linux.SOL_SOCKET)
		le.PutUint32(b[12:], typ)
		b = append(b, data...)[:full]
		if _, errno := m.t.Space().CopyOut(m.control+usermem.Addr(used), b); errno != 0 {
			cut = true
			return false
		}
		used = min((used+full+7)&^7, room)
		return true
	}
	if r.HasCred {
		ns := m.t.Cred().NS
		u := linux.Ucred{PID: r.Cred.PID, UID: ns.FromKernelUID(r.Cred.UID), GID: ns.FromKernelGID(r.Cred.GID)}
		put(linux.SCM_CREDENTIALS, usermem.Encode(&u))
	}
	if len(r.Files) == 0 {
		return used, cut
	}
	fit := 0
	if room-used > cmsgHeader {
		fit = int(min((room-used-cmsgHeader)/4, uint64(len(r.Files))))
	}
	var fds []byte
	for i, f := range r.Files {
		if i >= fit {
			cut = true
			f.Put()
			continue
		}
		fd, errno := m.t.Install(f, m.flags&linux.MSG_CMSG_CLOEXEC != 0)
		if errno != 0 {
			cut, fit = true, i
			continue
		}
		fds = le.AppendUint32(fds, uint32(fd))
	}
	if len(fds) > 0 {
		put(linux.SCM_RIGHTS, fds)
	}
	return used, cut
}

// sendto is sendto(2).
func sendto(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	s, f, errno := sock(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	b, errno := buf(t, a.Addr(1), a.Size(2))
	if errno != 0 {
		return 0, errno
	}
	m := message{t: t, s: s, f: f, data: b, name: a.Addr(4), nameLen: a.Int(5), flags: a.Uint(3)}
	return m.send()
}

// recvfrom is recvfrom(2).
func recvfrom(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	s, f, errno := sock(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	b, errno := buf(t, a.Addr(1), a.Size(2))
	if errno != 0 {
		return 0, errno
	}
	m := message{t: t, s: s, f: f, data: b, flags: a.Uint(3) &^ linux.MSG_CMSG_CLOEXEC}
	r, errno := s.Recv(t, &m.data, m.flags, m.nonblock())
	if errno != 0 {
		return 0, restartable(s, true, errno)
	}
	m.putControl(&r) // there is no place: descriptors are closed
	if a.Addr(4) != 0 {
		if r.From == "" {
			errno = usermem.CopyOutInt(t.Space(), a.Addr(5), int32(0))
		} else {
			errno = putSockaddr(t, r.From, a.Addr(4), a.Addr(5))
		}
		if errno != 0 {
			return 0, errno
		}
	}
	return uintptr(r.N), 0
}

// sendmsg is sendmsg(2).
func sendmsg(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	s, f, errno := sock(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	m, errno := header(t, s, f, a.Addr(1), a.Uint(2))
	if errno != 0 {
		return 0, errno
	}
	return m.send()
}

// recvmsg is recvmsg(2).
func recvmsg(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	s, f, errno := sock(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	return recvOne(t, s, f, a.Addr(1), a.Uint(2))
}

// recvOne receives into a struct msghdr.
func recvOne(t *kernel.Task, s *unix.Socket, f *vfs.File, addr usermem.Addr, flags uint32) (uintptr, linux.Errno) {
	m, errno := header(t, s, f, addr, flags)
	if errno != 0 {
		return 0, errno
	}
	n, got, nameLen, control, errno := m.recv()
	if errno != 0 {
		return 0, errno
	}
	mem := t.Space()
	if m.name != 0 {
		if errno := usermem.CopyOutInt(mem, addr+8, nameLen); errno != 0 {
			return 0, errno
		}
	}
	if errno := usermem.CopyOutInt(mem, addr+40, control); errno != 0 {
		return 0, errno
	}
	return n, usermem.CopyOutInt(mem, addr+48, got)
}

// mmsghdrSize is the size of struct mmsghdr: a msghdr and a length.
const mmsghdrSize = 64

// sendmmsg is sendmmsg(2).
func sendmmsg(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	s, f, errno := sock(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	for i := range min(a.Uint(2), usermem.MaxIovec) {
		at := a.Addr(1) + usermem.Addr(i*mmsghdrSize)
		m, errno := header(t, s, f, at, a.Uint(3))
		var n uintptr
		if errno == 0 {
			n, errno = m.send()
		}
		if errno == 0 {
			errno = usermem.CopyOutInt(t.Space(), at+56, uint32(n))
		}
		if errno != 0 {
			if i > 0 {
				return uintptr(i), 0
			}
			return 0, errno
		}
	}
	return uintptr(min(a.Uint(2), usermem.MaxIovec)), 0
}

// recvmmsg is recvmmsg(2).
func recvmmsg(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	deadline, _, errno := timeout(t, a.Addr(4))
	if errno != 0 {
		return 0, errno
	}
	s, f, errno := sock(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	flags := a.Uint(3)
	count := uintptr(0)
	for i := range min(a.Uint(2), usermem.MaxIovec) {
		at := a.Addr(1) + usermem.Addr(i*mmsghdrSize)
		n, errno := recvOne(t, s, f, at, flags&^linux.MSG_WAITFORONE)
		if errno == 0 {
			errno = usermem.CopyOutInt(t.Space(), at+56, uint32(n))
		}
		if errno != 0 {
			if count > 0 {
				break
			}
			return 0, errno
		}
		count++
		if flags&linux.MSG_WAITFORONE != 0 {
			flags |= linux.MSG_DONTWAIT
		}
		if deadline != wait.Forever && time.Now().After(deadline) {
			break
		}
	}
	if a.Addr(4) != 0 {
		storeLeft(t, a.Addr(4), deadline)
	}
	return count, 0
}
