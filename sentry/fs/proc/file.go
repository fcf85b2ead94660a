package proc

import (
	"cmp"
	"strings"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/lock"
	"github.com/seed-7423c386/runsc/sentry/mm"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// call is what a file's functions are told: who asks, through which open file, about which task.
type call struct {
	vfs.Ctx
	fs   *FS
	t    *kernel.Task // whose file it is; nil above the tasks
	file *vfs.File
	mm   *mm.MM // of a file with memory set, with a user more while it is read
	held any    // what the file's hold returned
}

// reader is the task that asks, nil if it is the kernel.
func (c *call) reader() *kernel.Task {
	t, _ := c.Ctx.(*kernel.Task)
	return t
}

// ids is the user namespace in whose terms ids are shown: the opener's (seq_user_ns).
func (c *call) ids() *auth.UserNS {
	if c.file != nil {
		return c.file.Cred.NS
	}
	return c.Cred().NS
}

func (c *call) uid(id auth.UID) uint32 { return c.ids().FromKernelUID(id) }
func (c *call) gid(id auth.GID) uint32 { return c.ids().FromKernelGID(id) }

// spec is what a file does. At most one of text, seq and raw is set; a file without any cannot be
// read.
type spec struct {
	// text is all there is.
	text func(c *call) (string, linux.Errno)
	// seq returns a part of the text and where the next begins, 0 at the end: nothing that the
	// application can make long is kept whole.
	seq func(c *call, at uint64) (text string, next uint64, errno linux.Errno)
	// raw reads at a position.
	raw func(c *call, dst *usermem.Buf, off int64) (int, linux.Errno)
	// rawWrite writes at a position.
	rawWrite func(c *call, src *usermem.Buf, off int64) (int, linux.Errno)
	// write takes what is written at a position, at most maxWrite bytes.
	write func(c *call, s string, off int64) linux.Errno
	// open is asked when the file is opened.
	open func(c *call) linux.Errno
	// perm decides who may open the file in place of the mode's bits.
	perm func(ctx vfs.Ctx, mode, want uint32) linux.Errno
	// hold returns what the file shows from its opening on, even of a process that is gone, and
	// what is to be done at its end.
	hold func(c *call) (held any, done func(), errno linux.Errno)
	// memory says that the file is of the memory that the task has when it is opened, which takes
	// the rights of a debugger (proc_mem_open), and what becomes of it with the memory.
	memory memoryKind
	// dead is the error of reading a file of a process that is gone, if not ESRCH.
	dead linux.Errno
	// seek says which positions lseek(2) may go to.
	seek seekKind
}

// memoryKind says what a file is once the memory it was opened with is gone.
type memoryKind int

const (
	noMemory  memoryKind = iota
	memEmpty             // empty
	memMaps              // empty, ESRCH once the task is gone; a zombie's can be opened
	memRollup            // ESRCH
	memAuxv              // as it was
)

// seekKind is one of three ways to seek.
type seekKind int

const (
	seekText seekKind = iota // not from the end (seq_lseek)
	seekFile                 // as in an empty file (generic_file_llseek)
	seekAny                  // anywhere, also to what is negative (mem_lseek)
)

// file is such a file.
type file struct {
	node
	*spec
}

// CheckPermission is vfs.Permissioner's.
func (f *file) CheckPermission(ctx vfs.Ctx, want uint32) linux.Errno {
	at := f.Attr()
	if f.perm != nil {
		return f.perm(ctx, at.Mode, want)
	}
	return vfs.CheckMode(ctx.Cred(), at.Mode, at.UID, at.GID, want)
}

// Open is vfs.InodeOps's.
func (f *file) Open(ctx vfs.Ctx, vf *vfs.File) (vfs.FileOps, linux.Errno) {
	o := &open{f: f}
	if f.memory != noMemory {
		if !f.fs.alive(f.task) {
			return nil, linux.ESRCH
		}
		if !mayLook(ctx, f.task) {
			return nil, linux.EACCES
		}
		if o.mm = f.task.MM(); o.mm == nil && f.memory != memMaps {
			return nil, linux.ESRCH
		}
	}
	c := &call{Ctx: ctx, fs: f.fs, t: f.task, file: vf}
	if f.spec.open != nil {
		if errno := f.spec.open(c); errno != 0 {
			return nil, errno
		}
	}
	if f.hold != nil {
		var errno linux.Errno
		if o.held, o.done, errno = f.hold(c); errno != 0 {
			return nil, errno
		}
	}
	return o, 0
}

// open is an open file with the part of its text that was read last.
type open struct {
	f    *file
	mm   *mm.MM // without a user: it may be gone
	held any
	done func()

	mu    lock.Mutex[lock.ProcFile]
	text  string
	start int64  // where text begins
	next  uint64 // what follows it
	have  bool
}

// call returns what the file's functions are told; done is to be called after. gone says that
// there is nothing to be read any more, or that it is an error.
func (o *open) call(ctx vfs.Ctx, vf *vfs.File) (c *call, done func(), gone bool, errno linux.Errno) {
	c = &call{Ctx: ctx, fs: o.f.fs, t: o.f.task, file: vf, held: o.held, mm: o.mm}
	done = func() {}
	if kind := o.f.memory; c.t != nil && o.f.hold == nil && (kind == noMemory || kind >= memMaps && kind < memAuxv) && !o.f.fs.alive(c.t) {
		return c, done, true, cmp.Or(o.f.dead, linux.ESRCH)
	}
	switch {
	case o.f.memory == noMemory, o.f.memory == memAuxv:
	case o.mm != nil && o.mm.Get():
		done = o.mm.Put
	case o.f.memory == memRollup:
		return c, done, true, linux.ESRCH
	default:
		return c, done, true, 0
	}
	return c, done, false, 0
}

// Read is vfs.FileOps's.
func (o *open) Read(ctx vfs.Ctx, vf *vfs.File, dst *usermem.Buf, off int64) (int, linux.Errno) {
	c, done, gone, errno := o.call(ctx, vf)
	if gone {
		return 0, errno
	}
	defer done()
	if o.f.raw != nil {
		return o.f.raw(c, dst, off)
	}
	part, errno := o.at(c, off)
	if errno != 0 || part == "" {
		return 0, errno
	}
	return dst.CopyOut([]byte(part))
}

// at returns the text from off on, as far as there is a part of it; "" at the end. Reading from the
// beginning makes the text anew.
func (o *open) at(c *call, off int64) (string, linux.Errno) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.have || off == 0 || off < o.start {
		o.text, o.start, o.next, o.have = "", 0, 0, true
		if errno := o.more(c); errno != 0 {
			o.have = false
			return "", errno
		}
	}
	for off >= o.start+int64(len(o.text)) {
		if o.next == 0 {
			o.have, o.text = false, ""
			return "", 0
		}
		o.start += int64(len(o.text))
		if errno := o.more(c); errno != 0 {
			o.have, o.text = false, ""
			return "", errno
		}
	}
	return o.text[off-o.start:], 0
}

