package kvm

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform/arch"
)

// vcpu is a virtual processor. A context keeps the one it ran on, which has its extended state, as
// long as nobody else needs one: to load another one's takes as long as a call. To run a vCPU on another thread than before
// takes a grace period of RCU before Linux 6.13 (virt/kvm/kvm_main.c, kvm_vcpu_ioctl), where a new one is made instead.
type vcpu struct {
	fd    int
	id    int
	run   *runArea
	home  home
	facts answers // in the home's entry
	user  sregs   // of an application that has just begun
	tid   atomic.Int32
	// called: it stands where SYSCALL has brought it, and nothing has been changed since.
	called   bool
	slot     *slot // that runs it; nil: the thread of its context does
	debugged bool  // it has break points
	p        *Platform
	// wanted counts those who wait for it though its owner runs.
	wanted atomic.Int32
	turn   *time.Timer // ends the turn of its owner, if it is wanted

	mu    sync.Mutex              // held while it runs, and by who looks at its state
	owner atomic.Pointer[context] // whose state it has; nil: nobody's. Changed with mu held
}

// Model-specific registers.
const (
	msrSTAR   = 0xc0000081
	msrLSTAR  = 0xc0000082
	msrCSTAR  = 0xc0000083
	msrFMASK  = 0xc0000084
	msrTSCAux = 0xc0000103
)

// maskedFlags are those that SYSCALL clears: AC, NT, IOPL, DF, IF, TF, as on Linux.
const maskedFlags = 0x47700

// newVCPU makes number id, of a slot or nil.
func (p *Platform) newVCPU(id int, l *slot) (*vcpu, error) {
	fd, e := ioctl(p.vm, createVCPU, uintptr(id))
	if e != 0 {
		return nil, fmt.Errorf("making a vCPU: %w", e)
	}
	v := &vcpu{p: p, fd: fd, id: id, slot: l}
	v.turn = time.AfterFunc(time.Hour, v.endTurn)
	v.turn.Stop()
	if err := v.init(p); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return v, nil
}

func (v *vcpu) init(p *Platform) error {
	var err error
	if v.home, err = p.system.newHome(v.id); err != nil {
		return err
	}
	var e unix.Errno
	if v.run, e = mapRun(v.fd, p.pool.runSize); e != 0 {
		return fmt.Errorf("the shared registers: %w", e)
	}
	if _, e = ioctlOn(v.fd, setCPUID2, p.pool.cpuid); e != 0 {
		return fmt.Errorf("the features of a vCPU: %w", e)
	}
	if _, e = ioctlOn(v.fd, setXCRs, &xcrs{count: 1, value: arch.XFeatures}); e != 0 {
		return fmt.Errorf("the extended state %#x: %w", arch.XFeatures, e)
	}
	if _, e = ioctlOn(v.fd, getSregs, &v.user); e != 0 {
		return fmt.Errorf("reading system registers: %w", e)
	}
	v.fillSregs()
	at := p.callAt(v.id)
	if v.slot != nil && p.outside {
		at = slotAt(v.slot.id)
	}
	if err := v.setMSRs(msrSTAR, 0x0023<<48|kernelCS<<32, msrLSTAR, at, msrCSTAR, at, msrFMASK, maskedFlags); err != nil {
		return err
	}
	v.setMSRs(msrTSCAux, 0) // which not every processor has
	if e := setTSCOffset(v.fd, 0); e != 0 {
		return fmt.Errorf("the time-stamp counter: %w", e)
	}
	v.run.validRegs = syncRegs | syncSregs | syncEvents
	return nil
}

// fillSregs makes the system registers those of a 64-bit application on our tables.
func (v *vcpu) fillSregs() {
	s := &v.user
	s.cs = segment{limit: ^uint32(0), selector: userCS, typ: 0xb, present: 1, dpl: 3, s: 1, l: 1, g: 1}
	s.ss = dataSegment(userDS)
	s.ds, s.es, s.fs, s.gs = dataSegment(0), dataSegment(0), dataSegment(0), dataSegment(0)
	s.tr = segment{base: stackAt(v.id), limit: tssLimit, selector: taskTR, typ: 0xb, present: 1}
	s.ldt = segment{typ: 2, unusable: 1}
	s.gdt = dtable{base: gdtAt, limit: gdtLimit}
	s.idt = dtable{base: idtAt, limit: pageSize - 1}
	const (
		pe, mp, et, ne, wp, am, pg = 1 << 0, 1 << 1, 1 << 4, 1 << 5, 1 << 16, 1 << 18, 1 << 31
		pae, pge, osfxsr, osxmm    = 1 << 5, 1 << 7, 1 << 9, 1 << 10
		fsgsbase, osxsave          = 1 << 16, 1 << 18
		sce, lme, lma, nxe         = 1 << 0, 1 << 8, 1 << 10, 1 << 11
	)
	s.cr0, s.cr2 = pe|mp|et|ne|wp|am|pg, 0
	s.cr4 = pae | pge | osfxsr | osxmm
	if _, b, _, _ := arch.CPUID(7, 0); b&1 != 0 {
		s.cr4 |= fsgsbase
	}
	if arch.XFeatures&^(arch.FeatureX87|arch.FeatureSSE) != 0 {
		s.cr4 |= osxsave
	}
	s.efer = sce | lme | lma | nxe
}

