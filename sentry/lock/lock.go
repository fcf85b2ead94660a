// Package lock has the locks under which others are taken, each with its rank: a goroutine takes
// them in the order of the list below and never the other way round, so they cannot deadlock. A
// lock that is a plain sync.Mutex is a leaf: under it none of these is taken.
//
// In a normal build the types are sync.Mutex and sync.RWMutex. With the build tag lockranks
// every taking is checked, and panics when it is out of order: go test -tags lockranks, and
// make stress RACE=1 runs a sentry built so.
package lock

// Order is the list of ranks, outermost first. Each is the type argument of the locks that have it.
var Order = []any{
	Renames{}, Position{}, ProcFile{}, EpollTree{}, Epoll{},
	SocketBind{}, Directory{}, Content{}, Pipe{}, Special{}, Inotify{}, Mounts{}, Names{}, Dentry{},
	SocketRead{}, SocketCycles{}, Socket{}, NetlinkRead{}, NetlinkPorts{}, Netlink{},
	Load{}, Futex{}, Alarms{}, IPC{}, MessageSet{}, SemaphoreSet{},
	Memory{}, GoferFile{}, Xattrs{}, Attributes{}, Segment{}, Object{}, Arena{},
	MessageQueues{}, MessageQueue{},
	Tasks{}, Group{}, Sighand{}, Timerfd{}, FileLocks{}, Freezer{},
	Queue{}, EpollReady{},
	Chunk{}, Pool{}, File{},
}

// Package vfs and its file systems.
type (
	EpollTree    struct{} // which epoll files contain which
	Epoll        struct{} // what one epoll file watches; nests along the tree
	EpollReady   struct{} // its list of what is ready, filled by wake-ups
	Renames      struct{} // one rename of directories at a time in a file system; nests from an overlay to its layer
	Names        struct{} // names and parents of dentries
	Dentry       struct{} // a dentry's children; nests in renames
	Mounts       struct{} // the tree of mounts
	Position     struct{} // of an open file; nests from an overlay to its layers
	FileLocks    struct{} // the locks that applications have on a file
	Content      struct{} // one writer of a file at a time; nests from an overlay to its layer
	Directory    struct{} // a directory's entries; nests from ancestor to descendant, from an overlay to its layers
	Attributes   struct{} // an inode's
	Special      struct{} // what a fifo or a socket in the file system stands for
	Xattrs       struct{} // of an inode of tmpfs
	Inotify      struct{} // an instance's watches and events
	ProcFile     struct{} // the text of an open file of /proc
	GoferFile    struct{} // descriptors of a file that the gofer handed over
	Pipe         struct{} // a pipe; application memory is touched under it
	MessageQueue struct{} // a POSIX message queue
	// MessageQueues are all of a namespace.
	MessageQueues struct{}
)

// Packages socket and below.
type (
	SocketBind   struct{} // one bind at a time
	SocketRead   struct{} // one receiver at a time; application memory is touched under it
	SocketCycles struct{} // the search for sockets that are only in flight to themselves
	Socket       struct{} // a socket's state; nests for a pair
	NetlinkRead  struct{} // as SocketRead
	NetlinkPorts struct{} // who has which port
	Netlink      struct{} // a netlink socket's state
)

// Package kernel and ipc.
type (
	Load         struct{} // the load average
	Futex        struct{} // a bucket of waiters; nests for a requeue
	Alarms       struct{} // functions of timers run under it, one at a time
	Timerfd      struct{}
	IPC          struct{} // a namespace's table of System V objects
	MessageSet   struct{} // msgget(2)
	SemaphoreSet struct{} // semget(2)
	Segment      struct{} // shmget(2)
	Tasks        struct{} // the tree of tasks, groups, sessions, ids
	Group        struct{} // a process's signals, stops, timers
	Sighand      struct{} // its actions
	Freezer      struct{} // which tasks stand still for a pause
)

// Memory, and packages pages and wait.
type (
	Memory struct{} // an address space: also whenever application memory is touched; nests in fork
	Object struct{} // the pages of a file or of shared memory
	Arena  struct{} // where objects allocate
	Chunk  struct{} // of the memory file
	Pool   struct{} // a container's chunks
	File   struct{} // the memory file
	Queue  struct{} // a wait queue; nests from a file's to that of an epoll file that watches it
)

// nesting is implemented by ranks of which one goroutine may hold several locks, in an order
// that their users see to.
type nesting interface{ nests() }

func (Epoll) nests()     {}
func (Position) nests()  {}
func (Renames) nests()   {}
func (Content) nests()   {}
func (Dentry) nests()    {}
func (Directory) nests() {}
func (Socket) nests()    {}
func (Futex) nests()     {}
func (Memory) nests()    {}
func (Queue) nests()     {}
