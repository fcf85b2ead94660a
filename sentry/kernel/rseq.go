package kernel

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// Restartable sequences (rseq(2), kernel/rseq.c). The area's cpu_id is brought up to date, and a
// critical section abandoned, whenever the thread was interrupted, got a signal or was asked to
// look at its work: every time another thread could have run in between as far as we know.

type rseq struct {
	area usermem.Addr // 0: not registered
	size uint32
	sig  uint32
}

const (
	rseqUnregister = 1
	rseqOrigSize   = 32
)

// offsets in struct rseq.
const (
	rseqCPUStart = 0
	rseqCPUID    = 4
	rseqCS       = 8
	rseqFlags    = 16
	rseqNode     = 20
	rseqMMCID    = 24
)

// Rseq is rseq(2).
func (t *Task) Rseq(area usermem.Addr, size, flags, sig uint32) linux.Errno {
	r := &t.rseq
	if flags&rseqUnregister != 0 {
		switch {
		case flags&^rseqUnregister != 0, r.area == 0, r.area != area, r.size != size:
			return linux.EINVAL
		case r.sig != sig:
			return linux.EPERM
		}
		if errno := t.writeRseq(0, ^uint32(0)); errno != 0 {
			return errno
		}
		*r = rseq{}
		return 0
	}
	switch {
	case flags != 0:
		return linux.EINVAL
	case r.area != 0:
		if r.area != area || r.size != size {
			return linux.EINVAL
		}
		if r.sig != sig {
			return linux.EPERM
		}
		return linux.EBUSY
	case size < rseqOrigSize || area&31 != 0:
		return linux.EINVAL
	}
	*r = rseq{area, size, sig}
	cpu := t.CPUNumber()
	if errno := t.writeRseq(cpu, cpu); errno != 0 {
		*r = rseq{}
		return linux.EFAULT
	}
	return 0
}

// CPUNumber is the processor that getcpu(2) names: the first the thread may run on. The host
// moves threads as it likes, so no number would be truer.
func (t *Task) CPUNumber() uint32 {
	m := t.Affinity()
	for i := range len(m) * 8 {
		if m[i/8]&(1<<(i%8)) != 0 {
			return uint32(i)
		}
	}
	return 0
}

func (t *Task) writeRseq(start, id uint32) linux.Errno {
	s, a := t.Space(), t.rseq.area
	for _, w := range []struct {
		at usermem.Addr
		v  uint32
	}{{rseqCPUStart, start}, {rseqCPUID, id}, {rseqNode, 0}, {rseqMMCID, 0}} {
		if errno := usermem.CopyOutInt(s, a+w.at, w.v); errno != 0 {
			return errno
		}
	}
	return 0
}

// rseqPreempt leaves a critical section the thread was interrupted in: it goes on at the abort
// handler. A malformed one is fatal (rseq_ip_fixup).
func (t *Task) rseqPreempt() {
	if t.rseq.area == 0 {
		return
	}
	s := t.Space()
	cs, errno := usermem.CopyInInt[uint64](s, t.rseq.area+rseqCS)
	if errno != 0 {
		t.ForceSignal(linux.SIGSEGV, linux.SI_KERNEL)
		return
	}
	if cs == 0 {
		return
	}
	var d [4]uint64 // version and flags, start, length, abort
	if errno := usermem.CopyInIntsTo(s, usermem.Addr(cs), d[:]); errno != 0 {
		t.ForceSignal(linux.SIGSEGV, linux.SI_KERNEL)
		return
	}
	ip := t.run.regs.Rip
	if ip-d[1] >= d[2] { // not in it any more
		usermem.CopyOutInt(s, t.rseq.area+rseqCS, uint64(0))
		return
	}
	sig, errno := usermem.CopyInInt[uint32](s, usermem.Addr(d[3]-4))
	if errno != 0 || sig != t.rseq.sig || d[3]-d[1] < d[2] || uint32(d[0]) != 0 {
		t.ForceSignal(linux.SIGSEGV, linux.SI_KERNEL)
		return
	}
	usermem.CopyOutInt(s, t.rseq.area+rseqCS, uint64(0))
	t.run.regs.Rip = d[3]
}
