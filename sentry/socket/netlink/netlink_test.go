package netlink

import (
	"encoding/binary"
	"testing"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

type caller struct {
	vfs.KernelCtx
	cred *auth.Cred
}

func (c caller) Cred() *auth.Cred { return c.cred }
func (caller) FS() *vfs.FS        { return nil }
func (caller) Process() any       { return nil }
func (caller) PID() int32         { return 42 }

type namespace map[string]any

func (n namespace) Get(name string, make func() any) any {
	if n[name] == nil {
		n[name] = make()
	}
	return n[name]
}

func open(t testing.TB, ns namespace, cred *auth.Cred) (caller, *Socket) {
	t.Helper()
	c := caller{cred: cred}
	s, errno := newSocket(c, ns, linux.SOCK_RAW, linux.NETLINK_ROUTE)
	if errno != 0 {
		t.Fatal(errno)
	}
	return c, s.(*Socket)
}

func send(c caller, s *Socket, b []byte) (int, linux.Errno) {
	data := usermem.Bytes(b)
	return s.Send(c, &socket.Message{Data: &data})
}

// types receives everything that is queued and returns the types of the messages, with errors as
// negative numbers.
func types(t testing.TB, c caller, s *Socket) (out []int) {
	t.Helper()
	for {
		p := make([]byte, 1<<16)
		data := usermem.Bytes(p)
		n, errno := s.Recv(c, &socket.Message{Data: &data, Flags: linux.MSG_DONTWAIT})
		if errno != 0 {
			return out
		}
		for b := p[:n]; len(b) > 0; {
			q, rest, ok := next(b)
			if !ok {
				t.Fatalf("a malformed answer of %d bytes", len(b))
			}
			if q.Type == linux.NLMSG_ERROR {
				out = append(out, int(int32(binary.LittleEndian.Uint32(q.body))))
			} else {
				out = append(out, int(q.Type))
			}
			b = rest
		}
	}
}

func request_(typ, flags uint16, body ...byte) []byte {
	h := linux.Nlmsghdr{Len: uint32(16 + len(body)), Type: typ, Flags: flags | linux.NLM_F_REQUEST, Seq: 1}
	return append(append([]byte(nil), usermem.Encode(&h)...), body...)
}

func equal(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestDumpAndRights(t *testing.T) {
	ns := namespace{}
	c, s := open(t, ns, auth.Root(auth.NewRootNS()))
	send(c, s, request_(linux.RTM_GETLINK, linux.NLM_F_DUMP, 0))
	if got := types(t, c, s); !equal(got, []int{linux.RTM_NEWLINK, linux.NLMSG_DONE}) {
		t.Errorf("links: %v", got)
	}
	socket.Devices(ns).SetFlags(1, linux.IFF_UP, linux.IFF_UP)
	send(c, s, request_(linux.RTM_GETADDR, linux.NLM_F_DUMP, 0))
	if got := types(t, c, s); !equal(got, []int{linux.RTM_NEWADDR, linux.RTM_NEWADDR, linux.NLMSG_DONE}) {
		t.Errorf("addresses: %v", got)
	}
	u, q := open(t, ns, &auth.Cred{Ruid: 1, Euid: 1, NS: c.cred.NS})
	send(u, q, request_(linux.RTM_NEWLINK, linux.NLM_F_ACK, make([]byte, 16)...))
	if got := types(t, u, q); !equal(got, []int{-int(linux.EPERM)}) {
		t.Errorf("a change by a user: %v", got)
	}
	if q.port == s.port {
		t.Error("two sockets with one port")
	}
}

// TestUnread sends requests without reading answers: what is queued stays bounded.
func TestUnread(t *testing.T) {
	c, s := open(t, namespace{}, auth.Root(auth.NewRootNS()))
	for range 10000 {
		send(c, s, request_(linux.RTM_GETLINK, linux.NLM_F_DUMP, 0))
	}
	if s.charged > 2*linux.SK_MEM_MAX {
		t.Errorf("%d bytes queued", s.charged)
	}
	if s.TakeError() != linux.ENOBUFS {
		t.Error("the loss is not told")
	}
}

// FuzzRequests sends whatever comes.
func FuzzRequests(f *testing.F) {
	for _, typ := range []uint16{linux.RTM_GETLINK, linux.RTM_NEWLINK, linux.RTM_NEWADDR, linux.RTM_DELADDR, linux.RTM_GETADDR, linux.RTM_GETROUTE} {
		f.Add(request_(typ, linux.NLM_F_ACK, make([]byte, 24)...))
		f.Add(request_(typ, linux.NLM_F_DUMP, 2, 8, 0, 0, 1, 0, 0, 0, 8, 0, 2, 0, 127, 0, 0, 1))
	}
	veth := []byte{32, 0, 18, 128, 9, 0, 1, 0, 'v', 'e', 't', 'h', 0, 0, 0, 0, 8, 0, 2, 128, 4, 0, 1, 0, 6, 0, 3, 0, 'x', 0, 0, 0}
	f.Add(request_(linux.RTM_NEWLINK, linux.NLM_F_CREATE, append(make([]byte, 16), veth...)...))
	f.Add(append(request_(linux.RTM_NEWLINK, linux.NLM_F_CREATE, append(make([]byte, 16), 16, 0, 18, 0, 11, 0, 1, 0, 'b', 'r', 'i', 'd', 'g', 'e', 0, 0)...), request_(linux.RTM_DELLINK, 0, append(make([]byte, 16), 12, 0, 3, 0, 'b', 'r', 'i', 'd', 'g', 'e', '0', 0)...)...))
	f.Add(request_(linux.RTM_GETNEIGH, linux.NLM_F_DUMP, append([]byte{7}, make([]byte, 15)...)...))
	f.Add(request_(linux.RTM_NEWRULE, 0, append([]byte{2, 8, 8, 0, 100, 0, 0, 1, 0, 0, 0, 0}, 8, 0, 1, 0, 10, 0, 0, 0)...))
	f.Add(request_(linux.RTM_NEWNEIGH, linux.NLM_F_CREATE, append([]byte{2, 0, 0, 0, 1, 0, 0, 0, 128, 0, 0, 0}, 8, 0, 1, 0, 10, 0, 0, 1, 10, 0, 2, 0, 2, 0, 0, 0, 0, 1, 0, 0)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, s := open(t, namespace{}, auth.Root(auth.NewRootNS()))
		socket.Devices(s.NS).SetFlags(1, linux.IFF_UP, linux.IFF_UP)
		send(c, s, b)
		types(t, c, s)
		socket.End(s.NS)
	})
}
