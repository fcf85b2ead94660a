package devpts

// The line discipline (drivers/tty/n_tty.c): what the master writes becomes what the slave reads,
// with echo, editing and signals; what the slave writes becomes what the master reads.

// Flags of struct termios (include/uapi/asm-generic/termbits.h).
const (
	iIGNBRK  = 0x1
	iISTRIP  = 0x20
	iINLCR   = 0x40
	iIGNCR   = 0x80
	iICRNL   = 0x100
	iIUCLC   = 0x200
	iIXON    = 0x400
	iIXANY   = 0x800
	iIXOFF   = 0x1000
	iIMAXBEL = 0x2000
	iIUTF8   = 0x4000

	oOPOST  = 0x1
	oOLCUC  = 0x2
	oONLCR  = 0x4
	oOCRNL  = 0x8
	oONOCR  = 0x10
	oONLRET = 0x20
	oTABDLY = 0x1800

	lISIG    = 0x1
	lICANON  = 0x2
	lECHO    = 0x8
	lECHOE   = 0x10
	lECHOK   = 0x20
	lECHONL  = 0x40
	lNOFLSH  = 0x80
	lTOSTOP  = 0x100
	lECHOCTL = 0x200
	lECHOPRT = 0x400
	lECHOKE  = 0x800
	lIEXTEN  = 0x8000

	vINTR    = 0
	vQUIT    = 1
	vERASE   = 2
	vKILL    = 3
	vEOF     = 4
	vTIME    = 5
	vMIN     = 6
	vSTART   = 8
	vSTOP    = 9
	vSUSP    = 10
	vEOL     = 11
	vREPRINT = 12
	vWERASE  = 14
	vLNEXT   = 15
	vEOL2    = 16
)

// termios is struct termios of the kernel.
type termios struct {
	iflag, oflag, cflag, lflag uint32
	line                       byte
	cc                         [19]byte
	ispeed, ospeed             uint32
}

// defaults are tty_std_termios.
func defaults() termios {
	return termios{
		iflag: iICRNL | iIXON, oflag: oOPOST | oONLCR, cflag: 0xbf, lflag: lISIG | lICANON | lECHO | lECHOE | lECHOK | lECHOCTL | lECHOKE | lIEXTEN,
		cc:     [19]byte{vINTR: 3, vQUIT: 28, vERASE: 127, vKILL: 21, vEOF: 4, vMIN: 1, vSTART: 17, vSTOP: 19, vSUSP: 26, vREPRINT: 18, 13: 15, vWERASE: 23, vLNEXT: 22},
		ispeed: 38400, ospeed: 38400,
	}
}

// maxInput is how much unread input there may be (N_TTY_BUF_SIZE), and what waits for the master.
const (
	maxInput  = 4095
	maxOutput = 64 << 10
)

// line is the state of the discipline. Guarded by pty.mu.
type line struct {
	t termios
	// in is what the slave can read. Of canonical input only up to a line's end: ends holds the
	// lengths of the lines, eof says that a line was ended by VEOF, which is not read.
	in      []byte
	ends    []lineEnd
	edit    []byte // the line that is being typed
	next    bool   // VLNEXT: the next character is taken as it is
	out     []byte // what the master can read
	col     int
	stopped bool // VSTOP
}

type lineEnd struct {
	n   int
	eof bool
}

// readable is how many bytes the slave could read, and whether it is a whole line or the end.
func (l *line) readable() bool {
	if l.t.lflag&lICANON != 0 {
		return len(l.ends) > 0
	}
	need := int(l.t.cc[vMIN])
	if l.t.cc[vTIME] != 0 || need == 0 {
		need = 1
	}
	return len(l.in) >= min(need, 1) && len(l.in) > 0
}

// take removes what a read of at most n bytes gets.
func (l *line) take(n int) []byte {
	if len(l.ends) > 0 {
		e := &l.ends[0]
		k := min(n, e.n)
		b := l.in[:k:k]
		l.in = l.in[k:]
		if e.n -= k; e.n == 0 {
			l.ends = l.ends[1:]
		}
		return b
	}
	k := min(n, len(l.in))
	b := l.in[:k:k]
	l.in = l.in[k:]
	return b
}

// recook makes input that was read in one mode fit the other when that is changed.
func (l *line) recook() {
	if l.t.lflag&lICANON == 0 {
		l.in = append(l.in, l.edit...)
		l.edit, l.ends = nil, nil
	} else if len(l.ends) == 0 && len(l.in) > 0 {
		l.ends = append(l.ends, lineEnd{n: len(l.in)})
	}
}

// receive takes one character from the master. It returns the signal that the character means.
func (l *line) receive(c byte) (signal byte) {
	t := &l.t
	if t.iflag&iISTRIP != 0 {
		c &= 0x7f
	}
	if l.next {
		l.next = false
		l.accept(c)
		return 0
	}
	if t.iflag&iIXON != 0 {
		switch {
		case c == t.cc[vSTART] && c != 0:
			l.stopped = false
			return 0
		case c == t.cc[vSTOP] && c != 0:
			l.stopped = true
			return 0
		case l.stopped && t.iflag&iIXANY != 0:
			l.stopped = false
		}
	}
	if t.lflag&lISIG != 0 && c != 0 {
		for _, s := range [...]struct{ cc, signal byte }{{t.cc[vINTR], 2}, {t.cc[vQUIT], 3}, {t.cc[vSUSP], 20}} {
			if c == s.cc {
				l.signalled(c)
				return s.signal
			}
		}
	}
	switch c {
	case '\r':
		if t.iflag&iIGNCR != 0 {
			return 0
		}
		if t.iflag&iICRNL != 0 {
			c = '\n'
		}
	case '\n':
		if t.iflag&iINLCR != 0 {
			c = '\r'
		}
	}
	if t.lflag&lICANON != 0 && l.canonical(c) {
		return 0
	}
	l.accept(c)
	return 0
}