// more makes the next part.
func (o *open) more(c *call) (errno linux.Errno) {
	switch {
	case o.f.seq != nil:
		o.text, o.next, errno = o.f.seq(c, o.next)
	case o.f.spec.text != nil:
		o.text, errno = o.f.spec.text(c)
	default:
		errno = linux.EINVAL
	}
	return errno
}

// maxWrite bounds what is written to a file here at once.
const maxWrite = 4096

// Write is vfs.FileOps's.
func (o *open) Write(ctx vfs.Ctx, vf *vfs.File, src *usermem.Buf, off int64) (int, linux.Errno) {
	if o.f.write == nil && o.f.rawWrite == nil {
		if o.f.task != nil {
			return 0, linux.EINVAL
		}
		return 0, linux.EIO
	}
	c, done, gone, errno := o.call(ctx, vf)
	if gone {
		return 0, errno
	}
	defer done()
	if o.f.rawWrite != nil {
		return o.f.rawWrite(c, src, off)
	}
	b := make([]byte, min(src.Len(), maxWrite))
	n, errno := src.CopyIn(b)
	if errno != 0 {
		return 0, errno
	}
	if errno := o.f.write(c, string(b[:n]), off); errno != 0 {
		return 0, errno
	}
	return n, 0
}

// Seek is vfs.Seeker's.
func (o *open) Seek(_ vfs.Ctx, f *vfs.File, off int64, whence int) (int64, linux.Errno) {
	kind := o.f.spec.seek
	if kind == seekFile {
		return vfs.SeekIn(f.PosLocked(), off, 0, whence)
	}
	switch whence {
	case linux.SEEK_SET:
	case linux.SEEK_CUR:
		off += f.PosLocked()
	default:
		return 0, linux.EINVAL
	}
	if off < 0 && kind != seekAny {
		return 0, linux.EINVAL
	}
	return off, 0
}

// Release is vfs.FileOps's.
func (o *open) Release(*vfs.File) {
	if o.done != nil {
		o.done()
	}
}

// reg is the entry of a file.
func reg(name string, perm uint32, s *spec) entry {
	return entry{name, linux.DT_REG, func(d *dir, path string) *vfs.Inode {
		i := &file{spec: s}
		i.init(i, d.fs, path, linux.S_IFREG|perm, d.task)
		return &i.Inode
	}}
}

// show is the entry of a file that can only be read.
func show(name string, perm uint32, text func(c *call) string) entry {
	return reg(name, perm, &spec{text: func(c *call) (string, linux.Errno) { return text(c), 0 }})
}

// fixed is the entry of a file that always says the same.
func fixed(name, text string) entry { return show(name, 0o444, func(*call) string { return text }) }

// word is what was written to a file, without the white space around it.
func word(s string) string { return strings.TrimSpace(s) }
