package proc

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/mm"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// withMM calls f with the task's memory; "" if it has none any more.
func withMM(t *kernel.Task, f func(*mm.MM) string) string {
	m := t.GetMM()
	if m == nil {
		return ""
	}
	defer m.Put()
	return f(m)
}

// copyMemory copies between [from, to) of m and a buffer, page by page, as a debugger does: in is
// towards the memory. What of m cannot be reached is EIO, what of the buffer EFAULT; errors after
// the first byte only end it.
func copyMemory(m *mm.MM, b *usermem.Buf, from, to usermem.Addr, in bool) (int, linux.Errno) {
	s := m.ForceSpace()
	total := 0
	var page [usermem.PageSize]byte
	for b.Len() > 0 && from < to {
		p := page[:min(uint64(b.Len()), usermem.PageSize-from.PageOffset(), uint64(to-from))]
		n, errno := copyPage(s, b, from, p, in)
		total, from = total+n, from+usermem.Addr(n)
		if errno != 0 {
			if total == 0 {
				return 0, errno
			}
			break
		}
	}
	return total, 0
}

// copyPage is one step of copyMemory, with p as room on the way.
func copyPage(s *usermem.Space, b *usermem.Buf, at usermem.Addr, p []byte, in bool) (int, linux.Errno) {
	if in {
		n, errno := b.CopyIn(p)
		if n == 0 {
			return 0, errno
		}
		n, errno = s.CopyOut(at, p[:n])
		if errno != 0 {
			errno = linux.EIO
		}
		return n, errno
	}
	n, errno := s.CopyIn(at, p)
	if n == 0 {
		return 0, linux.EIO
	}
	done, bad := b.CopyOut(p[:n])
	if bad != 0 {
		return done, bad
	}
	if errno != 0 {
		errno = linux.EIO
	}
	return done, errno
}

// readMem is /proc/PID/mem: what cannot be reached is EIO (mem_rw).
func readMem(c *call, dst *usermem.Buf, off int64) (int, linux.Errno) {
	return moveMem(c, dst, off, false)
}

// writeMem is its counterpart.
func writeMem(c *call, src *usermem.Buf, off int64) (int, linux.Errno) {
	return moveMem(c, src, off, true)
}

func moveMem(c *call, b *usermem.Buf, off int64, in bool) (int, linux.Errno) {
	if c.mm.Users() == 1 {
		return 0, 0 // the process is gone
	}
	return copyMemory(c.mm, b, usermem.Addr(off), ^usermem.Addr(0), in)
}

// cmdline is the arguments where they lie. A program that wrote over their end wants the text up
// to the first zero byte (setproctitle; get_mm_cmdline).
func cmdline(c *call, dst *usermem.Buf, off int64) (int, linux.Errno) {
	m := c.t.GetMM()
	if m == nil {
		return 0, 0
	}
	defer m.Put()
	l := m.Layout()
	if l.ArgStart >= l.ArgEnd {
		return 0, 0
	}
	end := l.ArgEnd
	var last [1]byte
	if n, _ := m.ForceSpace().CopyIn(l.ArgEnd-1, last[:]); n == 1 && last[0] != 0 {
		return title(m, &l, dst, off)
	}
	from := l.ArgStart + usermem.Addr(off)
	if off < 0 || from >= end || from < l.ArgStart {
		return 0, 0
	}
	n, errno := copyMemory(m, dst, from, end, false)
	if errno == linux.EIO {
		errno = 0
	}
	return n, errno
}

// title is cmdline of a program that set its title.
func title(m *mm.MM, l *mm.Layout, dst *usermem.Buf, off int64) (int, linux.Errno) {
	end := max(l.ArgEnd, l.EnvEnd)
	b := make([]byte, min(uint64(end-l.ArgStart), usermem.PageSize))
	n, _ := m.ForceSpace().CopyIn(l.ArgStart, b)
	s := string(b[:n])
	if i := strings.IndexByte(s, 0); i >= 0 {
		s = s[:i+1]
	}
	if off >= int64(len(s)) {
		return 0, 0
	}
	return dst.CopyOut([]byte(s[off:]))
}

func environ(c *call, dst *usermem.Buf, off int64) (int, linux.Errno) {
	l := c.mm.Layout()
	from := l.EnvStart + usermem.Addr(off)
	if off < 0 || from >= l.EnvEnd || from < l.EnvStart {
		return 0, 0
	}
	return copyMemory(c.mm, dst, from, l.EnvEnd, false)
}

