package socket

import (
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// Message is what one sendmsg(2) or recvmsg(2) moves (struct msghdr).
type Message struct {
	// Data is what is to be sent, or where to put what arrives.
	Data *usermem.Buf
	// Flags are those of the call: MSG_DONTWAIT and so on.
	Flags uint32
	// Addr is where to, nil for the peer; or filled in with where from, if the sender has a name. By sendto(2) it may be an
	// address of no length, which some families take for none.
	Addr []byte
	// OutFlags are filled in by Recv: MSG_TRUNC, MSG_EOR.
	OutFlags uint32

	Control
}

// Control is the control data that families handle.
type Control struct {
	// Files are those of SCM_RIGHTS, with a reference each.
	Files []*vfs.File
	// Cred is that of SCM_CREDENTIALS, checked; nil if there is none.
	Cred *Cred
	// Other are further messages, each of a level and type: from the network.
	Other []Cmsg
}

// Cmsg is one control message.
type Cmsg struct {
	Level, Type int32
	Data        []byte
}

// Drop gives back the files that nobody took.
func (c *Control) Drop() {
	for _, f := range c.Files {
		f.Put()
	}
	c.Files = nil
}

// Cred says who sent a message or is at the other end (struct ucred, SO_PEERCRED).
type Cred struct {
	Process any // Caller.Process
	UID     auth.UID
	GID     auth.GID
	Groups  []auth.GID // of a peer
}

// NoCred is that of messages sent when nobody asked for credentials.
var NoCred = &Cred{UID: auth.UID(auth.NoID), GID: auth.GID(auth.NoID)}

// PeerCred is the caller as its peer shall see it: effective ids (init_peercred).
func PeerCred(c Caller) *Cred {
	k := c.Cred()
	return &Cred{Process: c.Process(), UID: k.Euid, GID: k.Egid, Groups: k.Groups}
}

// SenderCred is the caller as the receiver of a message shall see it: real ids.
func SenderCred(c Caller) *Cred {
	k := c.Cred()
	return &Cred{Process: c.Process(), UID: k.Ruid, GID: k.Rgid}
}

// Same reports whether a and b are the same sender.
func (a *Cred) Same(b *Cred) bool {
	return a.Process == b.Process && a.UID == b.UID && a.GID == b.GID
}
