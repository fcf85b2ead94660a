package wire

import "github.com/seed-7423c386/runsc/abi/linux"

// Op says what a frame asks for.
type Op uint16

// The operations, with the types of request and reply.
const (
	OpAttach    Op = 1 + iota // AttachReq, Node: the root of an attach point
	OpWalk                    // WalkReq, WalkReply and perhaps a descriptor
	OpForget                  // ForgetReq; there is no reply
	OpGetattr                 // IDReq, Attr
	OpOpen                    // OpenReq, empty and a descriptor of a regular file
	OpReaddir                 // ReaddirReq, ReaddirReply
	OpCreate                  // CreateReq, CreateReply and perhaps a descriptor
	OpLink                    // LinkReq, Attrs: file, directory
	OpUnlink                  // UnlinkReq, Attrs: directory, file if its id was given
	OpRename                  // RenameReq, Attrs: both directories, file, replaced if its id was given
	OpSetattr                 // SetattrReq, Attr
	OpStatfs                  // IDReq, Statfs
	OpFsync                   // FsyncReq, empty
	OpGetxattr                // XattrReq, Blob
	OpSetxattr                // XattrReq, empty
	OpListxattr               // IDReq, Blob: names, each with a NUL behind it
	OpRmxattr                 // XattrReq, empty
	OpGetattrs                // ForgetReq with at most MaxAttrs ids, Attrs: of each
	opEnd
)

// Valid reports whether there is such an operation.
func (o Op) Valid() bool { return o >= OpAttach && o < opEnd }

// Message is the body of a frame.
type Message interface {
	Put(e *Encoder)
	Get(d *Decoder)
}

// Parse fills m from a body and reports whether it fits exactly.
func Parse(body []byte, m Message) bool {
	d := Decoder{b: body}
	m.Get(&d)
	return d.End()
}

// Version of the protocol. Both sides are of one build, as a rule.
const Version = 6

// AttachReq asks for an attach point by its index.
type AttachReq struct{ Version, Index uint32 }

func (m *AttachReq) Put(e *Encoder) { e.U32(m.Version); e.U32(m.Index) }
func (m *AttachReq) Get(d *Decoder) { m.Version, m.Index = d.U32(), d.U32() }

// IDReq names a file.
type IDReq struct{ ID uint64 }

func (m *IDReq) Put(e *Encoder) { e.U64(m.ID) }
func (m *IDReq) Get(d *Decoder) { m.ID = d.U64() }

// Attr is what statx(2) tells of a file. Times are nanoseconds since the epoch.
type Attr struct {
	Dev, Ino                   uint64
	Mode, Nlink, UID, GID      uint32
	Rdev                       uint64
	Size, Blocks               int64
	Blksize                    uint32
	Atime, Mtime, Ctime, Btime int64
}

func (m *Attr) Put(e *Encoder) {
	e.U64(m.Dev)
	e.U64(m.Ino)
	e.U32(m.Mode)
	e.U32(m.Nlink)
	e.U32(m.UID)
	e.U32(m.GID)
	e.U64(m.Rdev)
	e.I64(m.Size)
	e.I64(m.Blocks)
	e.U32(m.Blksize)
	e.I64(m.Atime)
	e.I64(m.Mtime)
	e.I64(m.Ctime)
	e.I64(m.Btime)
}

func (m *Attr) Get(d *Decoder) {
	m.Dev, m.Ino = d.U64(), d.U64()
	m.Mode, m.Nlink, m.UID, m.GID = d.U32(), d.U32(), d.U32(), d.U32()
	m.Rdev = d.U64()
	m.Size, m.Blocks = d.I64(), d.I64()
	m.Blksize = d.U32()
	m.Atime, m.Mtime, m.Ctime, m.Btime = d.I64(), d.I64(), d.I64(), d.I64()
	if m.Size < 0 || m.Blocks < 0 || !validType(m.Mode) {
		d.Bad()
	}
}