func auxv(c *call) (string, linux.Errno) {
	var b []byte
	for _, v := range c.mm.Layout().Auxv {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return string(b), 0
}

// areasAtOnce is how many areas a part of maps has.
const areasAtOnce = 64

// maps is /proc/PID/maps, with sizes smaps.
func maps(sizes bool) func(c *call, at uint64) (string, uint64, linux.Errno) {
	return func(c *call, at uint64) (string, uint64, linux.Errno) {
		var b strings.Builder
		areas := c.mm.Areas(usermem.Addr(at), areasAtOnce, sizes)
		for i := range areas {
			writeArea(&b, &areas[i])
			if sizes {
				writeSizes(&b, &areas[i])
			}
		}
		if len(areas) == areasAtOnce {
			return b.String(), uint64(areas[len(areas)-1].End), 0
		}
		gate := mm.Area{Start: 0xffffffffff600000, End: 0xffffffffff601000, Prot: linux.PROT_EXEC, VmFlags: "ex ", Info: mm.MapInfo{Name: "[vsyscall]"}}
		writeArea(&b, &gate)
		if sizes {
			writeSizes(&b, &gate)
		}
		return b.String(), 0, 0
	}
}

func writeArea(b *strings.Builder, a *mm.Area) {
	perm := []byte("---p")
	for i, p := range []uint32{linux.PROT_READ, linux.PROT_WRITE, linux.PROT_EXEC} {
		if a.Prot&p != 0 {
			perm[i] = "rwx"[i]
		}
	}
	if a.Shared {
		perm[3] = 's'
	}
	off := a.Off
	if a.Info.Ino == 0 && a.Info.Name == "" {
		off = 0
	}
	head := fmt.Sprintf("%08x-%08x %s %08x %02x:%02x %d ", uint64(a.Start), uint64(a.End), perm, off, a.Info.Major, a.Info.Minor, a.Info.Ino)
	if a.Info.Name != "" {
		fmt.Fprintf(b, "%-73s%s\n", head, strings.ReplaceAll(a.Info.Name, "\n", "\\012"))
	} else {
		b.WriteString(head + "\n")
	}
}

// writeSizes is what smaps adds (__show_smap).
func writeSizes(b *strings.Builder, a *mm.Area) {
	kb := func(name string, v uint64) { fmt.Fprintf(b, "%-16s%8d kB\n", name+":", v>>10) }
	kb("Size", uint64(a.End-a.Start))
	kb("KernelPageSize", 4096)
	kb("MMUPageSize", 4096)
	writeRollup(b, a)
	fmt.Fprintf(b, "THPeligible:    %8d\n", 0)
	b.WriteString("VmFlags: " + strings.TrimSpace(a.VmFlags) + " \n")
}

// writeRollup is the part of writeSizes that smaps_rollup has too.
func writeRollup(b *strings.Builder, a *mm.Area) {
	kb := func(name string, v uint64) { fmt.Fprintf(b, "%-16s%8d kB\n", name+":", v>>10) }
	kb("Rss", a.Rss)
	kb("Pss", a.Rss-a.SharedPages/2)
	kb("Pss_Dirty", a.Anon)
	kb("Shared_Clean", 0)
	kb("Shared_Dirty", a.SharedPages)
	kb("Private_Clean", a.Rss-min(a.Rss, a.Anon+a.SharedPages))
	kb("Private_Dirty", min(a.Anon, a.Rss-min(a.Rss, a.SharedPages)))
	kb("Referenced", a.Rss)
	kb("Anonymous", a.Anon)
	kb("KSM", 0)
	kb("LazyFree", 0)
	kb("AnonHugePages", 0)
	kb("ShmemPmdMapped", 0)
	kb("FilePmdMapped", 0)
	kb("Shared_Hugetlb", 0)
	kb("Private_Hugetlb", 0)
	kb("Swap", 0)
	kb("SwapPss", 0)
	kb("Locked", a.Locked)
}

// rollup is /proc/PID/smaps_rollup.
func rollup(c *call) (string, linux.Errno) {
	var sum mm.Area
	for at := usermem.Addr(0); ; {
		areas := c.mm.Areas(at, areasAtOnce, true)
		for i := range areas {
			a := &areas[i]
			if sum.End == 0 {
				sum.Start = a.Start
			}
			sum.End = a.End
			sum.Rss, sum.Anon, sum.SharedPages, sum.Locked = sum.Rss+a.Rss, sum.Anon+a.Anon, sum.SharedPages+a.SharedPages, sum.Locked+a.Locked
		}
		if len(areas) < areasAtOnce {
			break
		}
		at = sum.End
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%08x-%08x ---p 00000000 00:00 0                          [rollup]\n", uint64(sum.Start), uint64(sum.End))
	writeRollup(&b, &sum)
	return b.String(), 0
}

// pagemap is eight bytes a page: which are there, and which are private (pagemap_read).
func pagemap(c *call, dst *usermem.Buf, off int64) (int, linux.Errno) {
	if off%8 != 0 || dst.Len()%8 != 0 {
		return 0, linux.EINVAL
	}
	const end = int64(mm.TaskSize >> usermem.PageShift)
	total := 0
	var words [usermem.PageSize / 8]uint64
	var b []byte
	for at := off / 8; dst.Len() > 0 && at < end; {
		n := min(int64(dst.Len()/8), int64(len(words)), end-at)
		c.mm.Pagemap(usermem.Addr(at)<<usermem.PageShift, words[:n])
		b = b[:0]
		for _, w := range words[:n] {
			b = binary.LittleEndian.AppendUint64(b, w)
		}
		done, errno := dst.CopyOut(b)
		total, at = total+done, at+n
		if errno != 0 {
			if total == 0 {
				return 0, errno
			}
			break
		}
	}
	return total, 0
}

// mapFiles are the entries of /proc/PID/map_files: the files that are mapped, by their addresses.
type mapFiles struct {
	f *FS
	t *kernel.Task
}

func (p mapFiles) lookup(ctx vfs.Ctx, d *dir, name string) (*vfs.Inode, linux.Errno) {
	if !mayLook(ctx, p.t) {
		return nil, linux.EACCES
	}
	from, to, ok := strings.Cut(name, "-")
	start, err := strconv.ParseUint(from, 16, 64)
	end, err2 := strconv.ParseUint(to, 16, 64)
	if !ok || err != nil || err2 != nil || name != mapName(usermem.Addr(start), usermem.Addr(end)) {
		return nil, linux.ENOENT
	}
	l := &magicLink{
		path: func(t *kernel.Task) (vfs.Path, linux.Errno) {
			return mappedPath(t, usermem.Addr(start), usermem.Addr(end))
		},
		may: func(ctx vfs.Ctx, _ *kernel.Task) linux.Errno {
			if c := ctx.Cred(); !c.HasIn(p.f.k.UserNS, linux.CAP_SYS_ADMIN) && !c.HasIn(p.f.k.UserNS, linux.CAP_CHECKPOINT_RESTORE) {
				return linux.EPERM
			}
			return 0
		},
	}
	path, errno := l.path(p.t)
	if errno != 0 {
		return nil, errno
	}
	path.Put()
	l.init(l, p.f, d.join(name), linux.S_IFLNK|0o500, p.t)
	l.Update(func(a *vfs.Attr) { a.Size = 64 })
	return &l.Inode, 0
}

func mapName(start, end usermem.Addr) string {
	return strconv.FormatUint(uint64(start), 16) + "-" + strconv.FormatUint(uint64(end), 16)
}

// mappedPath is the file mapped at exactly [start, end).
func mappedPath(t *kernel.Task, start, end usermem.Addr) (vfs.Path, linux.Errno) {
	m := t.GetMM()
	if m == nil {
		return vfs.Path{}, linux.ENOENT
	}
	defer m.Put()
	file := m.FileOf(start, end)
	if file == nil {
		return sharedZero(m, start, end)
	}
	defer file.Put()
	f, ok := file.(*vfs.File)
	if !ok {
		return vfs.Path{}, linux.ENOENT
	}
	f.Path.Get()
	return f.Path, 0
}

const zeroName = "/dev/zero (deleted)"

// shmFS is where shared anonymous memory is: files of the kernel's own tmpfs, which have no name to
// be opened by.
var shmFS = vfs.NewPseudo("tmpfs", 0x01021994)

// sharedZero is the file of the area of shared anonymous memory that is exactly [start, end).
func sharedZero(m *mm.MM, start, end usermem.Addr) (vfs.Path, linux.Errno) {
	a := m.Areas(start, 1, false)
	if len(a) == 0 || a[0].Start != start || a[0].End != end || a[0].Info.Name != zeroName {
		return vfs.Path{}, linux.ENOENT
	}
	return shmFS.Named(zeroName, a[0].Info.Ino, linux.S_IFREG|0o777), 0
}

// list numbers the areas by their page.
func (p mapFiles) list(ctx vfs.Ctx, from int64) (es []numbered) {
	m := p.t.GetMM()
	if m == nil || !mayLook(ctx, p.t) {
		return nil
	}
	defer m.Put()
	for at := usermem.Addr(from) << usermem.PageShift; len(es) < listed; {
		areas := m.Areas(at, areasAtOnce, false)
		for i := range areas {
			a := &areas[i]
			at = a.End
			page := int64(a.Start >> usermem.PageShift)
			if page >= from && strings.HasPrefix(a.Info.Name, "/") {
				es = append(es, numbered{page, mapName(a.Start, a.End), linux.DT_LNK})
			}
		}
		if len(areas) < areasAtOnce {
			break
		}
	}
	return es
}
