package ptrace

import "encoding/binary"

// Where the stub page is and what is in it. The lowest page that an unprivileged process may
// map, so that applications miss nothing but that.
const (
	stubPage = 0x10000
	pageSize = 4096
	minAddr  = framesTop
	maxAddr  = 1<<47 - pageSize

	entrySyscall = stubPage      // SYSCALL, INT3
	entryClone   = stubPage + 16 // SYSCALL, a child to entryPause
	entryPause   = stubPage + 32
	entryBatch   = stubPage + 48 // calls from RBX up to RBP, INT3
	entryHandler = stubPage + 2  // INT3
	stubSize     = 96

	tableOff   = 256 // of the table of calls in the page
	callSize   = 56
	tableCalls = (ignoreOff - tableOff) / callSize
	ignoreOff  = pageSize - 96  // a struct sigaction: SIG_IGN
	handleOff  = ignoreOff + 32 // another: entryHandler
	emptyOff   = ignoreOff + 64 // an empty signal set
)

// call is a host call that changes an address space, or is noted to be made: its number and
// arguments, which for all of them begin with an address and a length.
type call struct {
	nr   uintptr
	args [6]uintptr
}

// put writes calls into the table of a stub page.
func putCalls(page []byte, calls []call) {
	b := page[tableOff:]
	for _, c := range calls {
		binary.LittleEndian.PutUint64(b, uint64(c.nr))
		for i, a := range c.args {
			binary.LittleEndian.PutUint64(b[8+8*i:], uint64(a))
		}
		b = b[callSize:]
	}
}

// initPage writes the code and what else is always the same.
func initPage(page []byte) {
	copy(page, code())
	const (
		ignore = 1                            // SIG_IGN
		flags  = 0x4 | 0x4000000 | 0x40000000 // SA_SIGINFO, SA_RESTORER, SA_NODEFER
	)
	le := binary.LittleEndian
	le.PutUint64(page[ignoreOff:], ignore)
	le.PutUint64(page[handleOff:], entryHandler)
	le.PutUint64(page[handleOff+8:], flags)
	le.PutUint64(page[handleOff+16:], entryHandler)
}

// stubCode and its neighbours are in stub_amd64.s.
func stubCode()
func stubCodeAddr() *byte
func forkMaster(flags uintptr) (pid uintptr)