// dataSegment is a data segment of an application.
func dataSegment(selector uint16) segment {
	return segment{limit: ^uint32(0), selector: selector, typ: 3, present: 1, dpl: 3, db: 1, s: 1, g: 1}
}

// setMSRs sets registers, each given by number and value.
func (v *vcpu) setMSRs(pairs ...uint64) error {
	var m msrs
	for i := 0; i < len(pairs); i += 2 {
		m.entries[i/2].index, m.entries[i/2].data = uint32(pairs[i]), pairs[i+1]
		m.count++
	}
	if n, e := ioctlOn(v.fd, setMSRs, &m); e != 0 || n != int(m.count) {
		return fmt.Errorf("setting %d model-specific registers: %d set, errno %d", m.count, n, e)
	}
	return nil
}

// load makes the registers those of an application in the address space with that root.
func (v *vcpu) load(root uint64, r *arch.Registers) {
	r.Sanitize()
	v.run.regs = regs{rax: r.Rax, rbx: r.Rbx, rcx: r.Rcx, rdx: r.Rdx, rsi: r.Rsi, rdi: r.Rdi, rsp: r.Rsp, rbp: r.Rbp,
		r8: r.R8, r9: r.R9, r10: r.R10, r11: r.R11, r12: r.R12, r13: r.R13, r14: r.R14, r15: r.R15, rip: r.Rip, rflags: r.Eflags}
	v.run.dirtyRegs = syncRegs
	if v.called && v.has(root, r) && v.back(r) {
		return
	}
	s := &v.run.sregs
	*s = v.user
	s.cr3 = root
	if r.Ds|r.Es|r.Fs|r.Gs != 0 {
		s.ds, s.es, s.fs, s.gs = dataSegment(known(r.Ds)), dataSegment(known(r.Es)), dataSegment(known(r.Fs)), dataSegment(known(r.Gs))
	}
	s.fs.base, s.gs.base = r.FsBase, r.GsBase
	v.run.dirtyRegs = syncRegs | syncSregs
}

// has tells whether the system registers, as KVM_RUN left them, are those of an application with registers r already, but
// for the privilege.
func (v *vcpu) has(root uint64, r *arch.Registers) bool {
	s := &v.run.sregs
	return s.cr3 == root && s.fs.base == r.FsBase && s.gs.base == r.GsBase && r.Ds|r.Es|r.Fs|r.Gs == 0 &&
		s.ds.selector|s.es.selector|s.fs.selector|s.gs.selector == 0
}

// back has it go on behind the call that it made, without a change of system registers, which take the host longer than
// all others: where SYSCALL has not left ring 3 there is nothing to it, and ring 0 returns by SYSRET if that gives the
// application what it is to have (false if not).
func (v *vcpu) back(r *arch.Registers) bool {
	s := &v.run.sregs
	if s.cs.dpl == 3 {
		return s.cs == v.user.cs && s.ss == v.user.ss
	}
	if r.Rcx != r.Rip || r.Rip >= maxAddr || r.R11 != r.Eflags || r.Eflags&(arch.FlagTF|arch.FlagRF) != 0 {
		return false
	}
	v.run.regs.rip, v.run.regs.rflags = returnAt(v.id), 1<<1
	return true
}

// returning tells whether it is to execute SYSRET as back said, and has not.
func (v *vcpu) returning() bool {
	return v.run.sregs.cs.dpl == 0 && v.run.regs.rip == returnAt(v.id)
}

// known is a selector of our table, or 0.
func known(selector uint64) uint16 {
	if selector == userDS {
		return userDS
	}
	return 0
}

// store reads the registers as KVM_RUN left them. Where the application is depends on how it left.
func (v *vcpu) store(r *arch.Registers) {
	k := &v.run.regs
	r.Rax, r.Rbx, r.Rcx, r.Rdx, r.Rsi, r.Rdi, r.Rbp = k.rax, k.rbx, k.rcx, k.rdx, k.rsi, k.rdi, k.rbp
	r.R8, r.R9, r.R10, r.R11, r.R12, r.R13, r.R14, r.R15 = k.r8, k.r9, k.r10, k.r11, k.r12, k.r13, k.r14, k.r15
	s := &v.run.sregs
	r.FsBase, r.GsBase = s.fs.base, s.gs.base
	r.Ds, r.Es, r.Fs, r.Gs = uint64(s.ds.selector), uint64(s.es.selector), uint64(s.fs.selector), uint64(s.gs.selector)
	r.Cs, r.Ss = arch.UserCs, arch.UserDs
	r.Rip, r.Eflags, r.Rsp = k.rip, k.rflags, k.rsp
	r.OrigRax = ^uint64(0)
}

