package tcp

import (
	"sync"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// chunk is a piece of a stream. What lies before off has been taken. Who appends writes behind
// the end of data only, so that what is there can be copied without a lock by the one reader.
type chunk struct {
	data []byte
	off  int
	next *chunk
	size int8         // index in sizes
	lent atomic.Int32 // packets that are being sent of it, beside the queue

	frame  *stack.Buffer   // that data lies in, in place of a buffer of its own
	window *usermem.Window // likewise: data is a host file's, which can be truncated
}

// sizes are those of the buffers of chunks.
var sizes = [...]int{1 << 10, 4 << 10, 16 << 10, 64 << 10}

var pools [len(sizes)]sync.Pool

// newChunk returns an empty chunk with room for n bytes, or as much as there can be.
func newChunk(n int) *chunk {
	i := 0
	for i < len(sizes)-1 && sizes[i] < n {
		i++
	}
	if c, ok := pools[i].Get().(*chunk); ok {
		return c
	}
	return &chunk{data: make([]byte, 0, sizes[i]), size: int8(i)}
}

// keptChunks are chunks without a buffer.
var keptChunks = sync.Pool{New: func() any { return new(chunk) }}

// keptChunk returns a chunk of data that lies in a frame.
func keptChunk(data []byte, f *stack.Buffer) *chunk {
	c := keptChunks.Get().(*chunk)
	c.data, c.frame = data[:len(data):len(data)], f
	return c
}

// pinnedChunk returns a chunk of data that is a host file's.
func pinnedChunk(data []byte, w *usermem.Window) *chunk {
	c := keptChunks.Get().(*chunk)
	c.data, c.window = data[:len(data):len(data)], w
	return c
}

// free gives a chunk back, when nobody else looks at it any more.
func (c *chunk) free() {
	if c.lent.Add(-1) >= 0 {
		return
	}
	c.lent.Store(0)
	if c.frame != nil || c.window != nil {
		if c.frame != nil {
			c.frame.Free()
		} else {
			c.window.Put()
		}
		c.data, c.off, c.next, c.frame, c.window = nil, 0, nil, nil, nil
		keptChunks.Put(c)
		return
	}
	c.data, c.off, c.next = c.data[:0], 0, nil
	pools[c.size].Put(c)
}

func (c *chunk) len() int { return len(c.data) - c.off }

// queue is a stream of bytes in chunks.
type queue struct {
	head, tail *chunk
	n          int
}

// push appends a chunk, or its bytes to the last one if they fit there.
func (q *queue) push(c *chunk) {
	q.n += c.len()
	if t := q.tail; t != nil && c.window == nil && c.len() <= cap(t.data)-len(t.data) && c.len() <= sizes[0] {
		t.data = append(t.data, c.data[c.off:]...)
		c.free()
		return
	}
	c.next = nil
	if q.tail == nil {
		q.head = c
	} else {
		q.tail.next = c
	}
	q.tail = c
}

// write appends bytes.
func (q *queue) write(b []byte) {
	for len(b) > 0 {
		if t := q.tail; t != nil && len(t.data) < cap(t.data) {
			n := min(len(b), cap(t.data)-len(t.data))
			t.data = append(t.data, b[:n]...)
			q.n += n
			b = b[n:]
			continue
		}
		c := newChunk(len(b))
		n := min(len(b), cap(c.data))
		c.data = append(c.data, b[:n]...)
		b = b[n:]
		q.n += n
		if q.tail == nil {
			q.head = c
		} else {
			q.tail.next = c
		}
		q.tail = c
	}
}

// pop takes the first chunk.
func (q *queue) pop() *chunk {
	c := q.head
	if q.head = c.next; q.head == nil {
		q.tail = nil
	}
	c.next = nil
	q.n -= c.len()
	return c
}

// drop takes n bytes away.
func (q *queue) drop(n int) {
	q.n -= n
	for n > 0 {
		c := q.head
		if k := c.len(); k > n {
			c.off += n
			return
		} else {
			n -= k
		}
		if q.head = c.next; q.head == nil {
			q.tail = nil
		}
		c.free()
	}
}

// clear drops everything.
func (q *queue) clear() { q.drop(q.n) }

// at returns the bytes from offset on that lie in one piece.
func (q *queue) at(offset int) []byte {
	for c := q.head; c != nil; c = c.next {
		if offset < c.len() {
			return c.data[c.off+offset:]
		}
		offset -= c.len()
	}
	return nil
}

// copyTo fills b from offset on.
func (q *queue) copyTo(b []byte, offset int) {
	for c := q.head; c != nil && len(b) > 0; c = c.next {
		if offset >= c.len() {
			offset -= c.len()
			continue
		}
		from := c.data[c.off+offset:]
		n := min(len(b), len(from))
		if c.window != nil {
			usermem.CopyFile(b[:n], from[:n])
		} else {
			copy(b, from)
		}
		b = b[n:]
		offset = 0
	}
}

// lend returns n bytes from offset on in the pieces they lie in, and the chunks, each to be freed when the bytes
// have been used.
func (q *queue) lend(offset, n int) (pieces [][]byte, chunks []*chunk) {
	for c := q.head; c != nil && n > 0; c = c.next {
		if offset >= c.len() {
			offset -= c.len()
			continue
		}
		b := c.data[c.off+offset:]
		b = b[:min(len(b), n)]
		c.lent.Add(1)
		pieces, chunks = append(pieces, b), append(chunks, c)
		n -= len(b)
		offset = 0
	}
	return pieces, chunks
}

// fill returns a chunk with bytes of src, at most n.
func fill(src *usermem.Buf, n int) (*chunk, linux.Errno) {
	n = min(n, src.Len(), sizes[len(sizes)-1])
	c := newChunk(n)
	got, errno := src.CopyIn(c.data[:n])
	c.data = c.data[:got]
	if errno != 0 { // a piece is taken whole or not at all (tcp_sendmsg_locked, do_fault)
		c.free()
		return nil, errno
	}
	return c, 0
}