func validType(mode uint32) bool {
	if mode&^(linux.S_IFMT|0o7777) != 0 {
		return false
	}
	switch mode & linux.S_IFMT {
	case linux.S_IFREG, linux.S_IFDIR, linux.S_IFLNK, linux.S_IFIFO, linux.S_IFSOCK, linux.S_IFCHR, linux.S_IFBLK:
		return true
	}
	return false
}

// MaxAttrs bounds the ids of a request for attributes.
const MaxAttrs = 512

// Attrs is a list of attributes; those of Mode 0 are not known.
type Attrs struct{ List []Attr }

func (m *Attrs) Put(e *Encoder) {
	e.U32(uint32(len(m.List)))
	for i := range m.List {
		e.Bool(m.List[i].Mode != 0)
		if m.List[i].Mode != 0 {
			m.List[i].Put(e)
		}
	}
}

func (m *Attrs) Get(d *Decoder) {
	n := d.count(1)
	if n > MaxAttrs {
		d.Bad()
		return
	}
	m.List = make([]Attr, n)
	for i := range m.List {
		if d.Bool() {
			m.List[i].Get(d)
		}
	}
}

// Node is a file with a new id.
type Node struct {
	ID     uint64
	Attr   Attr
	Target string // of a symbolic link
}

func (m *Node) Put(e *Encoder) {
	e.U64(m.ID)
	m.Attr.Put(e)
	e.Str(m.Target)
}

func (m *Node) Get(d *Decoder) {
	m.ID = d.U64()
	m.Attr.Get(d)
	m.Target = d.Str(linux.PATH_MAX)
	if m.ID == 0 {
		d.Bad()
	}
}

// Flags of WalkReq, CreateReq and OpenReq.
const (
	OpenRead  uint32 = 1 << iota // a descriptor for reading
	OpenWrite                    // for reading and writing
	Siblings                     // WalkReq: every name is of Dir itself
	CreateTmp                    // CreateReq: an unnamed file (O_TMPFILE); Name is "-"
	CreateTmpExcl
	List   // WalkReq: directories come with their entries, if these are few
	Xattrs // WalkReq: regular files come with the word whether they have extended attributes
	Below  // WalkReq, with List and Siblings: what these directories have is looked up as well,
	Dirs   // with Below: as far as it is directories,
	ByIno  // with Below: in the order of inode numbers
)

// WalkReq looks up names, from Dir on, each in the one before it. The walk ends at the first
// that is no directory. With OpenRead or OpenWrite the last name is opened if the walk gets
// there and it is a regular file; when that fails there is no descriptor, and no error. With
// Siblings all names are of Dir, and the first MaxFDs regular files are opened. If one name is to be opened
// and is a symbolic link, the reply may say where it leads.
type WalkReq struct {
	Dir   uint64
	Flags uint32
	Names []string
}

func (m *WalkReq) Put(e *Encoder) {
	e.U64(m.Dir)
	e.U32(m.Flags)
	e.U32(uint32(len(m.Names)))
	for _, n := range m.Names {
		e.Str(n)
	}
}

func (m *WalkReq) Get(d *Decoder) {
	m.Dir, m.Flags = d.U64(), d.U32()
	n := d.count(5)
	if n > MaxNames {
		d.Bad()
		return
	}
	m.Names = make([]string, n)
	for i := range m.Names {
		m.Names[i] = d.Name()
	}
}

// MaxNames bounds the names of a WalkReq.
const MaxNames = 64

// File is a file that was looked up. Open says that the next of the descriptors is the file's, Bare that it has
// no extended attributes.
type File struct {
	Node       Node
	Open, Bare bool
}

func (m *File) Put(e *Encoder) { m.Node.Put(e); e.Bool(m.Open); e.Bool(m.Bare) }
func (m *File) Get(d *Decoder) { m.Node.Get(d); m.Open, m.Bare = d.Bool(), d.Bool() }

// Step is one name of a walk: what it is, or why it is not there. Listed says that Entries is all that the
// directory has, and then the times of change in Node are those of before it was listed. Leads says that the
// file is a symbolic link, and its target a name in the same directory: that of To.
type Step struct {
	Errno linux.Errno
	File
	Listed  bool
	Entries Entries
	Leads   bool
	To      File
}

