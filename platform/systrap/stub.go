package systrap

// In stub_amd64.s.

// stubCode and its neighbours are the text page.
func stubCode()
func stubEnd()
func stubCodeAddr() (start, end uintptr)

// serviceCode is the page of the service thread.
func serviceCode()
func serviceEnd()
func serviceCodeAddr() (start, end uintptr)

// forkMaster makes the master process, a copy of the caller in which only its service thread
// runs.
func forkMaster(flags uintptr) (pid uintptr)

// watch looks at *p up to n times, until it is not old, and reports whether it was.
func watch(p *uint32, old, n uint32) bool

// counter is the processor's time stamp counter.
func counter() uint64

// threadBase is the address of the calling thread's local storage.
func threadBase() uint64

// processor is the number of the one that the caller runs on (the host keeps it in TSC_AUX).
func processor() int
