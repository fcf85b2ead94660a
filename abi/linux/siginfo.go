package linux

import "encoding/binary"

// The members of siginfo's union, by the offset of each within Fields
// (include/uapi/asm-generic/siginfo.h).

var le = binary.LittleEndian

// PID and UID: kill, SIGCHLD, rt_sigqueueinfo.
func (s *Siginfo) PID() int32        { return int32(le.Uint32(s.Fields[0:])) }
func (s *Siginfo) UID() uint32       { return le.Uint32(s.Fields[4:]) }
func (s *Siginfo) SetPID(v int32)    { le.PutUint32(s.Fields[0:], uint32(v)) }
func (s *Siginfo) SetUID(v uint32)   { le.PutUint32(s.Fields[4:], v) }
func (s *Siginfo) Status() int32     { return int32(le.Uint32(s.Fields[8:])) }
func (s *Siginfo) Value() uint64     { return le.Uint64(s.Fields[8:]) }
func (s *Siginfo) SetValue(v uint64) { le.PutUint64(s.Fields[8:], v) }

// SetChild fills what SIGCHLD and waitid(2) say beside PID and UID; times are clock ticks.
func (s *Siginfo) SetChild(status int32, utime, stime int64) {
	le.PutUint32(s.Fields[8:], uint32(status))
	le.PutUint64(s.Fields[16:], uint64(utime))
	le.PutUint64(s.Fields[24:], uint64(stime))
}

// Utime and Stime are of SIGCHLD.
func (s *Siginfo) Utime() int64 { return int64(le.Uint64(s.Fields[16:])) }
func (s *Siginfo) Stime() int64 { return int64(le.Uint64(s.Fields[24:])) }

// Timer and Overrun are of SI_TIMER.
func (s *Siginfo) Timer() int32   { return int32(le.Uint32(s.Fields[0:])) }
func (s *Siginfo) Overrun() int32 { return int32(le.Uint32(s.Fields[4:])) }
func (s *Siginfo) SetTimer(id, over int32) {
	le.PutUint32(s.Fields[0:], uint32(id))
	le.PutUint32(s.Fields[4:], uint32(over))
}

// Addr is of faults.
func (s *Siginfo) Addr() uint64     { return le.Uint64(s.Fields[0:]) }
func (s *Siginfo) SetAddr(v uint64) { le.PutUint64(s.Fields[0:], v) }

// SetPoll fills SIGIO's band and descriptor.
func (s *Siginfo) SetPoll(band int64, fd int32) {
	le.PutUint64(s.Fields[0:], uint64(band))
	le.PutUint32(s.Fields[8:], uint32(fd))
}

// Band and FD are of SIGIO.
func (s *Siginfo) Band() int64 { return int64(le.Uint64(s.Fields[0:])) }
func (s *Siginfo) FD() int32   { return int32(le.Uint32(s.Fields[8:])) }

// SetSyscall fills what SIGSYS says.
func (s *Siginfo) SetSyscall(ip uint64, nr int32, arch uint32) {
	le.PutUint64(s.Fields[0:], ip)
	le.PutUint32(s.Fields[8:], uint32(nr))
	le.PutUint32(s.Fields[12:], arch)
}

// Syscall is SIGSYS's call address, number and architecture.
func (s *Siginfo) Syscall() (ip uint64, nr int32, arch uint32) {
	return le.Uint64(s.Fields[0:]), int32(le.Uint32(s.Fields[8:])), le.Uint32(s.Fields[12:])
}
