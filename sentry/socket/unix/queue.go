package unix

import (
	"sync"

	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// defaultBuffer is net.core.rmem_default.
const defaultBuffer = 212992

// packet is a message, or a piece of a stream.
type packet struct {
	data    []byte
	files   []*vfs.File // with references
	cred    Cred
	hasCred bool   // the sender gave or owes them
	from    string // the sender's name
	sender  *Socket
	end     bool // MSG_EOR
}

// inbox is what is on its way to a socket.
type inbox struct {
	owner *Socket
	read  sync.Mutex // one reader at a time; held while application memory is touched

	mu    sync.Mutex
	list  []*packet
	n     int // bytes
	limit int
}

func (q *inbox) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.list)
}

func (q *inbox) bytes() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.n
}

// maxPackets bounds datagrams that wait (net.unix.max_dgram_qlen).
const maxPackets = 10

// room is how many bytes may be added.
func (q *inbox) room() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.owner.typ == 2 && len(q.list) > maxPackets {
		return 0
	}
	return max(q.limit-q.n, 0)
}

// first is the size of what a read gets: everything of a stream, else the next message.
func (q *inbox) first(all bool) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	if all {
		return q.n
	}
	if len(q.list) == 0 {
		return 0
	}
	return len(q.list[0].data)
}

// put adds a packet and wakes readers.
func (q *inbox) put(p *packet) {
	q.mu.Lock()
	q.list = append(q.list, p)
	q.n += len(p.data)
	q.mu.Unlock()
	q.owner.queue.Notify(wait.In)
}

// peek returns the i-th packet.
func (q *inbox) peek(i int) *packet {
	q.mu.Lock()
	defer q.mu.Unlock()
	if i >= len(q.list) {
		return nil
	}
	return q.list[i]
}

// consume removes n bytes of the first packet, which goes when all are gone or whole is true, and
// wakes the sender.
func (q *inbox) consume(p *packet, n int, whole bool) {
	q.mu.Lock()
	if len(q.list) == 0 || q.list[0] != p {
		q.mu.Unlock()
		return
	}
	if whole || n == len(p.data) {
		q.n -= len(p.data)
		q.list = q.list[1:]
	} else {
		p.data = p.data[n:]
		q.n -= n
	}
	q.mu.Unlock()
	if p.sender != nil {
		p.sender.queue.Notify(wait.Out)
	}
	q.owner.queue.Notify(wait.Out)
}

// clear drops everything, descriptors on their way included.
func (q *inbox) clear() {
	q.mu.Lock()
	list := q.list
	q.list, q.n = nil, 0
	q.mu.Unlock()
	for _, p := range list {
		dropFiles(p.files)
		if p.sender != nil {
			p.sender.queue.Notify(wait.Out)
		}
	}
}

func dropFiles(files []*vfs.File) {
	for _, f := range files {
		f.Put()
	}
}
