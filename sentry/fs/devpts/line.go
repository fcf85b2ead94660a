package devpts

// The line discipline's way in (drivers/tty/n_tty.c): what the master writes becomes what the slave
// reads, with editing, echo and signals.

const (
	// bufSize is how much unread input there is at most (N_TTY_BUF_SIZE).
	bufSize = 4096
	// eolBit marks a cell that ends a line. A zero that does stands for VEOF and is not read.
	eolBit = 1 << 8
	eof    = eolBit
)

// line is the state of the discipline. Guarded by pty.mu.
type line struct {
	t termios

	in      []uint16 // unread input: a character and eolBit
	canon   int      // how many of in belong to finished lines
	lnext   bool     // VLNEXT: the next character is taken as it is
	erasing bool     // ECHOPRT: between \ and /

	output
}

func (l *line) canonical() bool { return l.t.lflag&(lICANON|lEXTPROC) == lICANON }

// readable tells whether a read would get something; for poll(2), whether it would get all of VMIN.
func (l *line) readable(poll bool) bool {
	if l.canonical() {
		return l.canon > 0
	}
	need := 1
	if poll && l.t.cc[vTIME] == 0 && l.t.cc[vMIN] > 1 {
		need = int(l.t.cc[vMIN])
	}
	return len(l.in) >= need
}

// count is what FIONREAD says.
func (l *line) count() int {
	if !l.canonical() {
		return len(l.in)
	}
	n := l.canon
	for _, c := range l.in[:l.canon] {
		if c == eof {
			n--
		}
	}
	return n
}

// take moves input to b: of a line that is finished, or in raw mode what is there.
func (l *line) take(b []byte) int {
	n, whole := min(len(b), len(l.in)), false
	if l.canonical() {
		n = min(len(b), l.canon)
		for i, c := range l.in[:n] {
			if c&eolBit != 0 {
				n, whole = i+1, true
				break
			}
		}
	}
	got := 0
	for _, c := range l.in[:n] {
		if c != eof || !l.canonical() {
			b[got] = byte(c)
			got++
		}
	}
	if l.canonical() && !whole && n < l.canon && l.in[n] == eof {
		n++ // the read ends just where the line does
	}
	l.in = l.in[n:]
	l.canon = max(l.canon-n, 0)
	return got
}

// flushInput drops all input.
func (l *line) flushInput() {
	l.in, l.canon, l.erasing = nil, 0, false
	l.tell(0, pktFlushRead)
}

// set changes the settings (n_tty_set_termios, pty_set_termios).
func (l *line) set(t termios) {
	old := l.t
	l.t = t
	if flow := t.usesFlow(); flow != old.usesFlow() {
		if flow {
			l.tell(pktNoStop, pktDoStop)
		} else {
			l.tell(pktDoStop, pktNoStop)
		}
	}
	if (old.lflag|t.lflag)&lEXTPROC != 0 {
		l.tell(0, pktIoctl)
	}
	if (old.lflag^t.lflag)&(lICANON|lEXTPROC) != 0 {
		for i := range l.in {
			l.in[i] &^= eolBit
		}
		l.canon = 0
		if n := len(l.in); t.lflag&lICANON != 0 && n > 0 {
			l.in[n-1] |= eolBit
			l.canon = n
		}
		l.erasing, l.lnext = false, false
	}
	if t.iflag&iIXON == 0 && old.iflag&iIXON != 0 {
		l.start()
	}
}

// room is how many characters can be received; with overflow set a line has become too long and
// each more replaces the last.
func (l *line) room() (n int, overflow bool) {
	n = bufSize - len(l.in)
	if l.t.iflag&iPARMRK != 0 {
		n = (n + 2) / 3
	}
	n--
	if n > 0 {
		return n, false
	}
	if l.t.lflag&lICANON == 0 || l.canon > 0 {
		return 0, false
	}
	return 1, n < 0
}

