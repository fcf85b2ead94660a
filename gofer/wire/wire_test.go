package wire

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/seed-7423c386/runsc/abi/linux"
)

var attr = Attr{Dev: 1, Ino: 2, Mode: linux.S_IFREG | 0o644, Nlink: 3, UID: 4, GID: 5, Rdev: 6, Size: 7, Blocks: 8, Blksize: 9, Atime: -10, Mtime: 11, Ctime: 12, Btime: 13}

// examples has a message of each kind.
var examples = []Message{
	&AttachReq{1, 2},
	&IDReq{3},
	&attr,
	&Attrs{[]Attr{attr, {}}},
	&Node{5, attr, "to"},
	&WalkReq{1, OpenRead, []string{"a", "b"}},
	&WalkReply{Steps: []Step{
		{File: File{Node{1, attr, ""}, true, true}}, {Errno: linux.ENOENT},
		{File: File{Node: Node{2, attr, ""}}, Listed: true, Entries: MakeEntries(Entry{"a", 1, linux.DT_DIR}, Entry{"bc", 2, linux.DT_REG})},
		{File: File{Node: Node{3, attr, "to"}}, Leads: true, To: File{Node{4, attr, ""}, true, false}},
	}, Under: []Under{
		{2, "a", Step{File: File{Node: Node{5, attr, ""}}, Listed: true, Entries: MakeEntries(Entry{"d", 3, linux.DT_REG})}},
		{4, "d", Step{File: File{Node: Node{6, attr, ""}}}},
	}},
	&ForgetReq{[]uint64{1, 2}},
	&OpenReq{1, OpenWrite},
	&ReaddirReq{1, -2},
	&ReaddirReply{MakeEntries(Entry{"a", 1, linux.DT_DIR}, Entry{"bc", 2, linux.DT_REG}), 5, true, attr},
	&CreateReq{1, "n", linux.S_IFLNK | 0o777, 1, 2, "target", 3, 0o22},
	&CreateReply{Node{1, attr, "x"}, attr},
	&LinkReq{1, 2, "n"},
	&UnlinkReq{1, "n", 2, true},
	&RenameReq{1, "n", 2, "m", 3, 4, 5},
	&SetattrReq{1, SetMode | SetMtime, 0o4755, 2, 3, 4, 5, -6},
	&Statfs{1, 2, 3, 4, 5, 6, 7, 8, 9},
	&FsyncReq{1, true, false},
	&XattrReq{1, "user.a", []byte{0, 1}, 2},
	&Blob{[]byte{1, 0}},
	&Empty{},
}

func encode(m Message) []byte {
	var e Encoder
	m.Put(&e)
	return e.B
}

func TestMessages(t *testing.T) {
	for _, m := range examples {
		b := encode(m)
		got := reflect.New(reflect.TypeOf(m).Elem()).Interface().(Message)
		if !Parse(b, got) || !reflect.DeepEqual(got, m) {
			t.Errorf("%T: sent %+v, got %+v", m, m, got)
		}
		if Parse(append(b[:len(b):len(b)], 0), got) {
			t.Errorf("%T: a byte too many is accepted", m)
		}
		for n := range len(b) {
			if Parse(b[:n], got) {
				t.Errorf("%T: %d of %d bytes are accepted", m, n, len(b))
			}
		}
	}
}

func TestBadValues(t *testing.T) {
	link := attr
	link.Mode = 0o644
	big := make([]string, MaxNames+1)
	for i := range big {
		big[i] = "n"
	}
	for _, m := range []Message{
		&WalkReq{Names: []string{".."}}, &WalkReq{Names: []string{"."}}, &WalkReq{Names: []string{""}},
		&WalkReq{Names: []string{"a/b"}}, &WalkReq{Names: []string{"a\x00"}}, &WalkReq{Names: big},
		&WalkReq{Names: []string{string(bytes.Repeat([]byte("n"), 256))}},
		&UnlinkReq{Name: "/"}, &RenameReq{Name: "a", NewName: ".."}, &LinkReq{Name: ".."},
		&CreateReq{Name: "..", Mode: linux.S_IFREG}, &CreateReq{Name: "a", Mode: 0o644},
		&CreateReq{Name: "a", Mode: linux.S_IFLNK, Target: "a\x00b"},
		&SetattrReq{Size: -1}, &SetattrReq{Mask: 1 << 6}, &SetattrReq{Mode: linux.S_IFDIR},
		&link, &Node{ID: 0, Attr: attr}, &ReaddirReply{Entries: Entries{"../x", []entry{{size: 4}}}, Dir: attr},
		&XattrReq{Value: make([]byte, linux.XATTR_SIZE_MAX+1)},
	} {
		got := reflect.New(reflect.TypeOf(m).Elem()).Interface().(Message)
		if Parse(encode(m), got) {
			t.Errorf("%T %+v is accepted", m, m)
		}
	}
}