// Size is how many bytes the step takes in a reply, at most.
func (s *Step) Size() int { return 512 + len(s.Node.Target) + s.Entries.Size() + len(s.To.Node.Target) }

func (s *Step) Put(e *Encoder) {
	e.U16(uint16(s.Errno))
	if s.Errno != 0 {
		return
	}
	s.File.Put(e)
	if e.Bool(s.Listed); s.Listed {
		s.Entries.Put(e)
	}
	if e.Bool(s.Leads); s.Leads {
		s.To.Put(e)
	}
}

func (s *Step) Get(d *Decoder) {
	if s.Errno = d.errno(); s.Errno != 0 {
		return
	}
	s.File.Get(d)
	if s.Listed = d.Bool(); s.Listed {
		s.Entries.Get(d)
	}
	if s.Leads = d.Bool(); s.Leads {
		s.To.Get(d)
	}
}

// WalkReply has a Step for each name that was looked up: for Siblings as many as fit the frame, else up to
// the first that has an Errno or is no directory. Under says what was found below them, in the order in which a
// program comes by that goes through the tree.
type WalkReply struct {
	Steps []Step
	Under []Under
}

// Under is a name of a directory that was listed: the one of Step In, where those of Under count on from Steps. Its
// descriptor comes behind that of the Step of Steps that it is below, and before that of the next.
type Under struct {
	In   uint32
	Name string
	Step
}

// MaxUnder bounds what comes below the names of a WalkReq.
const MaxUnder = 256

func (m *WalkReply) Put(e *Encoder) {
	e.U32(uint32(len(m.Steps)))
	for i := range m.Steps {
		m.Steps[i].Put(e)
	}
	e.U32(uint32(len(m.Under)))
	for i := range m.Under {
		u := &m.Under[i]
		e.U32(u.In)
		e.Str(u.Name)
		u.Step.Put(e)
	}
}

func (m *WalkReply) Get(d *Decoder) {
	n := d.count(2)
	if n > MaxNames {
		d.Bad()
		return
	}
	m.Steps = make([]Step, n)
	for i := range m.Steps {
		m.Steps[i].Get(d)
	}
	if n = d.count(11); n > MaxUnder {
		d.Bad()
		return
	}
	if n == 0 {
		return
	}
	m.Under = make([]Under, n)
	for i := range m.Under {
		u := &m.Under[i]
		u.In, u.Name = d.U32(), d.Name()
		if u.Step.Get(d); u.Errno != 0 || int64(u.In) >= int64(len(m.Steps)+i) || !m.step(int(u.In)).Listed {
			d.Bad()
			return
		}
	}
}

// Roots returns which of Steps each of Under is below.
func (m *WalkReply) Roots() []int {
	roots := make([]int, len(m.Under))
	for i := range roots {
		if roots[i] = int(m.Under[i].In); roots[i] >= len(m.Steps) {
			roots[i] = roots[roots[i]-len(m.Steps)]
		}
	}
	return roots
}

// step returns the one that Under counts as i.
func (m *WalkReply) step(i int) *Step {
	if i < len(m.Steps) {
		return &m.Steps[i]
	}
	return &m.Under[i-len(m.Steps)].Step
}

// ForgetReq gives ids back.
type ForgetReq struct{ IDs []uint64 }

func (m *ForgetReq) Put(e *Encoder) {
	e.U32(uint32(len(m.IDs)))
	for _, id := range m.IDs {
		e.U64(id)
	}
}

func (m *ForgetReq) Get(d *Decoder) {
	m.IDs = make([]uint64, d.count(8))
	for i := range m.IDs {
		m.IDs[i] = d.U64()
	}
}

// OpenReq asks for a descriptor of a regular file.
type OpenReq struct {
	ID    uint64
	Flags uint32
}

func (m *OpenReq) Put(e *Encoder) { e.U64(m.ID); e.U32(m.Flags) }
func (m *OpenReq) Get(d *Decoder) { m.ID, m.Flags = d.U64(), d.U32() }

