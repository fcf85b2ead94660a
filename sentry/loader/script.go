package loader

import (
	"bytes"
	"cmp"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// headerSize is how much of a file decides what it is (BINPRM_BUF_SIZE).
const headerSize = 256

// maxScripts is how many interpreters may be scripts themselves (fs/exec.c, exec_binprm).
const maxScripts = 5

// Reader reads a file at an offset, for the kernel itself.
type Reader interface {
	// ReadAt fills b from off and returns how much there was: less than len(b) at the end
	// of the file.
	ReadAt(b []byte, off int64) (int, linux.Errno)
}

// script is the first line of an interpreter script.
type script struct {
	interp string
	arg    string // one string, whatever blanks are in it
	hasArg bool
}

// parseScript parses the beginning of a script, header being the file's first headerSize
// bytes or all of it (load_script, fs/binfmt_script.c). ENOEXEC for a line that names no interpreter
// or may be cut off.
func parseScript(header []byte) (script, linux.Errno) {
	var buf [headerSize]byte // a short file is followed by zero bytes
	copy(buf[:], header)
	end := bytes.IndexByte(buf[:], '\n')
	if end < 0 {
		// No end in sight: the path must at least be followed by a blank or a zero byte, or it may be
		// longer than what we see. The last byte is never of the line.
		rest := bytes.TrimLeft(buf[2:], blanks)
		if len(rest) == 0 || bytes.IndexAny(rest, blanks+"\x00") < 0 {
			return script{}, linux.ENOEXEC
		}
		end = headerSize - 1
	}
	line := bytes.TrimRight(buf[2:max(end, 2)], blanks)
	line = bytes.TrimLeft(line, blanks)
	if len(line) == 0 {
		return script{}, linux.ENOEXEC
	}
	sep := bytes.IndexAny(line, blanks+"\x00")
	if sep < 0 {
		return script{interp: string(line)}, 0
	}
	s := script{interp: string(line[:sep])}
	if line[sep] != 0 {
		arg, _, _ := bytes.Cut(bytes.TrimLeft(line[sep:], blanks), []byte{0})
		s.arg, s.hasArg = string(arg), true
	}
	return s, 0
}

// blanks separate the interpreter from its argument.
const blanks = " \t"

// Executable is the file that is run in the end.
type Executable[F Reader] struct {
	File F
	// Name is what AT_EXECFN says and /proc/PID/comm is made of: the name given to execve.
	Name string
	// Path is the name of File: Name, or of the last interpreter.
	Path   string
	Argv   []string
	header []byte
}

// Resolve follows interpreter scripts: starting with file, named path in the call, it opens
// interpreters with open until it finds a file that is no script. Files it is done with are
// given to put. On failure it has put all of them.
func Resolve[F Reader](file F, path string, argv []string, open func(path string) (F, linux.Errno), put func(F)) (Executable[F], linux.Errno) {
	if len(argv) == 0 {
		argv = []string{""} // since Linux 5.18
	}
	e := Executable[F]{File: file, Name: path, Path: path, Argv: argv}
	for depth := 0; ; depth++ {
		header := make([]byte, headerSize)
		n, errno := e.File.ReadAt(header, 0)
		if errno == 0 && depth > maxScripts {
			errno = linux.ELOOP
		}
		if errno != 0 {
			put(e.File)
			return Executable[F]{}, errno
		}
		e.header = header[:n]
		if !bytes.HasPrefix(e.header, []byte("#!")) {
			return e, 0
		}
		s, errno := parseScript(e.header)
		put(e.File)
		if errno != 0 {
			return Executable[F]{}, errno
		}
		args := []string{s.interp}
		if s.hasArg {
			args = append(args, s.arg)
		}
		args = append(args, e.Path)
		e.Argv = append(args, e.Argv[1:]...)
		if e.File, errno = open(cmp.Or(s.interp, ".")); errno != 0 { // "" is the working directory: EACCES
			return Executable[F]{}, errno
		}
		e.Path = s.interp
	}
}