// receive takes what can be taken of b and returns how much, and the signals it means.
func (l *line) receive(b []byte) (n int, signals []int) {
	for n < len(b) {
		room, overflow := l.room()
		if room == 0 {
			break
		}
		if overflow {
			l.in = l.in[:len(l.in)-1]
		}
		for _, c := range b[n:min(n+room, len(b))] {
			if s := l.char(c); s != 0 {
				signals = append(signals, s)
			}
			n++
		}
	}
	l.drain()
	return n, signals
}

func (l *line) has(flag uint32) bool     { return l.t.lflag&flag == flag }
func (l *line) is(c byte, i int) bool    { return c != 0 && c == l.t.cc[i] }
func (l *line) put(c byte)               { l.in = append(l.in, uint16(c)) }
func (l *line) isExt(c byte, i int) bool { return l.has(lIEXTEN) && l.is(c, i) }

// char takes one character. It returns the signal that the character means.
func (l *line) char(c byte) int {
	t := &l.t
	if t.iflag&iISTRIP != 0 {
		c &= 0x7f
	}
	if t.iflag&iIUCLC != 0 && l.has(lIEXTEN) && c >= 'A' && c <= 'Z' {
		c += 'a' - 'A'
	}
	if l.lnext {
		l.lnext = false
		l.ordinary(c)
		return 0
	}
	if l.has(lEXTPROC) {
		l.put(c)
		return 0
	}
	if t.iflag&iIXON != 0 {
		switch {
		case l.is(c, vSTART):
			l.start()
			return 0
		case l.is(c, vSTOP):
			l.stop()
			return 0
		}
	}
	if l.has(lISIG) {
		for _, s := range signalOf {
			if l.is(c, s.cc) {
				l.signalled(c)
				return s.signal
			}
		}
	}
	if t.iflag&(iIXON|iIXANY) == iIXON|iIXANY {
		l.start()
	}
	switch {
	case c == '\r' && t.iflag&iIGNCR != 0:
		return 0
	case c == '\r' && t.iflag&iICRNL != 0:
		l.newline()
		return 0
	case c == '\n' && t.iflag&iINLCR != 0:
		c = '\r'
		if l.has(lICANON) && l.edit(c) {
			return 0
		}
	case l.has(lICANON) && l.edit(c):
		return 0
	}
	l.ordinary(c)
	return 0
}

// newline takes what ICRNL has made of a carriage return: other than a line feed that was typed
// it is echoed as itself in raw mode, too.
func (l *line) newline() {
	if l.has(lICANON) && l.edit('\n') {
		return
	}
	if l.has(lECHO) {
		l.finishErasing()
		l.show('\n')
	}
	l.put('\n')
}

// signalled is what a signal character does beside the signal (n_tty_receive_signal_char).
func (l *line) signalled(c byte) {
	if !l.has(lNOFLSH) {
		l.flushEcho()
		l.flush()
		l.flushInput()
	}
	if l.t.iflag&iIXON != 0 {
		l.start()
	}
	if l.has(lECHO) {
		l.showChar(c)
	}
}

// edit handles editing and line ends: true if c is done with (n_tty_receive_char_canon).
func (l *line) edit(c byte) bool {
	switch {
	case l.is(c, vERASE), l.is(c, vKILL), l.isExt(c, vWERASE):
		l.erase(c)
	case l.isExt(c, vLNEXT):
		l.lnext = true
		if l.has(lECHO) {
			l.finishErasing()
			if l.has(lECHOCTL) {
				l.show('^')
				l.show('\b')
			}
		}
	case l.isExt(c, vREPRINT) && l.has(lECHO):
		l.finishErasing()
		l.showChar(c)
		l.show('\n')
		for _, x := range l.in[l.canon:] {
			l.showChar(byte(x))
		}
	case c == '\n':
		if l.t.lflag&(lECHO|lECHONL) != 0 {
			l.show('\n')
		}
		l.finish(eolBit | '\n')
	case l.is(c, vEOF):
		l.finish(eof)
	case l.is(c, vEOL), l.isExt(c, vEOL2):
		if l.has(lECHO) {
			l.startColumn()
			l.showChar(c)
		}
		l.finish(eolBit | uint16(c))
	default:
		return false
	}
	return true
}