// ReaddirReq lists a directory from Off on: 0, or Next of an entry.
type ReaddirReq struct {
	ID  uint64
	Off int64
}

func (m *ReaddirReq) Put(e *Encoder) { e.U64(m.ID); e.I64(m.Off) }
func (m *ReaddirReq) Get(d *Decoder) { m.ID, m.Off = d.U64(), d.I64() }

// ReaddirReply is a part of a directory, without "." and "..". Next is where to go on. Dir is the
// directory itself: its times of change are those of before it was read.
type ReaddirReply struct {
	Entries Entries
	Next    int64
	End     bool
	Dir     Attr
}

func (m *ReaddirReply) Put(e *Encoder) {
	m.Entries.Put(e)
	e.I64(m.Next)
	e.Bool(m.End)
	m.Dir.Put(e)
}

func (m *ReaddirReply) Get(d *Decoder) {
	m.Entries.Get(d)
	m.Next = d.I64()
	m.End = d.Bool()
	m.Dir.Get(d)
}

// CreateReq makes Name in Dir, of the type in Mode: a regular file, directory, symbolic link,
// fifo or socket. Mode and owner are final.
type CreateReq struct {
	Dir            uint64
	Name           string
	Mode, UID, GID uint32
	Target         string // of a symbolic link
	Flags          uint32
	Umask          uint32 // to be taken from Mode, if Dir has no default access control list
}

func (m *CreateReq) Put(e *Encoder) {
	e.U64(m.Dir)
	e.Str(m.Name)
	e.U32(m.Mode)
	e.U32(m.UID)
	e.U32(m.GID)
	e.Str(m.Target)
	e.U32(m.Flags)
	e.U32(m.Umask)
}

func (m *CreateReq) Get(d *Decoder) {
	m.Dir, m.Name = d.U64(), d.Name()
	m.Mode, m.UID, m.GID = d.U32(), d.U32(), d.U32()
	m.Target, m.Flags, m.Umask = d.Str(linux.PATH_MAX-1), d.U32(), d.U32()
	if !validType(m.Mode) || m.Umask&^0o777 != 0 {
		d.Bad()
	}
}

// CreateReply is the new file and its directory.
type CreateReply struct {
	Node Node
	Dir  Attr
}

func (m *CreateReply) Put(e *Encoder) { m.Node.Put(e); m.Dir.Put(e) }
func (m *CreateReply) Get(d *Decoder) { m.Node.Get(d); m.Dir.Get(d) }

// LinkReq makes Name in Dir another name of ID.
type LinkReq struct {
	ID, Dir uint64
	Name    string
}

func (m *LinkReq) Put(e *Encoder) { e.U64(m.ID); e.U64(m.Dir); e.Str(m.Name) }
func (m *LinkReq) Get(d *Decoder) { m.ID, m.Dir, m.Name = d.U64(), d.U64(), d.Name() }

// UnlinkReq removes Name, a directory if IsDir. ID, if not 0, is the file of that name.
type UnlinkReq struct {
	Dir   uint64
	Name  string
	ID    uint64
	IsDir bool
}

func (m *UnlinkReq) Put(e *Encoder) { e.U64(m.Dir); e.Str(m.Name); e.U64(m.ID); e.Bool(m.IsDir) }
func (m *UnlinkReq) Get(d *Decoder) {
	m.Dir, m.Name, m.ID, m.IsDir = d.U64(), d.Name(), d.U64(), d.Bool()
}

// RenameReq is renameat2(2) with RENAME_NOREPLACE and RENAME_EXCHANGE. ID and Replaced, if
// not 0, are the files of the two names.
type RenameReq struct {
	Dir          uint64
	Name         string
	NewDir       uint64
	NewName      string
	Flags        uint32
	ID, Replaced uint64
}

func (m *RenameReq) Put(e *Encoder) {
	e.U64(m.Dir)
	e.Str(m.Name)
	e.U64(m.NewDir)
	e.Str(m.NewName)
	e.U32(m.Flags)
	e.U64(m.ID)
	e.U64(m.Replaced)
}

