package loader

import (
	"encoding/binary"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// memFile is a file in memory.
type memFile []byte

func (f memFile) ReadAt(b []byte, off int64) (int, linux.Errno) {
	if off < 0 || off >= int64(len(f)) {
		return 0, 0
	}
	return copy(b, f[off:]), 0
}

func TestParseScript(t *testing.T) {
	long := "#!/" + strings.Repeat("x", headerSize)
	for _, c := range []struct {
		in    string
		want  script
		errno linux.Errno
	}{
		{"#!/bin/sh\n", script{interp: "/bin/sh"}, 0},
		{"#! \t/bin/sh  \n", script{interp: "/bin/sh"}, 0},
		{"#!/bin/sh -e -x\t\nrest", script{"/bin/sh", "-e -x", true}, 0},
		{"#!/bin/sh\t-e\n", script{"/bin/sh", "-e", true}, 0},
		{"#!/bin/sh", script{interp: "/bin/sh"}, 0},
		{"#!\n", script{}, linux.ENOEXEC},
		{"#!   ", script{}, 0}, // the working directory: EACCES
		{"#!   \n", script{}, linux.ENOEXEC},
		{long[:headerSize], script{}, linux.ENOEXEC},
		{("#!/bin/sh " + strings.Repeat("a", headerSize))[:headerSize], script{"/bin/sh", strings.Repeat("a", headerSize-11), true}, 0},
	} {
		got, errno := parseScript([]byte(c.in))
		if got != c.want || errno != c.errno {
			t.Errorf("%q: %+v %v, want %+v %v", c.in, got, errno, c.want, c.errno)
		}
	}
}

func TestResolveFollowsScripts(t *testing.T) {
	files := map[string]memFile{"/a": memFile("#!/b -x\n"), "/b": memFile("#!/c\n"), "/c": memFile("\x7fELF"), "/loop": memFile("#!/loop\n")}
	open := func(p string) (memFile, linux.Errno) {
		if f, ok := files[p]; ok {
			return f, 0
		}
		return nil, linux.ENOENT
	}
	put := func(memFile) {}
	e, errno := Resolve(files["/a"], "/a", []string{"zero", "one"}, open, put)
	if errno != 0 || e.Path != "/c" || !reflect.DeepEqual(e.Argv, []string{"/c", "/b", "-x", "/a", "one"}) {
		t.Errorf("%v %q %q", errno, e.Path, e.Argv)
	}
	if _, errno = Resolve(files["/loop"], "/loop", nil, open, put); errno != linux.ELOOP {
		t.Errorf("endless scripts: %v, want ELOOP", errno)
	}
	if _, errno = Resolve(memFile("#!/none\n"), "/x", nil, open, put); errno != linux.ENOENT {
		t.Errorf("no interpreter: %v, want ENOENT", errno)
	}
}

func TestParseELFOfARealProgram(t *testing.T) {
	b, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	im, errno := parseELF(memFile(b))
	if errno != 0 {
		t.Fatal(errno)
	}
	if im.entry == 0 || len(im.segments) == 0 || im.low >= im.high || im.phdrAddr == 0 {
		t.Errorf("%+v", im)
	}
}

func TestBuildStack(t *testing.T) {
	const top = 0x7ffffffff000
	s := buildStack(top, "/bin/x", []string{"x", "yy"}, []string{"A=1"}, []auxEntry{{atPagesz, 4096}, {atRandom, 0}, {atExecfn, 0}, {atPlatform, 0}, {atNull, 0}}, [16]byte{7}, 123)
	if s.sp%16 != 0 || uint64(s.sp)+uint64(len(s.bytes)) != top {
		t.Fatalf("sp %#x, %d bytes", s.sp, len(s.bytes))
	}
	word := func(i int) uint64 { return binary.LittleEndian.Uint64(s.bytes[i*8:]) }
	str := func(a uint64) string {
		b := s.bytes[a-uint64(s.sp):]
		return string(b[:strings.IndexByte(string(b), 0)])
	}
	if word(0) != 2 || str(word(1)) != "x" || str(word(2)) != "yy" || word(3) != 0 || str(word(4)) != "A=1" || word(5) != 0 {
		t.Errorf("arguments are wrong: % x", s.bytes[:64])
	}
	aux := map[uint64]uint64{}
	for i := 6; word(i) != atNull; i += 2 {
		aux[word(i)] = word(i + 1)
	}
	if aux[atPagesz] != 4096 || str(aux[atExecfn]) != "/bin/x" || str(aux[atPlatform]) != "x86_64" || s.bytes[aux[atRandom]-uint64(s.sp)] != 7 {
		t.Errorf("auxiliary vector is wrong: %v", aux)
	}
	if s.argEnd-s.argStart != 5 || s.envEnd-s.envStart != 4 || s.argEnd != s.envStart {
		t.Errorf("ranges %x %x %x %x", s.argStart, s.argEnd, s.envStart, s.envEnd)
	}
}

func TestCheckArgs(t *testing.T) {
	if CheckArgs("/x", []string{strings.Repeat("a", maxArgString)}, nil, 8<<20) != linux.E2BIG {
		t.Error("a string of 128 KiB must be too long")
	}
	many := make([]string, 20)
	for i := range many {
		many[i] = strings.Repeat("a", maxArgString-1)
	}
	if CheckArgs("/x", many, nil, 8<<20) != linux.E2BIG || CheckArgs("/x", many[:15], nil, 8<<20) != 0 {
		t.Error("the limit of an 8 MiB stack is 2 MiB")
	}
}

// FuzzParse: whatever the file holds, parsing ends and what it returns keeps its promises.
func FuzzParse(f *testing.F) {
	b, _ := os.ReadFile("/bin/true")
	f.Add(b)
	f.Add([]byte("#!/bin/sh -e\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 2 && b[0] == '#' && b[1] == '!' {
			parseScript(b[:min(len(b), headerSize)])
		}
		im, errno := parseELF(memFile(b))
		if errno != 0 || im.bad != 0 {
			return
		}
		for _, s := range im.segments {
			if s.addr%usermem.PageSize != 0 || s.memEnd > taskSize || s.fileEnd > s.memEnd || s.addr > s.memEnd {
				t.Errorf("bad segment %+v", s)
			}
		}
	})
}
