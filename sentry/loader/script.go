package loader

import (
	"bytes"

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
// bytes or all of it. ENOEXEC for a line that names no interpreter or may be cut off.
func parseScript(header []byte) (script, linux.Errno) {
	line := header[2:]
	if end := bytes.IndexByte(line, '\n'); end >= 0 {
		line = line[:end]
	} else if len(header) == headerSize {
		// No end in sight: the path must at least be followed by a blank, or it may be longer
		// than what we see.
		name := bytes.TrimLeft(line, " \t")
		if bytes.IndexAny(name, " \t\x00") < 0 {
			return script{}, linux.ENOEXEC
		}
	}
	if nul := bytes.IndexByte(line, 0); nul >= 0 {
		line = line[:nul]
	}
	line = bytes.Trim(line, " \t")
	if len(line) == 0 {
		return script{}, linux.ENOEXEC
	}
	name, rest, _ := bytes.Cut(line, []byte{' '})
	if tab := bytes.IndexByte(line, '\t'); tab >= 0 && tab < len(name) {
		name, rest = line[:tab], line[tab+1:]
	}
	rest = bytes.TrimLeft(rest, " \t")
	return script{interp: string(name), arg: string(rest), hasArg: len(rest) > 0}, 0
}

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
		if e.File, errno = open(s.interp); errno != 0 {
			return Executable[F]{}, errno
		}
		e.Path = s.interp
	}
}
