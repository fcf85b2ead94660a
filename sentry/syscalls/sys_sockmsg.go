package syscalls

import (
	"encoding/binary"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/socket"
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
		linux.SYS_RECVMMSG: {"recvmmsg", "fd hex uint hex ts", recvmmsg, ""},
	})
}

// internalFlags are for the kernel's own use: taken away from what the application gives.
const internalFlags = 0x8000000 | 0x80000 | 0x100000 | 0x10000000 | 0x40000

// msgFlags are the flags of a call on f.
func msgFlags(f *vfs.File, flags uint32) uint32 {
	flags &^= internalFlags
	if f.NonBlocking() {
		flags |= linux.MSG_DONTWAIT
	}
	return flags
}

// send sends m and raises SIGPIPE as it must.
func send(t *kernel.Task, s socket.Socket, m *socket.Message) (int, linux.Errno) {
	defer m.Drop()
	n, errno := s.Send(t, m)
	if errno == linux.EPIPE && s.Common().Type == linux.SOCK_STREAM && m.Flags&linux.MSG_NOSIGNAL == 0 {
		t.SendSelf(linux.SIGPIPE)
	}
	return n, errno
}

// sendto is sendto(2).
func sendto(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	b, errno := buf(t, a.Addr(1), min(a.Size(2), usermem.MaxRW))
	if errno != 0 {
		return 0, errno
	}
	s, f, errno := sock(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	m := socket.Message{Data: b, Flags: msgFlags(f, a.Uint(3))}
	if a.Addr(4) != 0 {
		if m.Addr, errno = sockaddrIn(t, a.Addr(4), a.Int(5)); errno != 0 {
			return 0, errno
		}
	}
	t.HasWritten(a.Int(0))
	n, errno := send(t, s, &m)
	return uintptr(n), errno
}

// recvfrom is recvfrom(2).
func recvfrom(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	b, errno := buf(t, a.Addr(1), min(a.Size(2), usermem.MaxRW))
	if errno != 0 {
		return 0, errno
	}
	s, f, errno := sock(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	m := socket.Message{Data: b, Flags: msgFlags(f, a.Uint(3))}
	defer m.Drop()
	n, errno := s.Recv(t, &m)
	if errno == 0 && a.Addr(4) != 0 {
		errno = sockaddrOut(t, m.Addr, a.Addr(4), a.Addr(5))
	}
	switch {
	case errno == 0 && s.Common().Type == linux.SOCK_DGRAM && a.Uint(3)&^linux.MSG_DONTWAIT == 0:
		t.HasReceived(f, a.Int(0))
	case n > 0:
		t.HasRead(f, a.Int(0))
	}
	return uintptr(n), errno
}

// msghdr copies in a struct msghdr and its vector: EMSGSIZE if that is too long.
func msghdr(t *kernel.Task, addr usermem.Addr) (h linux.Msghdr, data usermem.Buf, errno linux.Errno) {
	if h, errno = usermem.CopyIn[linux.Msghdr](t.Space(), addr); errno != 0 {
		return
	}
	if h.Name == 0 {
		h.Namelen = 0
	}
	switch {
	case h.Namelen < 0:
		errno = linux.EINVAL
		return
	case h.Iovlen > usermem.MaxIovec:
		errno = linux.EMSGSIZE
		return
	}
	h.Namelen = min(h.Namelen, linux.SizeofSockaddrStorage)
	data, errno = t.Space().CopyInVec(usermem.Addr(h.Iov), int(h.Iovlen))
	return
}

// sendmsg is sendmsg(2).
func sendmsg(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Uint(2)&linux.MSG_CMSG_COMPAT != 0 {
		return 0, linux.EINVAL
	}
	s, f, errno := sock(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	n, errno := sendOne(t, s, a.Addr(1), msgFlags(f, a.Uint(2)))
	return uintptr(n), errno
}

// sendOne sends the message that the struct msghdr at addr describes.
func sendOne(t *kernel.Task, s socket.Socket, addr usermem.Addr, flags uint32) (int, linux.Errno) {
	h, data, errno := msghdr(t, addr)
	if errno != 0 {
		return 0, errno
	}
	m := socket.Message{Data: &data, Flags: flags}
	if h.Namelen > 0 {
		if m.Addr, errno = sockaddrIn(t, usermem.Addr(h.Name), h.Namelen); errno != 0 {
			return 0, errno
		}
	}
	if h.Controllen > linux.OPTMEM_MAX {
		return 0, linux.ENOBUFS
	}
	if h.Controllen > 0 {
		b := make([]byte, h.Controllen)
		if _, errno := t.Space().CopyIn(usermem.Addr(h.Control), b); errno != 0 {
			return 0, errno
		}
		if errno := controlIn(t, s, b, &m.Control); errno != 0 {
			m.Drop()
			return 0, errno
		}
	}
	return send(t, s, &m)
}

// controlIn takes control messages apart (__scm_send). What belongs to other levels than
// SOL_SOCKET is for the family.
func controlIn(t *kernel.Task, s socket.Socket, b []byte, c *socket.Control) linux.Errno {
	for len(b) >= linux.SizeofCmsghdr {
		n := binary.LittleEndian.Uint64(b)
		level, typ := int32(binary.LittleEndian.Uint32(b[8:])), int32(binary.LittleEndian.Uint32(b[12:]))
		if n < linux.SizeofCmsghdr || n > uint64(len(b)) {
			return linux.EINVAL
		}
		data := b[linux.SizeofCmsghdr:n]
		errno := linux.Errno(0)
		switch {
		case level != linux.SOL_SOCKET:
			c.Other = append(c.Other, socket.Cmsg{Level: level, Type: typ, Data: data})
		case typ == linux.SCM_RIGHTS && s.Common().Family == linux.AF_UNIX:
			errno = rightsIn(t, data, c)
		case s.Common().Family == linux.AF_INET || s.Common().Family == linux.AF_INET6:
			errno = inetControlIn(t, typ, data)
		case typ == linux.SCM_CREDENTIALS && len(data) == 12:
			errno = credIn(t, data, c)
		default:
			errno = linux.EINVAL
		}
		if errno != 0 {
			return errno
		}
		b = b[min((n+7)&^7, uint64(len(b))):]
	}
	return 0
}

// inetControlIn checks what nobody minds with sockets of the Internet (__sock_cmsg_send): a mark, which no rule looks at.
func inetControlIn(t *kernel.Task, typ int32, data []byte) linux.Errno {
	switch {
	case typ == linux.SCM_RIGHTS || typ == linux.SCM_CREDENTIALS:
		return 0
	case typ != linux.SO_MARK || len(data) != 4:
		return linux.EINVAL
	case !t.Cred().Has(linux.CAP_NET_RAW) && !t.Cred().Has(linux.CAP_NET_ADMIN):
		return linux.EPERM
	}
	return 0
}

// rightsIn turns descriptors into files: EBADF; EINVAL if there are too many.
func rightsIn(t *kernel.Task, data []byte, c *socket.Control) linux.Errno {
	n := len(data) / 4
	if n > linux.SCM_MAX_FD || len(c.Files)+n > linux.SCM_MAX_FD {
		return linux.EINVAL
	}
	for i := range n {
		f, errno := t.Files().File(int32(binary.LittleEndian.Uint32(data[4*i:])))
		if errno != 0 {
			return errno
		}
		c.Files = append(c.Files, f)
	}
	return 0
}

// credIn checks credentials that the caller claims to have (scm_check_creds): its own ids or
// those its capabilities let it assume. ESRCH if the process does not exist.
func credIn(t *kernel.Task, data []byte, c *socket.Control) linux.Errno {
	var u linux.Ucred
	usermem.Decode(data, &u)
	k := t.Cred()
	uid, ok := k.NS.ToKernelUID(u.UID)
	gid, ok2 := k.NS.ToKernelGID(u.GID)
	if !ok || !ok2 {
		return linux.EINVAL
	}
	own := u.PID == t.PID()
	if !own && !k.HasIn(t.PIDNS().Owner, linux.CAP_SYS_ADMIN) ||
		uid != k.Ruid && uid != k.Euid && uid != k.Suid && !k.Has(linux.CAP_SETUID) ||
		gid != k.Rgid && gid != k.Egid && gid != k.Sgid && !k.Has(linux.CAP_SETGID) {
		return linux.EPERM
	}
	cred := &socket.Cred{Process: t.Process(), UID: uid, GID: gid}
	if !own {
		o := t.Kernel().TaskIn(t.PIDNS(), u.PID)
		if o == nil {
			return linux.ESRCH
		}
		cred.Process = o.ID()
	}
	c.Cred = cred
	return 0
}

// recvmsg is recvmsg(2).
func recvmsg(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Uint(2)&linux.MSG_CMSG_COMPAT != 0 {
		return 0, linux.EINVAL
	}
	s, f, errno := sock(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	n, _, errno := recvOne(t, s, a.Addr(1), msgFlags(f, a.Uint(2)))
	return uintptr(n), errno
}

// Offsets in struct msghdr.
const (
	msghdrNamelen    = 8
	msghdrControllen = 40
	msghdrFlags      = 48
)

// recvOne receives a message into what the struct msghdr at addr describes, and returns the flags
// it came with, too.
func recvOne(t *kernel.Task, s socket.Socket, addr usermem.Addr, flags uint32) (int, uint32, linux.Errno) {
	h, data, errno := msghdr(t, addr)
	if errno != 0 {
		return 0, 0, errno
	}
	m := socket.Message{Data: &data, Flags: flags}
	defer m.Drop()
	n, errno := s.Recv(t, &m)
	if errno != 0 {
		return 0, 0, errno
	}
	w := controlWriter{t: t, at: usermem.Addr(h.Control), left: h.Controllen, cloexec: flags&linux.MSG_CMSG_CLOEXEC != 0}
	w.write(s.Common(), &m)
	if h.Name != 0 {
		if errno := sockaddrOut(t, m.Addr, usermem.Addr(h.Name), addr+msghdrNamelen); errno != 0 {
			return 0, 0, errno
		}
	}
	out := flags&linux.MSG_CMSG_CLOEXEC | m.OutFlags | w.flags
	if errno := usermem.CopyOutInt(t.Space(), addr+msghdrFlags, out); errno != 0 {
		return 0, 0, errno
	}
	if errno := usermem.CopyOutInt(t.Space(), addr+msghdrControllen, w.used); errno != 0 {
		return 0, 0, errno
	}
	return n, out, 0
}

// controlWriter stores control messages for the application (put_cmsg).
type controlWriter struct {
	t       *kernel.Task
	at      usermem.Addr
	left    uint64
	used    uint64
	flags   uint32 // MSG_CTRUNC
	cloexec bool
}

// write stores what came with m, as the socket's options say: credentials, files, the rest.
func (w *controlWriter) write(s *socket.Base, m *socket.Message) {
	pass, pidfd := s.PassCred.Load(), s.PassPidfd.Load()
	if w.at == 0 {
		if pass || pidfd || len(m.Files) > 0 || len(m.Other) > 0 {
			w.flags |= linux.MSG_CTRUNC
		}
		return
	}
	if pass {
		u := ucred(w.t, m.Cred)
		if m.Cred == nil {
			u = linux.Ucred{}
		} else if m.Cred.UID == auth.UID(auth.NoID) {
			u.UID, u.GID = auth.OverflowID, auth.OverflowID
		}
		w.put(linux.SOL_SOCKET, linux.SCM_CREDENTIALS, usermem.Encode(&u))
	}
	w.putFiles(m)
	if pidfd && m.Cred != nil {
		w.putPidfd(m.Cred)
	}
	for _, c := range m.Other {
		w.put(c.Level, c.Type, c.Data)
	}
}

// put stores one message, cut to the room there is.
func (w *controlWriter) put(level, typ int32, data []byte) bool {
	if w.left < linux.SizeofCmsghdr {
		w.flags |= linux.MSG_CTRUNC
		return false
	}
	n := uint64(linux.SizeofCmsghdr + len(data))
	if n > w.left {
		w.flags |= linux.MSG_CTRUNC
		n = w.left
	}
	b := binary.LittleEndian.AppendUint64(nil, n)
	b = binary.LittleEndian.AppendUint32(b, uint32(level))
	b = binary.LittleEndian.AppendUint32(b, uint32(typ))
	b = append(b, data...)
	if _, errno := w.t.Space().CopyOut(w.at, b[:n]); errno != 0 {
		return false
	}
	w.advance(uint64(len(data)))
	return true
}

// advance goes on behind a message of n bytes.
func (w *controlWriter) advance(n uint64) {
	space := min((linux.SizeofCmsghdr+n+7)&^7, w.left)
	w.at += usermem.Addr(space)
	w.left -= space
	w.used += space
}

// putFiles gives the files descriptors, as many as there is room for (scm_detach_fds).
func (w *controlWriter) putFiles(m *socket.Message) {
	files := m.Files
	if len(files) == 0 {
		return
	}
	room := 0
	if w.left > linux.SizeofCmsghdr {
		room = int(min((w.left-linux.SizeofCmsghdr)/4, linux.SCM_MAX_FD))
	}
	i := 0
	for ; i < min(room, len(files)); i++ {
		files[i].Get()
		fd, errno := w.t.Install(files[i], w.cloexec)
		if errno != 0 {
			break
		}
		if errno := usermem.CopyOutInt(w.t.Space(), w.at+linux.SizeofCmsghdr+usermem.Addr(4*i), fd); errno != 0 {
			w.t.Files().Close(w.t, fd)
			break
		}
	}
	if i < len(files) {
		w.flags |= linux.MSG_CTRUNC
	}
	if i > 0 {
		h := linux.Cmsghdr{Len: uint64(linux.SizeofCmsghdr + 4*i), Level: linux.SOL_SOCKET, Type: linux.SCM_RIGHTS}
		if usermem.CopyOut(w.t.Space(), w.at, &h) == 0 {
			w.advance(uint64(4 * i))
		}
	}
}

// putPidfd stores a pidfd of the sender (SCM_PIDFD); if there can be none, the error.
func (w *controlWriter) putPidfd(c *socket.Cred) {
	if w.left < linux.SizeofCmsghdr+4 {
		w.flags |= linux.MSG_CTRUNC
		return
	}
	p, _ := c.Process.(*kernel.PID)
	fd := int32(0)
	f, errno := w.t.PidfdFile(p)
	if errno == 0 {
		fd, errno = w.t.Install(f, true)
	}
	if errno != 0 {
		fd = -int32(errno)
	}
	if !w.put(linux.SOL_SOCKET, linux.SCM_PIDFD, binary.LittleEndian.AppendUint32(nil, uint32(fd))) && fd >= 0 {
		w.t.Files().Close(w.t, fd)
	}
}

const (
	sizeofMmsghdr = 64
	mmsghdrLen    = 56
)

// sendmmsg is sendmmsg(2): an error after the first message ends it without being told.
func sendmmsg(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Uint(3)&linux.MSG_CMSG_COMPAT != 0 {
		return 0, linux.EINVAL
	}
	s, f, errno := sock(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	flags := msgFlags(f, a.Uint(3))
	done := uintptr(0)
	for n := min(a.Uint(2), usermem.MaxIovec); done < uintptr(n); done++ {
		at := a.Addr(1) + usermem.Addr(done*sizeofMmsghdr)
		var k int
		if k, errno = sendOne(t, s, at, flags); errno == 0 {
			errno = usermem.CopyOutInt(t.Space(), at+mmsghdrLen, uint32(k))
		}
		if errno != 0 {
			break
		}
	}
	if done > 0 {
		return done, 0
	}
	return 0, errno
}

// recvmmsg is recvmmsg(2). The time-out is looked at only after each message, as in Linux, and
// what is left of it is stored. An error after the first message is told at the next call.
func recvmmsg(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	flags := a.Uint(3)
	if flags&linux.MSG_CMSG_COMPAT != 0 {
		return 0, linux.EINVAL
	}
	deadline, _, errno := timeout(t, a.Addr(4))
	if errno != 0 {
		return 0, errno
	}
	s, f, errno := sock(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	defer f.Put()
	if errno := s.Common().TakeError(); errno != 0 {
		return 0, errno
	}
	done, errno := recvAll(t, s, a, msgFlags(f, flags), deadline)
	if done == 0 {
		return 0, errno
	}
	if errno != 0 && errno != linux.EAGAIN && errno < linux.ERESTARTSYS {
		s.Common().SetError(errno)
	}
	if p := a.Addr(4); p != 0 {
		left := linux.TimespecOf(max(int64(time.Until(deadline)), 0))
		if errno := usermem.CopyOut(t.Space(), p, &left); errno != 0 {
			return 0, errno
		}
	}
	return done, 0
}

func recvAll(t *kernel.Task, s socket.Socket, a Args, flags uint32, deadline time.Time) (done uintptr, errno linux.Errno) {
	for n := a.Uint(2); done < uintptr(n); done++ {
		at := a.Addr(1) + usermem.Addr(done*sizeofMmsghdr)
		k, out, errno := recvOne(t, s, at, flags&^linux.MSG_WAITFORONE)
		if errno == 0 {
			errno = usermem.CopyOutInt(t.Space(), at+mmsghdrLen, uint32(k))
		}
		if errno != 0 {
			return done, errno
		}
		if flags&linux.MSG_WAITFORONE != 0 {
			flags |= linux.MSG_DONTWAIT
		}
		if deadline != wait.Forever && !time.Now().Before(deadline) || out&linux.MSG_OOB != 0 || t.Waiter().Interrupted() {
			return done + 1, 0
		}
	}
	return done, 0
}