// finish hands the line that was typed to the reader.
func (l *line) finish(end uint16) {
	l.in = append(l.in, end)
	l.canon = len(l.in)
}

// ordinary takes c as it is.
func (l *line) ordinary(c byte) {
	if l.has(lECHO) {
		l.finishErasing()
		l.startColumn()
		l.showChar(c)
	}
	if c == 0xff && l.t.iflag&iPARMRK != 0 {
		l.put(c)
	}
	l.put(c)
}

// startColumn notes where the first character of a line is shown, for erasing tabs.
func (l *line) startColumn() {
	if len(l.in) == l.canon {
		l.queue(echoStart, 0)
	}
}

func (l *line) continued(c byte) bool { return l.t.iflag&iIUTF8 != 0 && c&0xc0 == 0x80 }

// erase takes back a character, a word or the line, and from the screen (eraser).
func (l *line) erase(c byte) {
	if len(l.in) == l.canon {
		return
	}
	one, word := l.is(c, vERASE), !l.is(c, vERASE) && l.is(c, vWERASE)
	if !one && !word {
		if !l.has(lECHO) {
			l.in = l.in[:l.canon]
			return
		}
		if !l.has(lECHOK | lECHOKE | lECHOE) {
			l.in = l.in[:l.canon]
			l.finishErasing()
			l.showChar(l.t.cc[vKILL])
			if l.has(lECHOK) {
				l.show('\n')
			}
			return
		}
	}
	seen := false
	for len(l.in) > l.canon {
		head := len(l.in) - 1
		for l.continued(byte(l.in[head])) && head > l.canon {
			head--
		}
		c := byte(l.in[head])
		if l.continued(c) {
			break // not a part of a character
		}
		if word {
			if alnum(c) || c == '_' {
				seen = true
			} else if seen {
				break
			}
		}
		gone := l.in[head:]
		l.in = l.in[:head]
		if l.has(lECHO) {
			l.unshow(gone, one)
		}
		if one {
			break
		}
	}
	if len(l.in) == l.canon && l.has(lECHO) {
		l.finishErasing()
	}
}

// unshow takes the character gone from the screen, or shows that it is gone.
func (l *line) unshow(gone []uint16, one bool) {
	c := byte(gone[0])
	switch {
	case l.has(lECHOPRT):
		if !l.erasing {
			l.show('\\')
			l.erasing = true
		}
		l.showChar(c)
		for _, x := range gone[1:] {
			l.show(byte(x))
			l.queue(echoBack, 0)
		}
	case one && !l.has(lECHOE):
		l.showChar(l.t.cc[vERASE])
	case c == '\t':
		l.unshowTab()
	default:
		n := 1
		if control(c) {
			n = 0
			if l.has(lECHOCTL) {
				n = 2
			}
		}
		for range n {
			l.show('\b')
			l.show(' ')
			l.show('\b')
		}
	}
}

// unshowTab goes back to where the tab began: that depends on what stands between it and the last
// tab, or the beginning of the line.
func (l *line) unshowTab() {
	n, op := 0, echoTabStart
	for i := len(l.in) - 1; i >= l.canon; i-- {
		c := byte(l.in[i])
		switch {
		case c == '\t':
			op = echoTab
		case control(c):
			if l.has(lECHOCTL) {
				n += 2
			}
		case !l.continued(c):
			n++
		}
		if op == echoTab {
			break
		}
	}
	l.queue(op, byte(n&7))
}

func (l *line) finishErasing() {
	if l.erasing {
		l.show('/')
		l.erasing = false
	}
}

func control(c byte) bool { return c < 0x20 || c == 0x7f }

// alnum is isalnum of the kernel, which speaks Latin-1.
func alnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= 0xc0 && c != 0xd7 && c != 0xf7
}
