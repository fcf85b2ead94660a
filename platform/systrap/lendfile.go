package systrap

import (
	"slices"

	"github.com/seed-7423c386/runsc/platform"
)

// A server that is asked for files opens one, asks for its size, sends it and closes it for each request. While it is lent room to
// write, and so looked after, the stub answers fstat(2) right behind open(2), and close(2), which comes about with the next
// trap, or 200 µs later if there is none. If the last file that was opened so was sent by sendfile(2), the bytes of a short one are lent,
// too, and the stub posts them. Nobody else may notice the difference: the kernel chooses the files.

// file is from whom a file is lent.
type file struct{}

func (file) Taken(int)               {}
func (file) Posted([]byte, bool)     {}
func (file) Returned(*platform.Loan) {}

// LendsFiles implements platform.FileLender.
func (c *context) LendsFiles() bool { return c.lent.rooms.Load() }

// LendFile implements platform.FileLender.
func (c *context) LendFile(fd int32, stat, data []byte) (wasted bool) {
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
	if e.off = l.put(data); e.off != 0 {
		e.file.Store(uint32(len(data)))
		l.filed = i + 1
	}
	e.stat.Store(1)
	e.close.Store(closeOpen)
	e.fd.Store(uint32(fd) + 1)
	o.from, o.fd, o.n, o.room, o.over, o.packets = file{}, fd, 0, 0, false, false
	l.files = append(l.files, i)
	return wasted
}

// put copies the bytes of a file to the area, 0 if there is no place for them.
func (l *lending) put(data []byte) uint32 {
	if len(data) == 0 || len(data) > platform.MostFile {
		return 0
	}
	if l.place == 0 {
		if l.bytes+platform.MostFile > areaSize-postsRoom {
			return 0
		}
		l.place = l.bytes
		l.bytes += platform.MostFile
		l.area.used = l.bytes
	}
	b, _ := l.area.bytes(uint64(l.place), uint64(len(data)))
	copy(b, data)
	return l.place
}

// Closed implements platform.FileLender.
func (c *context) Closed(all bool) []int32 {
	l := &c.lent
	if len(l.files) == 0 && len(l.closed) == 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.endFiles(all)
	closed := l.closed
	l.closed = l.closed[:0]
	return closed
}

// endFiles notes which files were closed. The attributes and the bytes are not lent any longer; if all is set, no file is.
func (l *lending) endFiles(all bool) {
	l.files = slices.DeleteFunc(l.files, func(i int) bool {
		o, e := &l.loans[i], &l.area.loans[i]
		e.stat.Store(0)
		if l.filed == i+1 {
			l.wasted, l.filed = e.file.Swap(0) != 0, 0
		}
		if all {
			e.fd.Store(0)
			e.close.CompareAndSwap(closeOpen, 0)
		}
		if e.close.Load() == closeDone {
			l.closed = append(l.closed, o.fd)
		} else if !all {
			return false
		}
		e.fd.Store(0)
		e.close.Store(0)
		o.from = nil
		return true
	})
}
