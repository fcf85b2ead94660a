package linux

// System V IPC (include/uapi/linux/ipc.h, sem.h, msg.h, shm.h).
const (
	IPC_PRIVATE = 0
	IPC_CREAT   = 0o1000
	IPC_EXCL    = 0o2000
	IPC_NOWAIT  = 0o4000

	IPC_RMID = 0
	IPC_SET  = 1
	IPC_STAT = 2
	IPC_INFO = 3
	IPC_64   = 0x100

	SEM_UNDO     = 0x1000
	GETPID       = 11
	GETVAL       = 12
	GETALL       = 13
	GETNCNT      = 14
	GETZCNT      = 15
	SETVAL       = 16
	SETALL       = 17
	SEM_STAT     = 18
	SEM_INFO     = 19
	SEM_STAT_ANY = 20

	MSG_NOERROR  = 0o10000
	MSG_EXCEPT   = 0o20000
	MSG_COPY     = 0o40000
	MSG_STAT     = 11
	MSG_INFO     = 12
	MSG_STAT_ANY = 13

	SHM_R         = 0o400
	SHM_W         = 0o200
	SHM_RDONLY    = 0o10000
	SHM_RND       = 0o20000
	SHM_REMAP     = 0o40000
	SHM_EXEC      = 0o100000
	SHM_HUGETLB   = 0o4000
	SHM_NORESERVE = 0o10000
	SHM_DEST      = 0o1000
	SHM_LOCKED    = 0o2000
	SHM_LOCK      = 11
	SHM_UNLOCK    = 12
	SHM_STAT      = 13
	SHM_INFO      = 14
	SHM_STAT_ANY  = 15
	SHMLBA        = 4096
)

// Default limits of an IPC namespace (ipc/sem.c, msg.c, shm.c).
const (
	SEMMNI = 32000
	SEMMSL = 32000
	SEMMNS = SEMMNI * SEMMSL
	SEMOPM = 500
	SEMVMX = 32767
	SEMAEM = SEMVMX

	MSGMNI = 32000
	MSGMAX = 8192
	MSGMNB = 16384

	SHMMIN = 1
	SHMMNI = 4096
	SHMMAX = ^uint64(0) - 1<<24
	SHMALL = ^uint64(0) - 1<<24
)

// Sembuf is struct sembuf.
type Sembuf struct {
	Num uint16
	Op  int16
	Flg int16
}

func (Sembuf) fixed() {}

// IPCPerm is struct ipc64_perm.
type IPCPerm struct {
	Key  int32
	UID  uint32
	GID  uint32
	CUID uint32
	CGID uint32
	Mode uint32
	Seq  uint16
	_    uint16
	_    uint32
	_    [2]uint64
}

func (IPCPerm) fixed() {}

// SemidDS is struct semid64_ds.
type SemidDS struct {
	Perm  IPCPerm
	Otime int64
	_     uint64
	Ctime int64
	_     uint64
	Nsems uint64
	_     [2]uint64
}

func (SemidDS) fixed() {}

// Seminfo is struct seminfo.
type Seminfo struct {
	Map, Mni, Mns, Mnu, Msl, Opm, Ume, Usz, Vmx, Aem int32
}

func (Seminfo) fixed() {}

// MsqidDS is struct msqid64_ds.
type MsqidDS struct {
	Perm   IPCPerm
	Stime  int64
	Rtime  int64
	Ctime  int64
	Cbytes uint64
	Qnum   uint64
	Qbytes uint64
	Lspid  int32
	Lrpid  int32
	_      [2]uint64
}

func (MsqidDS) fixed() {}

// Msginfo is struct msginfo.
type Msginfo struct {
	Pool, Map, Max, Mnb, Mni, Ssz, Tql int32
	Seg                                uint16
	_                                  uint16
}

func (Msginfo) fixed() {}

// ShmidDS is struct shmid64_ds.
type ShmidDS struct {
	Perm   IPCPerm
	Segsz  uint64
	Atime  int64
	Dtime  int64
	Ctime  int64
	Cpid   int32
	Lpid   int32
	Nattch uint64
	_      [2]uint64
}

func (ShmidDS) fixed() {}

// ShmInfo is struct shm_info.
type ShmInfo struct {
	UsedIDs       int32
	_             uint32
	Tot           uint64
	RSS           uint64
	Swp           uint64
	SwapAttempts  uint64
	SwapSuccesses uint64
}

func (ShmInfo) fixed() {}

// Shminfo is struct shminfo64.
type Shminfo struct {
	Max, Min, Mni, Seg, All uint64
	_                       [4]uint64
}

func (Shminfo) fixed() {}