func (m *RenameReq) Get(d *Decoder) {
	m.Dir, m.Name = d.U64(), d.Name()
	m.NewDir, m.NewName = d.U64(), d.Name()
	m.Flags, m.ID, m.Replaced = d.U32(), d.U64(), d.U64()
}

// Bits of SetattrReq.Mask.
const (
	SetMode uint32 = 1 << iota
	SetUID
	SetGID
	SetSize
	SetAtime
	SetMtime
)

// SetattrReq changes the attributes in Mask.
type SetattrReq struct {
	ID                   uint64
	Mask, Mode, UID, GID uint32
	Size                 int64
	Atime, Mtime         int64
}

func (m *SetattrReq) Put(e *Encoder) {
	e.U64(m.ID)
	e.U32(m.Mask)
	e.U32(m.Mode)
	e.U32(m.UID)
	e.U32(m.GID)
	e.I64(m.Size)
	e.I64(m.Atime)
	e.I64(m.Mtime)
}

func (m *SetattrReq) Get(d *Decoder) {
	m.ID = d.U64()
	m.Mask, m.Mode, m.UID, m.GID = d.U32(), d.U32(), d.U32(), d.U32()
	m.Size, m.Atime, m.Mtime = d.I64(), d.I64(), d.I64()
	if m.Size < 0 || m.Mask >= SetMtime<<1 || m.Mode&^0o7777 != 0 {
		d.Bad()
	}
}

// Statfs is statfs(2) of a file's file system.
type Statfs struct {
	Magic                              int64
	Bsize                              int64
	Blocks, Bfree, Bavail, Files, Free uint64
	Namelen, Frsize                    int64
}

func (m *Statfs) Put(e *Encoder) {
	e.I64(m.Magic)
	e.I64(m.Bsize)
	for _, v := range []uint64{m.Blocks, m.Bfree, m.Bavail, m.Files, m.Free} {
		e.U64(v)
	}
	e.I64(m.Namelen)
	e.I64(m.Frsize)
}

func (m *Statfs) Get(d *Decoder) {
	m.Magic, m.Bsize = d.I64(), d.I64()
	m.Blocks, m.Bfree, m.Bavail, m.Files, m.Free = d.U64(), d.U64(), d.U64(), d.U64(), d.U64()
	m.Namelen, m.Frsize = d.I64(), d.I64()
}

// FsyncReq makes a file durable, or with FS everything of its file system.
type FsyncReq struct {
	ID       uint64
	DataOnly bool
	FS       bool
}

func (m *FsyncReq) Put(e *Encoder) { e.U64(m.ID); e.Bool(m.DataOnly); e.Bool(m.FS) }
func (m *FsyncReq) Get(d *Decoder) { m.ID, m.DataOnly, m.FS = d.U64(), d.Bool(), d.Bool() }

// XattrReq names an extended attribute; Value and Flags are for OpSetxattr.
type XattrReq struct {
	ID    uint64
	Name  string
	Value []byte
	Flags uint32
}

func (m *XattrReq) Put(e *Encoder) {
	e.U64(m.ID)
	e.Str(m.Name)
	e.Bytes(m.Value)
	e.U32(m.Flags)
}

func (m *XattrReq) Get(d *Decoder) {
	m.ID, m.Name = d.U64(), d.Str(linux.XATTR_NAME_MAX)
	m.Value, m.Flags = d.Bytes(linux.XATTR_SIZE_MAX), d.U32()
}

// Blob is bytes, no more than an extended attribute has.
type Blob struct{ Data []byte }

func (m *Blob) Put(e *Encoder) { e.Bytes(m.Data) }
func (m *Blob) Get(d *Decoder) { m.Data = append([]byte(nil), d.Bytes(linux.XATTR_SIZE_MAX)...) }

// Empty is a body without anything.
type Empty struct{}

func (*Empty) Put(*Encoder) {}
func (*Empty) Get(*Decoder) {}