// between tells whether the vCPU stands in application code and has nothing to deliver, so that its
// registers are all there is.
func (v *vcpu) between() bool {
	e := &v.run.events
	return v.run.sregs.cs.dpl == 3 && v.run.regs.rip != entryAt(v.id) && v.run.regs.rip != doorAt && e.exceptionInjected|e.exceptionPending == 0
}

// pool is the vCPUs.
type pool struct {
	p       *Platform
	cpuid   *cpuidTable
	runSize int
	most    int
	moves   bool // a vCPU's thread may change without much ado

	mu   sync.Mutex
	made int // with those of slots, which are not in the pool
	all  []*vcpu
	free map[int32][]*vcpu // by the thread that ran them last
	hand int
}

// vCPUs are made while there are threads without, up to this many: each takes some memory of the host.
const maxVCPUs = 1000

func (l *pool) init(p *Platform, dev *Device) {
	l.p, l.free = p, map[int32][]*vcpu{}
	l.cpuid, l.runSize, l.most = dev.cpuid, dev.runSize, min(max(dev.most, 1), maxVCPUs)
	l.moves = kernelAtLeast(6, 13)
}

// take returns a vCPU for c, which runs on thread tid, with its mu held: one that nobody has, a new one, or
// another's.
func (l *pool) take(c *context, tid int32) (*vcpu, error) {
	for {
		v, ours, err := l.find(tid)
		if err != nil {
			return nil, err
		}
		if !ours && !v.mu.TryLock() {
			if v.wanted.Add(1) == 1 {
				v.turn.Reset(turnTime)
			}
			v.mu.Lock()
			v.wanted.Add(-1)
		}
		if ours || v.owner.Load() != nil {
			v.change(c)
			return v, nil
		}
		v.mu.Unlock() // nobody has it any more: it is to be found like others
	}
}

// turnTime is how long a context may run while others want its vCPU. To change it takes a tenth of a millisecond, so that
// nobody would get anywhere if it was much less.
const turnTime = time.Millisecond

// endTurn has the owner that runs give the vCPU away, if somebody wants it.
func (v *vcpu) endTurn() {
	if v.wanted.Load() != 0 {
		v.interrupt()
	}
}

// find returns a vCPU that nobody has, with its mu held, or else one of somebody's (ours is false).
func (l *pool) find(tid int32) (v *vcpu, ours bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	v = l.unused(tid)
	if l.moves && v == nil {
		v = l.anyUnused()
	}
	if v == nil && len(l.all) < l.most {
		n, err := l.makeLocked(nil)
		switch {
		case err == nil:
			v = n
			l.all = append(l.all, n)
		case len(l.all) == 0:
			return nil, false, err
		default:
			l.most = len(l.all)
		}
	}
	if v == nil {
		v = l.anyUnused()
	}
	if v != nil {
		v.mu.Lock()
		return v, true, nil
	}
	l.hand = (l.hand + 1) % len(l.all)
	return l.all[l.hand], false, nil
}

// makeLocked makes another one.
func (l *pool) makeLocked(s *slot) (*vcpu, error) {
	v, err := l.p.newVCPU(l.made, s)
	if err == nil {
		l.made++
	}
	return v, err
}

// unused returns one that ran on thread tid and belongs to nobody. mu is held.
func (l *pool) unused(tid int32) (v *vcpu) {
	f := l.free[tid]
	if len(f) == 0 {
		return nil
	}
	if v, l.free[tid] = f[len(f)-1], f[:len(f)-1]; len(f) == 1 {
		delete(l.free, tid)
	}
	return v
}

// anyUnused returns one that ran on any thread and belongs to nobody. mu is held.
func (l *pool) anyUnused() *vcpu {
	for tid := range l.free {
		return l.unused(tid)
	}
	return nil
}

// change gives the vCPU to another context, and its owner the state that it has. mu is held.
func (v *vcpu) change(c *context) {
	if o := v.owner.Load(); o != nil {
		o.saveFPU(v)
	}
	v.owner.Store(c)
}

// put takes back the vCPU of a context that ends; nothing is saved.
func (l *pool) put(v *vcpu, c *context) {
	for !v.mu.TryLock() {
		if v.owner.Load() != c {
			return
		}
		runtime.Gosched() // somebody is about to take it
	}
	defer v.mu.Unlock()
	if v.owner.Load() != c {
		return
	}
	if v.slot != nil {
		v.leave()
		return
	}
	v.owner.Store(nil)
	l.giveUp(v)
}

// giveUp takes one back that is nobody's. Its mu is held.
func (l *pool) giveUp(v *vcpu) {
	l.mu.Lock()
	defer l.mu.Unlock()
	tid := v.tid.Load()
	l.free[tid] = append(l.free[tid], v)
}

// interrupt ends the KVM_RUN that goes on, or the next one.
func (v *vcpu) interrupt() {
	v.run.kick.Store(kickNow)
	unix.Tgkill(unix.Getpid(), int(v.tid.Load()), kickSignal)
}

// kickSignal is one of the Go runtime's own, which does nothing when it did not send it.
const kickSignal = unix.SIGURG
