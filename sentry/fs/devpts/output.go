package devpts

// The line discipline's way out: what the slave writes, and the echo, become what the master reads.

const (
	// maxOutput is how much can wait for the master; readAhead of it a flush does not reach, since
	// it is on the master's side already.
	maxOutput = 16 << 10
	readAhead = bufSize - 1
	// widest is how much room a character can need: a tab's.
	widest = 8
	// maxEcho is how much echo can wait; what is older is lost.
	maxEcho = 4096
)

// output is what is on its way to the master. Guarded by pty.mu.
type output struct {
	t        *termios
	out      []byte
	echo     []echoed // waits for room, or for the terminal to be started
	col      int      // of the cursor
	startCol int      // where the line being typed began
	stopped  bool     // by VSTOP or TCOOFF
	held     bool     // by TCOOFF: only TCOON starts it

	packet bool // the master is told of what happens (TIOCPKT)
	status byte // what it is to be told
}

// echoed is one step of echoing.
type echoed struct {
	op echoOp
	c  byte
}

type echoOp byte

const (
	echoChar     echoOp = iota // show c
	echoControl                // show c as ^X
	echoStart                  // a line begins here
	echoBack                   // the last character took no column
	echoTab                    // go back over a tab that c columns lie behind the tab before
	echoTabStart               // or behind the line's beginning
)

func (o *output) tell(clear, set byte) {
	if o.packet {
		o.status = o.status&^clear | set
	}
}

func (o *output) stop() {
	if !o.stopped {
		o.stopped = true
		o.tell(pktStart, pktStop)
	}
}

// start ends a stop, unless the program made it.
func (o *output) start() {
	if o.stopped && !o.held {
		o.stopped = false
		o.tell(pktStop, pktStart)
	}
}

// space is how much the slave can write.
func (o *output) space() int {
	if o.stopped {
		return 0
	}
	return max(maxOutput-len(o.out), 0)
}

// flush drops what has not reached the master's side.
func (o *output) flush() {
	o.out = o.out[:min(len(o.out), readAhead)]
	o.tell(0, pktFlushWrite)
}

func (o *output) flushEcho() { o.echo = nil }

func (o *output) queue(op echoOp, c byte) {
	if len(o.echo) >= maxEcho {
		o.echo = o.echo[1:]
	}
	o.echo = append(o.echo, echoed{op, c})
}

// show echoes c as it is.
func (o *output) show(c byte) { o.queue(echoChar, c) }

// showChar echoes c, with ECHOCTL a control character as ^X (echo_char).
func (o *output) showChar(c byte) {
	if o.t.lflag&lECHOCTL != 0 && control(c) && c != '\t' {
		o.queue(echoControl, c)
		return
	}
	o.queue(echoChar, c)
}

// drain does the echo there is room for.
func (o *output) drain() {
	for len(o.echo) > 0 && o.space() >= widest {
		e := o.echo[0]
		o.echo = o.echo[1:]
		switch e.op {
		case echoChar:
			o.write(e.c)
		case echoControl:
			o.out = append(o.out, '^', e.c^0x40)
			o.col += 2
		case echoStart:
			o.startCol = o.col
		case echoBack:
			o.col = max(o.col-1, 0)
		case echoTab, echoTabStart:
			n := int(e.c)
			if e.op == echoTabStart {
				n += o.startCol
			}
			for range 8 - n&7 {
				o.out = append(o.out, '\b')
				o.col = max(o.col-1, 0)
			}
		}
	}
}

// writeAll is what a write of the slave does: it returns how much there was room for.
func (o *output) writeAll(b []byte) int {
	o.drain()
	if o.t.oflag&oOPOST == 0 {
		n := min(len(b), o.space())
		o.out = append(o.out, b[:n]...)
		return n
	}
	for i, c := range b {
		if o.space() < widest {
			return i
		}
		o.write(c)
	}
	return len(b)
}

// write is output processing of one character (do_output_char). There is room for eight.
func (o *output) write(c byte) {
	flags := o.t.oflag
	if flags&oOPOST == 0 {
		o.out = append(o.out, c)
		return
	}
	switch c {
	case '\n':
		if flags&oONLRET != 0 {
			o.col = 0
		}
		if flags&oONLCR != 0 {
			o.col = 0
			o.out = append(o.out, '\r')
		}
		o.startCol = o.col
	case '\r':
		if flags&oONOCR != 0 && o.col == 0 {
			return
		}
		if flags&oOCRNL != 0 {
			c = '\n'
		}
		if flags&oOCRNL == 0 || flags&oONLRET != 0 {
			o.col, o.startCol = 0, 0
		}
	case '\t':
		n := 8 - o.col&7
		o.col += n
		if flags&oXTABS == oXTABS {
			o.out = append(o.out, "        "[:n]...)
			return
		}
	case '\b':
		o.col = max(o.col-1, 0)
	default:
		if !control(c) {
			if flags&oOLCUC != 0 && c >= 'a' && c <= 'z' {
				c -= 'a' - 'A'
			}
			if o.t.iflag&iIUTF8 == 0 || c&0xc0 != 0x80 {
				o.col++
			}
		}
	}
	o.out = append(o.out, c)
}
