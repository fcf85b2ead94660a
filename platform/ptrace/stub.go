package ptrace

// Where the stub page is and what is in it. The lowest page that an unprivileged process may
// map, so that applications miss nothing but that.
const (
	stubPage = 0x10000
	pageSize = 4096
	minAddr  = stubPage + pageSize
	maxAddr  = 1<<47 - pageSize

	entrySyscall = stubPage      // SYSCALL, INT3
	entryClone   = stubPage + 16 // SYSCALL, a child to entryPause
	entryPause   = stubPage + 32
	stubSize     = 42
)

// stubCode and its neighbours are in stub_amd64.s.
func stubCode()
func stubCodeAddr() *byte
func forkMaster(flags uintptr) (pid uintptr)
