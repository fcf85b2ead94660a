package devpts

import (
	"strings"
	"testing"

	"github.com/seed-7423c386/runsc/abi/linux"
)

func newLine(change func(*termios)) *line {
	p := newPty(nil, 0)
	if change != nil {
		change(&p.l.t)
	}
	return &p.l
}

// reads takes everything in reads of size bytes.
func reads(l *line, size int) string {
	var all []string
	for l.readable(false) {
		b := make([]byte, size)
		all = append(all, string(b[:l.take(b)]))
	}
	return strings.Join(all, "|")
}

func TestLine(t *testing.T) {
	for name, c := range map[string]struct {
		change    func(*termios)
		in        string
		got, echo string
	}{
		"line":            {nil, "ab\rc", "ab\n", "ab\r\nc"},
		"two lines":       {nil, "a\nb\n", "a\n|b\n", "a\r\nb\r\n"},
		"erase":           {nil, "ab\x7fc\n", "ac\n", "ab\b \bc\r\n"},
		"erase nothing":   {nil, "\x7f\n", "\n", "\r\n"},
		"erase control":   {nil, "\x01\x7f\n", "\n", "^A\b \b\b \b\r\n"},
		"erase tab":       {nil, "abc\t\x7f\n", "abc\n", "abc\t\b\b\b\b\b\r\n"},
		"erase two tabs":  {nil, "a\tb\t\x7f\n", "a\tb\n", "a\tb\t\b\b\b\b\b\b\b\r\n"},
		"erase word":      {nil, "one two  \x17x\n", "one x\n", "one two  " + strings.Repeat("\b \b", 5) + "x\r\n"},
		"kill":            {nil, "abc\x15d\n", "d\n", "abc" + strings.Repeat("\b \b", 3) + "d\r\n"},
		"kill no ECHOKE":  {func(t *termios) { t.lflag &^= lECHOKE }, "abc\x15d\n", "d\n", "abc^U\r\nd\r\n"},
		"ECHOPRT":         {func(t *termios) { t.lflag |= lECHOPRT }, "abc\x7f\x7fx\n", "ax\n", "abc\\cb/x\r\n"},
		"no ECHOE":        {func(t *termios) { t.lflag &^= lECHOE }, "ab\x7f\n", "a\n", "ab^?\r\n"},
		"literal":         {nil, "\x16\x03\x16\x7f\n", "\x03\x7f\n", "^\b^C^\b^?\r\n"},
		"reprint":         {nil, "ab\x12\n", "ab\n", "ab^R\r\nab\r\n"},
		"end of file":     {nil, "ab\x04\x04c\n", "ab||c\n", "abc\r\n"},
		"other ends":      {func(t *termios) { t.cc[vEOL], t.cc[vEOL2] = ';', ':' }, "a;b:c\n", "a;|b:|c\n", "a;b:c\r\n"},
		"UTF-8":           {func(t *termios) { t.iflag |= iIUTF8 }, "aé\x7f\n", "a\n", "aé\b \b\r\n"},
		"no echo":         {func(t *termios) { t.lflag &^= lECHO }, "ab\x7f\n", "a\n", ""},
		"ECHONL":          {func(t *termios) { t.lflag = t.lflag&^lECHO | lECHONL }, "ab\n", "ab\n", "\r\n"},
		"stopped":         {nil, "\x13ab\x11\n", "ab\n", "ab\r\n"},
		"flush on signal": {nil, "ab\x03c\n", "c\n", "^Cc\r\n"},
		"NOFLSH":          {func(t *termios) { t.lflag |= lNOFLSH }, "ab\x03c\n", "abc\n", "ab^Cc\r\n"},
		"strip, upper":    {func(t *termios) { t.iflag |= iISTRIP | iIUCLC }, "\xc1B\n", "ab\n", "ab\r\n"},
	} {
		l := newLine(c.change)
		if n, _ := l.receive([]byte(c.in)); n != len(c.in) {
			t.Errorf("%s: takes %d", name, n)
		}
		if got := reads(l, 100); got != c.got {
			t.Errorf("%s: reads %q, not %q", name, got, c.got)
		}
		if echo := string(l.out); echo != c.echo {
			t.Errorf("%s: echoes %q, not %q", name, echo, c.echo)
		}
	}
}

func TestShortReads(t *testing.T) {
	l := newLine(nil)
	l.receive([]byte("abc\x04defg\n"))
	if n := l.count(); n != 8 {
		t.Error("FIONREAD:", n)
	}
	if got := reads(l, 3); got != "abc|def|g\n" { // the end of a line just read is not the end of the file
		t.Errorf("%q", got)
	}
}

func TestTooLong(t *testing.T) {
	l := newLine(nil)
	n, _ := l.receive([]byte(strings.Repeat("x", 5000) + "y"))
	if n != 5001 || len(l.in) != bufSize || byte(l.in[bufSize-1]) != 'y' {
		t.Error(n, len(l.in))
	}
	if n, _ := l.receive([]byte("\nz")); n != 1 || l.canon != bufSize || len(l.in) != bufSize {
		t.Error(n, l.canon, len(l.in))
	}
	if got := reads(l, 8192); len(got) != bufSize || got[bufSize-1] != '\n' {
		t.Error(len(got))
	}
	l = newLine(func(t *termios) { t.lflag &^= lICANON | lECHO })
	if n, _ := l.receive([]byte(strings.Repeat("x", 5000))); n != bufSize-1 {
		t.Error("raw:", n)
	}
}

func TestSignals(t *testing.T) {
	l := newLine(nil)
	if _, s := l.receive([]byte("\x03\x1c\x1a")); len(s) != 3 || s[0] != linux.SIGINT || s[1] != linux.SIGQUIT || s[2] != linux.SIGTSTP {
		t.Error(s)
	}
}

func TestOutput(t *testing.T) {
	for name, c := range map[string]struct {
		flags   uint32
		in, out string
	}{
		"ONLCR":  {oOPOST | oONLCR, "a\nb", "a\r\nb"},
		"XTABS":  {oOPOST | oXTABS, "ab\tc\t\rd\t", "ab      c       \rd       "},
		"OCRNL":  {oOPOST | oOCRNL, "a\rb", "a\nb"},
		"ONOCR":  {oOPOST | oONOCR, "\ra\r\rb", "a\rb"},
		"OLCUC":  {oOPOST | oOLCUC, "aB1", "AB1"},
		"ONLRET": {oOPOST | oONLRET | oXTABS, "abc\nd\t", "abc\nd       "},
		"raw":    {oONLCR, "a\n", "a\n"},
	} {
		l := newLine(func(t *termios) { t.oflag = c.flags })
		if n := l.writeAll([]byte(c.in)); n != len(c.in) || string(l.out) != c.out {
			t.Errorf("%s: %q, not %q", name, l.out, c.out)
		}
	}
	l := newLine(nil)
	if n := l.writeAll(make([]byte, 100000)); n != len(l.out) || n > maxOutput {
		t.Error(n, len(l.out))
	}
	l.receive([]byte(strings.Repeat("x", 100))) // its echo waits
	if len(l.echo) < 100 {
		t.Error(len(l.echo))
	}
	l.out = nil
	l.drain()
	if string(l.out) != strings.Repeat("x", 100) {
		t.Errorf("%q", l.out)
	}
}
