package kernel

import (
	"sync"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/refs"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// FDTable is a descriptor table (struct files_struct). Look-ups take no lock: the table of
// slots is replaced when it grows, and a slot is one pointer.
type FDTable struct {
	refs refs.Count

	slots atomic.Pointer[[]fdSlot]

	mu   sync.Mutex // of changes
	next int        // no free slot below
	used int
}

type fdSlot struct {
	file    atomic.Pointer[vfs.File]
	cloexec atomic.Bool
	taken   bool // reserved, file not yet there; guarded by mu
}

// maxFD bounds RLIMIT_NOFILE (fs.nr_open).
const maxFD = 1 << 20

// NewFDTable returns an empty table.
func NewFDTable() *FDTable {
	f := new(FDTable)
	s := make([]fdSlot, 64)
	f.slots.Store(&s)
	return f
}

// Get takes a reference.
func (f *FDTable) Get() { f.refs.Inc() }

// Shared tells whether another task uses the table as well.
func (f *FDTable) Shared() bool { return f.refs.Refs() > 1 }

// put drops a reference; the last closes everything.
func (f *FDTable) put(t *Task) {
	if !f.refs.Dec() {
		return
	}
	for i := range *f.slots.Load() {
		f.close(t, int32(i))
	}
}

// clone returns a copy.
func (f *FDTable) clone(t *Task) *FDTable {
	n := new(FDTable)
	f.mu.Lock()
	defer f.mu.Unlock()
	old := *f.slots.Load()
	last := len(old)
	for last > 64 && old[last-1].file.Load() == nil {
		last--
	}
	s := make([]fdSlot, max(64, last))
	for i := range old[:min(last, len(old))] {
		if file := old[i].file.Load(); file != nil {
			file.Get()
			s[i].file.Store(file)
			s[i].cloexec.Store(old[i].cloexec.Load())
			n.used++
		}
	}
	n.slots.Store(&s)
	return n
}

// File returns the open file fd with a reference, EBADF if there is none. O_PATH files count.
func (f *FDTable) File(fd int32) (*vfs.File, linux.Errno) {
	for {
		s := *f.slots.Load()
		if fd < 0 || int(fd) >= len(s) {
			return nil, linux.EBADF
		}
		file := s[fd].file.Load()
		if file == nil {
			return nil, linux.EBADF
		}
		if file.TryGet() {
			// It may have been closed and opened anew meanwhile; then it is another file.
			if s2 := *f.slots.Load(); s2[fd].file.Load() == file {
				return file, 0
			}
			file.Put()
		}
	}
}

// FD is an open file for the time of a call (struct fd).
type FD struct {
	*vfs.File
	counted bool // it has a reference
}

// Put ends the use.
func (f FD) Put() {
	if f.counted {
		f.File.Put()
	}
}

// FD is File for the task whose table it is: without a reference if nobody else can close the descriptor meanwhile
// (fdget). Who changes the table of another task has a reference on it.
func (f *FDTable) FD(fd int32) (FD, linux.Errno) {
	if f.Shared() {
		file, errno := f.File(fd)
		return FD{file, true}, errno
	}
	s := *f.slots.Load()
	if fd < 0 || int(fd) >= len(s) {
		return FD{}, linux.EBADF
	}
	file := s[fd].file.Load()
	if file == nil {
		return FD{}, linux.EBADF
	}
	return FD{File: file}, 0
}

// Holds reports whether fd is file.
func (f *FDTable) Holds(fd int32, file *vfs.File) bool {
	s := *f.slots.Load()
	return fd >= 0 && int(fd) < len(s) && s[fd].file.Load() == file
}

// grow makes room for at least n slots. mu is held.
func (f *FDTable) grow(n int) []fdSlot {
	s := *f.slots.Load()
	if n <= len(s) {
		return s
	}
	size := len(s)
	for size < n {
		size *= 2
	}
	bigger := make([]fdSlot, size)
	for i := range s {
		bigger[i].file.Store(s[i].file.Load())
		bigger[i].cloexec.Store(s[i].cloexec.Load())
		bigger[i].taken = s[i].taken
	}
	f.slots.Store(&bigger)
	return bigger
}

// Install puts file, whose reference it takes over, at the lowest free number from min on:
// EMFILE beyond limit, in which case the reference is dropped.
func (f *FDTable) Install(t *Task, file *vfs.File, min int32, cloexec bool) (int32, linux.Errno) {
	limit := t.Limit(linux.RLIMIT_NOFILE)
	f.mu.Lock()
	fd, s := f.lowest(int(min))
	if uint64(fd) >= limit || fd >= maxFD {
		f.mu.Unlock()
		file.Put()
		return -1, linux.EMFILE
	}
	if s[fd].cloexec.Load() != cloexec {
		s[fd].cloexec.Store(cloexec)
	}
	s[fd].file.Store(file)
	f.used++
	f.mu.Unlock()
	return int32(fd), 0
}

// Room reports whether Install would find a number: EMFILE. For calls that must not take what they could not hand over.
func (f *FDTable) Room(t *Task) linux.Errno {
	limit := t.Limit(linux.RLIMIT_NOFILE)
	f.mu.Lock()
	defer f.mu.Unlock()
	if fd, _ := f.lowest(0); uint64(fd) >= limit || fd >= maxFD {
		return linux.EMFILE
	}
	return 0
}

// lowest finds the lowest free slot from min on. mu is held.
func (f *FDTable) lowest(min int) (int, []fdSlot) {
	fd := max(min, f.next)
	s := *f.slots.Load()
	for fd < len(s) && s[fd].file.Load() != nil {
		fd++
	}
	if min <= f.next {
		f.next = fd
	}
	if fd >= maxFD {
		return fd, s
	}
	return fd, f.grow(fd + 1)
}

// InstallAt puts file at fd, closing what was there (dup2): EBADF beyond the limit.
func (f *FDTable) InstallAt(t *Task, file *vfs.File, fd int32, cloexec bool) linux.Errno {
	if fd < 0 || uint64(fd) >= t.Limit(linux.RLIMIT_NOFILE) || fd >= maxFD {
		file.Put()
		return linux.EBADF
	}
	f.mu.Lock()
	s := f.grow(int(fd) + 1)
	old := s[fd].file.Load()
	s[fd].cloexec.Store(cloexec)
	s[fd].file.Store(file)
	if old == nil {
		f.used++
	}
	f.mu.Unlock()
	if old != nil {
		old.Flush(t, f)
		old.Put()
	}
	return 0
}

// close takes fd out and drops its file.
func (f *FDTable) close(t *Task, fd int32) linux.Errno {
	f.mu.Lock()
	s := *f.slots.Load()
	if fd < 0 || int(fd) >= len(s) {
		f.mu.Unlock()
		return linux.EBADF
	}
	file := s[fd].file.Swap(nil)
	if file == nil {
		f.mu.Unlock()
		return linux.EBADF
	}
	f.used--
	f.next = min(f.next, int(fd))
	f.mu.Unlock()
	errno := file.Flush(t, f)
	file.Put()
	return errno
}

// Close is close(2).
func (f *FDTable) Close(t *Task, fd int32) linux.Errno { return f.close(t, fd) }

// CloseRange is close_range(2) on this table: with cloexec only the flag is set.
func (f *FDTable) CloseRange(t *Task, first, last uint32, cloexec bool) {
	end := min(uint64(last), uint64(len(*f.slots.Load()))-1)
	for fd := uint64(first); fd <= end; fd++ {
		if cloexec {
			f.SetCloexec(int32(fd), true)
		} else {
			f.close(t, int32(fd))
		}
	}
}

// Cloexec returns the flag of fd; SetCloexec sets it. EBADF if fd is not open.
func (f *FDTable) Cloexec(fd int32) (bool, linux.Errno) {
	s := *f.slots.Load()
	if fd < 0 || int(fd) >= len(s) || s[fd].file.Load() == nil {
		return false, linux.EBADF
	}
	return s[fd].cloexec.Load(), 0
}

// SetCloexec is F_SETFD.
func (f *FDTable) SetCloexec(fd int32, on bool) linux.Errno {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := *f.slots.Load()
	if fd < 0 || int(fd) >= len(s) || s[fd].file.Load() == nil {
		return linux.EBADF
	}
	if s[fd].cloexec.Load() != on {
		s[fd].cloexec.Store(on)
	}
	return 0
}

// closeOnExec closes the descriptors with the flag.
func (f *FDTable) closeOnExec(t *Task) {
	for i := range *f.slots.Load() {
		if s := *f.slots.Load(); s[i].cloexec.Load() && s[i].file.Load() != nil {
			f.close(t, int32(i))
		}
	}
}

// List returns the open descriptors from start on.
func (f *FDTable) List(start int32) (fds []int32) {
	s := *f.slots.Load()
	for i := int(max(start, 0)); i < len(s); i++ {
		if s[i].file.Load() != nil {
			fds = append(fds, int32(i))
		}
	}
	return fds
}

// Size is how many slots there are (FDSize of /proc/PID/status).
func (f *FDTable) Size() int { return len(*f.slots.Load()) }

// File returns the open file fd with a reference: EBADF for O_PATH files too.
func (t *Task) File(fd int32) (*vfs.File, linux.Errno) {
	f, errno := t.Files().File(fd)
	if errno == 0 && f.Mode&vfs.ModePath != 0 {
		f.Put()
		return nil, linux.EBADF
	}
	return f, errno
}

// FD returns the open file fd for the time of a call: EBADF for O_PATH files.
func (t *Task) FD(fd int32) (FD, linux.Errno) {
	f, errno := t.Files().FD(fd)
	if errno == 0 && f.Mode&vfs.ModePath != 0 {
		f.Put()
		return FD{}, linux.EBADF
	}
	return f, errno
}

// Install puts file at the lowest free descriptor.
func (t *Task) Install(file *vfs.File, cloexec bool) (int32, linux.Errno) {
	return t.Files().Install(t, file, 0, cloexec)
}

// Put installs file, whose reference it takes over, at fd of a table that nobody uses yet.
func (f *FDTable) Put(file *vfs.File, fd int32) linux.Errno {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fd < 0 || fd >= maxFD {
		return linux.EBADF
	}
	f.grow(int(fd) + 1)[fd].file.Store(file)
	f.used++
	return 0
}