// FuzzMessages: what is accepted is what would be sent.
func FuzzMessages(f *testing.F) {
	for i, m := range examples {
		f.Add(uint8(i), encode(m))
	}
	f.Fuzz(func(t *testing.T, kind uint8, b []byte) {
		m := reflect.New(reflect.TypeOf(examples[int(kind)%len(examples)]).Elem()).Interface().(Message)
		if !Parse(b, m) {
			return
		}
		if got := encode(m); !bytes.Equal(got, b) {
			// Unknown attributes of a list have one form only.
			t.Errorf("%T: %x becomes %x", m, b, got)
		}
	})
}

// pieces hands out bytes in pieces, each with some descriptors.
type pieces struct {
	bytes []byte
	step  int
	fds   int
	next  int
	most  int // descriptors in all, if not 0
}

func (p *pieces) recv(b []byte, fds []int, _ bool) (int, int, linux.Errno) {
	n := copy(b, p.bytes[:min(p.step, len(p.bytes))])
	p.bytes = p.bytes[n:]
	k := 0
	for k < len(fds) && k < p.fds && (p.most == 0 || p.next < p.most) {
		p.next++
		fds[k] = p.next
		k++
	}
	return n, k, 0
}

func TestStream(t *testing.T) {
	var e Encoder
	for i := range 100 {
		start := e.Begin(OpWalk, uint32(i))
		e.B = append(e.B, make([]byte, i*300)...)
		e.Finish(start, linux.Errno(i), i%3)
	}
	for _, step := range []int{1, 7, 4096, 1 << 20} {
		p := &pieces{bytes: e.B, step: step, fds: MaxFDs, most: 200}
		s := NewStream(p.recv, MaxFDs)
		want := 1
		for i := range 100 {
			f, err := s.Next()
			if err == ErrFrame && p.next < want+i%3-1 { // too few came so far
				break
			}
			if err != nil {
				t.Fatal(step, i, err)
			}
			if f.Tag != uint32(i) || f.Op != OpWalk || f.Errno != linux.Errno(i) || len(f.Body) != i*300 || len(f.FDs) != i%3 {
				t.Fatalf("frame %d: %+v", i, f)
			}
			for _, fd := range f.FDs {
				if fd != want {
					t.Fatalf("frame %d has descriptor %d, not %d", i, fd, want)
				}
				want++
			}
			if i == 99 {
				if _, err := s.Next(); err != ErrClosed {
					t.Fatal(err)
				}
			}
		}
		if want < 5 {
			t.Errorf("%d descriptors", want-1)
		}
		closed := 0
		s.Close(func(int) { closed++ })
		if closed != p.next-want+1 {
			t.Errorf("%d of %d closed", closed, p.next-want+1)
		}
	}
}

func TestBadFrames(t *testing.T) {
	for _, b := range [][]byte{
		{15, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0},
		{1, 0, 2, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0},
		{16, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0},
		{16, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 255, 0, 0, 0, 0},
	} {
		s := NewStream((&pieces{bytes: b, step: 100}).recv, MaxFDs)
		if _, err := s.Next(); err != ErrFrame {
			t.Errorf("%v: %v", b, err)
		}
	}
}

// FuzzStream: no bytes make it panic or read beyond them.
func FuzzStream(f *testing.F) {
	var e Encoder
	start := e.Begin(OpOpen, 7)
	e.U64(1)
	e.Finish(start, 0, 1)
	f.Add(e.B, 3, 1)
	f.Add(append(e.B, e.B...), 100, 2)
	f.Fuzz(func(t *testing.T, b []byte, step, fds int) {
		s := NewStream((&pieces{bytes: b, step: max(step, 1), fds: fds}).recv, MaxFDs)
		left := len(b)
		for {
			fr, err := s.Next()
			if err != nil {
				return
			}
			if left -= HeaderSize + len(fr.Body); left < 0 {
				t.Fatal("more than there was")
			}
		}
	})
}
