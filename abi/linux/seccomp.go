package linux

// Structs of seccomp_unotify(2) (include/uapi/linux/seccomp.h).

// SeccompNotif is struct seccomp_notif, with its struct seccomp_data laid open.
type SeccompNotif struct {
	ID    uint64
	PID   uint32
	Flags uint32
	Nr    int32
	Arch  uint32
	IP    uint64
	Args  [6]uint64
}

// SeccompNotifResp is struct seccomp_notif_resp.
type SeccompNotifResp struct {
	ID    uint64
	Val   int64
	Error int32
	Flags uint32
}

// SeccompNotifAddfd is struct seccomp_notif_addfd.
type SeccompNotifAddfd struct {
	ID         uint64
	Flags      uint32
	Srcfd      uint32
	Newfd      uint32
	NewfdFlags uint32
}

func (SeccompNotif) fixed()      {}
func (SeccompNotifResp) fixed()  {}
func (SeccompNotifAddfd) fixed() {}