// signalled is what a signal character does beside the signal.
func (l *line) signalled(c byte) {
	if l.t.lflag&lNOFLSH == 0 {
		l.in, l.ends, l.edit, l.out = nil, nil, nil, nil
	}
	if l.t.lflag&lECHO != 0 {
		l.echo(c)
	}
}

// canonical handles editing and line ends: true if c is done with.
func (l *line) canonical(c byte) bool {
	t := &l.t
	is := func(i int) bool { return c == t.cc[i] && c != 0 }
	ext := t.lflag&lIEXTEN != 0
	switch {
	case is(vERASE):
		l.erase()
		return true
	case is(vKILL):
		for len(l.edit) > 0 {
			l.erase()
		}
		if t.lflag&lECHO != 0 && t.lflag&lECHOK != 0 && t.lflag&lECHOKE == 0 {
			l.echo('\n')
		}
		return true
	case ext && is(vWERASE):
		for len(l.edit) > 0 && !word(l.edit[len(l.edit)-1]) {
			l.erase()
		}
		for len(l.edit) > 0 && word(l.edit[len(l.edit)-1]) {
			l.erase()
		}
		return true
	case ext && is(vLNEXT):
		l.next = true
		if t.lflag&lECHO != 0 && t.lflag&lECHOCTL != 0 {
			l.process([]byte("^\b"))
		}
		return true
	case ext && is(vREPRINT) && t.lflag&lECHO != 0:
		l.echo(c)
		l.process([]byte("\n"))
		for _, x := range l.edit {
			l.echo(x)
		}
		return true
	case c == '\n':
		if t.lflag&(lECHO|lECHONL) != 0 {
			l.process([]byte("\n"))
		}
		l.finish([]byte{'\n'}, false)
		return true
	case is(vEOF):
		l.finish(nil, true)
		return true
	case is(vEOL), ext && is(vEOL2):
		if t.lflag&lECHO != 0 {
			l.echo(c)
		}
		l.finish([]byte{c}, false)
		return true
	}
	return false
}

func word(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= 0x80
}

// finish hands the line that was typed to the reader.
func (l *line) finish(end []byte, eof bool) {
	n := len(l.edit) + len(end)
	l.in = append(append(l.in, l.edit...), end...)
	l.ends = append(l.ends, lineEnd{n: n, eof: eof})
	l.edit = nil
}

// erase takes the last character back, and from the screen.
func (l *line) erase() {
	if len(l.edit) == 0 {
		return
	}
	c := l.edit[len(l.edit)-1]
	l.edit = l.edit[:len(l.edit)-1]
	if l.t.iflag&iIUTF8 != 0 {
		for c&0xc0 == 0x80 && len(l.edit) > 0 {
			c = l.edit[len(l.edit)-1]
			l.edit = l.edit[:len(l.edit)-1]
		}
	}
	if l.t.lflag&lECHO == 0 {
		return
	}
	if l.t.lflag&lECHOE == 0 {
		l.echo(l.t.cc[vERASE])
		return
	}
	n := 1
	if c < 0x20 && c != '\t' && l.t.lflag&lECHOCTL != 0 || c == 0x7f {
		n = 2
	}
	for range n {
		l.process([]byte("\b \b"))
	}
}

// accept takes c as it is.
func (l *line) accept(c byte) {
	if l.t.lflag&lECHO != 0 {
		l.echo(c)
	}
	if l.t.lflag&lICANON != 0 {
		if len(l.in)+len(l.edit) < maxInput {
			l.edit = append(l.edit, c)
		}
	} else if len(l.in) < maxInput {
		l.in = append(l.in, c)
	}
}

// echo shows a character, a control character as ^X.
func (l *line) echo(c byte) {
	if l.t.lflag&lECHOCTL != 0 && (c < 0x20 && c != '\t' && c != '\n' || c == 0x7f) {
		l.process([]byte{'^', c ^ 0x40})
		return
	}
	l.process([]byte{c})
}

// process is output processing: b goes to the master.
func (l *line) process(b []byte) {
	if l.t.oflag&oOPOST == 0 {
		l.out = append(l.out, b...)
		return
	}
	for _, c := range b {
		switch c {
		case '\n':
			if l.t.oflag&oONLCR != 0 {
				l.out = append(l.out, '\r')
				l.col = 0
			}
			if l.t.oflag&oONLRET != 0 {
				l.col = 0
			}
		case '\r':
			if l.t.oflag&oONOCR != 0 && l.col == 0 {
				continue
			}
			if l.t.oflag&oOCRNL != 0 {
				c = '\n'
			} else {
				l.col = 0
			}
		case '\t':
			n := 8 - l.col%8
			l.col += n
			if l.t.oflag&oTABDLY == oTABDLY {
				for range n {
					l.out = append(l.out, ' ')
				}
				continue
			}
		case '\b':
			l.col = max(l.col-1, 0)
		default:
			if l.t.oflag&oOLCUC != 0 && c >= 'a' && c <= 'z' {
				c -= 'a' - 'A'
			}
			if c >= 0x20 && c&0xc0 != 0x80 {
				l.col++
			}
		}
		l.out = append(l.out, c)
	}
}
