package systrap

import "encoding/binary"

// Programs that want to know where a path really leads (realpath(3); compilers do for each file that they include) ask of each
// directory on the way whether it is a symbolic link, again and again. The stub knows what was found to be none and answers readlink(2)
// of it. This holds across traps, until a path may lead elsewhere: the kernel tells of every such change, whoever makes it, before the call
// that does returns. The stub looks whether it holds after it has read the path, so an answer is as of then.
//
// The sentry keeps no copy: what an application writes there instead deceives itself alone.

// name is a path that is told, and 0 behind it; name[0] is 0 where there is none. In the table it is where its hash says, or was moved from
// there to the place beside that.
type name [nameSize / 8]uint64

const (
	nameSize  = 64
	nameBits  = 6
	mostNames = 1 << nameBits
	nameShift = 64 - nameBits      // bits of the hash that are not used
	hashBy    = 0x9e3779b97f4a7c15 // 2^64 by the golden ratio, odd
)

// nameOf makes a name; ok is false if it is too long.
func nameOf(path string) (n name, ok bool) {
	if len(path) >= nameSize {
		return n, false
	}
	var b [nameSize]byte
	copy(b[:], path)
	for i := range n {
		n[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	return n, true
}

// hash says where it is in the table.
func (n *name) hash() (h uint64) {
	for _, w := range n {
		h = (h ^ w) * hashBy
	}
	return h >> nameShift
}

// LendPath implements platform.PathLender.
func (c *context) LendPath(path string) {
	n, ok := nameOf(path)
	t := c.thread.Load()
	if !ok || t == nil {
		return
	}
	links := t.area.links()
	known := c.paths.Load()
	if !known {
		clear(links[:])
	}
	h := n.hash()
	links[h^1], links[h] = links[h], n
	if !known {
		t.area.linked.Store(1)
		c.paths.Store(true)
	}
}

// PathsChanged implements platform.PathLender.
func (c *context) PathsChanged() {
	if t := c.thread.Load(); t != nil && c.paths.Load() {
		c.paths.Store(false)
		t.area.linked.Store(0)
	}
}
