package wire

import (
	"cmp"
	"slices"
)

// Entry is one name of a directory. Type is DT_REG and so on, DT_UNKNOWN if the host's file
// system does not say.
type Entry struct {
	Name string
	Ino  uint64
	Type uint8
}

// Entries is a list of entries that never changes. However many there are it takes two objects of
// memory, of which one has no pointers and the other is text: caches keep many lists.
type Entries struct {
	names string
	list  []entry
}

// entry is an Entry whose name is a part of the text.
type entry struct {
	ino  uint64
	at   uint32
	size uint8
	typ  uint8
}

// EntrySize is how many bytes an entry takes in a frame beside its name.
const EntrySize = 8 + 1 + 1

// Len returns how many there are.
func (l *Entries) Len() int { return len(l.list) }

// At returns one.
func (l *Entries) At(i int) Entry {
	e := &l.list[i]
	return Entry{l.names[e.at : e.at+uint32(e.size)], e.ino, e.typ}
}

// Size returns how many bytes they take in a frame, and about as many in memory.
func (l *Entries) Size() int { return len(l.names) + len(l.list)*EntrySize }

// ByIno returns the same entries in the order of their inode numbers.
func (l *Entries) ByIno() *Entries {
	sorted := slices.Clone(l.list)
	slices.SortFunc(sorted, func(x, y entry) int { return cmp.Compare(x.ino, y.ino) })
	return &Entries{l.names, sorted}
}

// EntryList collects entries.
type EntryList struct {
	names []byte
	list  []entry
}

// Add appends an entry; false if name cannot be one.
func (b *EntryList) Add(name []byte, ino uint64, typ uint8) bool {
	if !ValidName(string(name)) {
		return false
	}
	b.list = append(b.list, entry{ino, uint32(len(b.names)), uint8(len(name)), typ})
	b.names = append(b.names, name...)
	return true
}

// AddAll appends entries.
func (b *EntryList) AddAll(l *Entries) {
	for _, e := range l.list {
		e.at += uint32(len(b.names))
		b.list = append(b.list, e)
	}
	b.names = append(b.names, l.names...)
}

// Size is that of the entries.
func (b *EntryList) Size() int { return len(b.names) + len(b.list)*EntrySize }

// Entries returns what was collected.
func (b *EntryList) Entries() Entries { return Entries{string(b.names), slices.Clone(b.list)} }

// Reset makes the list empty.
func (b *EntryList) Reset() { b.names, b.list = b.names[:0], b.list[:0] }

// MakeEntries is a list of entries with valid names.
func MakeEntries(all ...Entry) Entries {
	var b EntryList
	for _, e := range all {
		b.Add([]byte(e.Name), e.Ino, e.Type)
	}
	return b.Entries()
}

// Put appends the list, and behind it all names.
func (l *Entries) Put(e *Encoder) {
	e.U32(uint32(len(l.list)))
	for i := range l.list {
		e.U64(l.list[i].ino)
		e.U8(l.list[i].size)
		e.U8(l.list[i].typ)
	}
	e.Str(l.names)
}

// Get takes it from d.
func (l *Entries) Get(d *Decoder) {
	l.list = make([]entry, d.count(EntrySize))
	at := uint32(0)
	for i := range l.list {
		l.list[i] = entry{ino: d.U64(), at: at, size: d.U8(), typ: d.U8()}
		at += uint32(l.list[i].size)
	}
	l.names = d.Str(MaxFrame)
	if uint64(at) != uint64(len(l.names)) {
		d.Bad()
	}
	if d.bad {
		*l = Entries{}
		return
	}
	for i := range l.list {
		if !ValidName(l.At(i).Name) {
			d.Bad()
			*l = Entries{}
			return
		}
	}
}
