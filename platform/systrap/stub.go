package systrap

// In stub_amd64.s; what is of the service thread, in service_amd64.s.

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

// threadBase is the address of the calling thread's local storage.
func threadBase() uint64
