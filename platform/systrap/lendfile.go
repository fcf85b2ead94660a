package systrap

import (
	"slices"

	"github.com/seed-7423c386/runsc/platform"
)

// A server that is asked for files opens one, asks for its size, sends it and closes it for each request. While it is lent room to
// write, and so looked after, the stub answers fstat(2) right behind open(2), and close(2), which comes about with the next
// trap, or 200 µs later if there is none. If the last file that was opened so was sent by sendfile(2), the bytes of a short one are lent,
// too, and the stub posts them. And one that was opened and closed is opened again by the stub, if it is the only one, as long as there is no
// trap: what the sentry finds then is that it is open, or was closed. Nobody else may notice the difference: the kernel chooses the files,
// and tells of changes.

// file is from whom a file is lent.
type file struct{}

func (file) Taken(int)               {}
func (file) Posted([]byte, bool)     {}
func (file) Returned(*platform.Loan) {}

// LendsFiles implements platform.FileLender.
func (c *context) LendsFiles() bool { return c.lent.rooms.Load() }

// LendFile implements platform.FileLender.
func (c *context) LendFile(fd int32, stat, data []byte, again platform.Opening) (wasted bool) {
	l := &c.lent
	l.mu.Lock()
	defer l.mu.Unlock()
	wasted, l.wasted = l.wasted, false
	i := int(fd) & (maxLoans - 1)
	o, e := &l.loans[i], &l.area.loans[i]
	if o.from != nil || !l.rooms.Load() {
		return wasted
	}
	copy(l.area.stat[:], stat)
	e.len, e.room = 0, 0
	e.state.Store(0)
	size := uint32(0)
	if len(data) <= platform.MostFile && l.makePlace() {
		size, e.off = uint32(len(data)), l.place
		b, _ := l.area.bytes(uint64(l.place), uint64(size))
		copy(b, data)
	}
	e.file.Store(size)
	if size > 0 {
		l.filed, l.sent = i+1, l.area.sent.Load()
	}
	e.stat.Store(1)
	l.area.knows.Store(1)
	c.open.known.Store(true)
	e.close.Store(closeOpen)
	e.fd.Store(uint32(fd) + 1)
	o.from, o.fd, o.n, o.room, o.over, o.packets = file{}, fd, 0, 0, false, false
	if l.files = append(l.files, i); len(l.files) == 1 { // else another descriptor may be free then
		l.lendName(uint32(fd), size, again)
	}
	return wasted
}

// makePlace makes a place in the area for the bytes of a file and its name: false if there is none.
func (l *lending) makePlace() bool {
	const size = platform.MostFile + 2*mostPath
	if l.place == 0 && l.bytes+size <= areaSize-postsRoom {
		l.place = l.bytes
		l.bytes += size
		l.area.used = l.bytes
	}
	return l.place != 0
}

// lendName lets the application open a file again that it has closed.
func (l *lending) lendName(fd, size uint32, again platform.Opening) {
	if len(again.Path) == 0 || len(again.Path) >= mostPath || !l.makePlace() {
		return
	}
	at := l.place + platform.MostFile
	b, _ := l.area.bytes(uint64(at), mostPath)
	b[copy(b, again.Path)] = 0
	l.area.open = opened{uint32(again.Dir), again.Flags, at, uint32(len(again.Path)) + 1, size}
	l.area.opened.Store(fd + 1)
}

// FilesChanged implements platform.FileLender.
func (c *context) FilesChanged() {
	if t := c.thread.Load(); t != nil && c.open.known.Load() {
		c.open.known.Store(false)
		t.area.knows.Store(0)
	}
}

// Closed implements platform.FileLender.
func (c *context) Closed(all bool) []int32 {
	l := &c.lent
	c.open.collect(l, c.thread.Load(), all)
	if len(l.files) == 0 && len(l.closed) == 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.files) > 0 {
		l.endFiles(all)
	}
	closed := l.closed
	l.closed = l.closed[:0]
	return closed
}

// endFiles notes which files were closed. The attributes and the bytes are not lent any longer; if all is set, no file is.
func (l *lending) endFiles(all bool) {
	l.area.opened.Store(0)
	l.files = slices.DeleteFunc(l.files, func(i int) bool {
		o, e := &l.loans[i], &l.area.loans[i]
		e.stat.Store(0)
		if l.filed == i+1 {
			l.wasted, l.filed = e.file.Swap(0) != 0 && l.area.sent.Load() == l.sent, 0
		}
		// The stub may be about to open it again: it does so by changing the state, too.
		closed := e.close.CompareAndSwap(closeDone, 0)
		if closed {
			l.closed = append(l.closed, o.fd)
		} else if !all {
			return false
		} else if e.close.Swap(0) == closeDone {
			l.closed = append(l.closed, o.fd)
		}
		e.fd.Store(0)
		o.from = nil
		return true
	})
}
