package linux

// Flags of fsopen(2), fsmount(2), fspick(2), open_tree(2) and move_mount(2) (linux/mount.h).
const (
	FSOPEN_CLOEXEC           = 0x1
	FSMOUNT_CLOEXEC          = 0x1
	FSPICK_CLOEXEC           = 0x1
	FSPICK_SYMLINK_NOFOLLOW  = 0x2
	FSPICK_NO_AUTOMOUNT      = 0x4
	FSPICK_EMPTY_PATH        = 0x8
	OPEN_TREE_CLONE          = 0x1
	OPEN_TREE_CLOEXEC        = O_CLOEXEC
	MOVE_MOUNT_F_SYMLINKS    = 0x1
	MOVE_MOUNT_F_AUTOMOUNTS  = 0x2
	MOVE_MOUNT_F_EMPTY_PATH  = 0x4
	MOVE_MOUNT_T_SYMLINKS    = 0x10
	MOVE_MOUNT_T_AUTOMOUNTS  = 0x20
	MOVE_MOUNT_T_EMPTY_PATH  = 0x40
	MOVE_MOUNT_SET_GROUP     = 0x100
	MOVE_MOUNT_BENEATH       = 0x200
	MOVE_MOUNT__MASK         = 0x377
	FSCONFIG_SET_FLAG        = 0
	FSCONFIG_SET_STRING      = 1
	FSCONFIG_SET_BINARY      = 2
	FSCONFIG_SET_PATH        = 3
	FSCONFIG_SET_PATH_EMPTY  = 4
	FSCONFIG_SET_FD          = 5
	FSCONFIG_CMD_CREATE      = 6
	FSCONFIG_CMD_RECONFIGURE = 7
	FSCONFIG_CMD_CREATE_EXCL = 8
)

// Attributes of a mount: fsmount(2), mount_setattr(2), statmount(2).
const (
	MOUNT_ATTR_RDONLY      = 0x1
	MOUNT_ATTR_NOSUID      = 0x2
	MOUNT_ATTR_NODEV       = 0x4
	MOUNT_ATTR_NOEXEC      = 0x8
	MOUNT_ATTR__ATIME      = 0x70
	MOUNT_ATTR_RELATIME    = 0x0
	MOUNT_ATTR_NOATIME     = 0x10
	MOUNT_ATTR_STRICTATIME = 0x20
	MOUNT_ATTR_NODIRATIME  = 0x80
	MOUNT_ATTR_IDMAP       = 0x100000
	MOUNT_ATTR_NOSYMFOLLOW = 0x200000
)

// MountAttr is struct mount_attr.
type MountAttr struct {
	Set, Clear  uint64
	Propagation uint64
	UsernsFD    uint64
}

// MntIDReq is struct mnt_id_req in its second version.
type MntIDReq struct {
	Size    uint32
	Spare   uint32
	MntID   uint64
	Param   uint64
	MntNSID uint64
}

// Statmount is struct statmount without the strings that follow it. Strings are named by offsets
// into these.
type Statmount struct {
	Size           uint32
	MntOpts        uint32
	Mask           uint64
	SbDevMajor     uint32
	SbDevMinor     uint32
	SbMagic        uint64
	SbFlags        uint32
	FsType         uint32
	MntID          uint64
	MntParentID    uint64
	MntIDOld       uint32
	MntParentIDOld uint32
	MntAttr        uint64
	MntPropagation uint64
	MntPeerGroup   uint64
	MntMaster      uint64
	PropagateFrom  uint64
	MntRoot        uint32
	MntPoint       uint32
	MntNSID        uint64
	FsSubtype      uint32
	SbSource       uint32
	OptNum         uint32
	OptArray       uint32
	OptSecNum      uint32
	OptSecArray    uint32
	_              [46]uint64
}

// What statmount(2) is asked for, and gives.
const (
	STATMOUNT_SB_BASIC       = 0x1
	STATMOUNT_MNT_BASIC      = 0x2
	STATMOUNT_PROPAGATE_FROM = 0x4
	STATMOUNT_MNT_ROOT       = 0x8
	STATMOUNT_MNT_POINT      = 0x10
	STATMOUNT_FS_TYPE        = 0x20
	STATMOUNT_MNT_NS_ID      = 0x40
	STATMOUNT_MNT_OPTS       = 0x80
	LSMT_ROOT                = ^uint64(0)
	LISTMOUNT_REVERSE        = 1
)

func (MountAttr) fixed() {}
func (MntIDReq) fixed()  {}
func (Statmount) fixed() {}
