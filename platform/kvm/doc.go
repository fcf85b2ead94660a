// Package kvm runs application code in a virtual machine, one for a sandbox (linux,
// Documentation/virt/kvm/api.rst).
//
// # How it works
//
// The guest has no kernel. Its physical memory is parts of host files, as the kernel above maps
// them (memory.go); its page tables are made by the sentry, one set for each address space
// (space.go); and in the upper half of each, for ring 0 alone, lie the descriptor tables, a page
// of stack for each vCPU, and a page of HLT instructions (system.go). A system call, fault or exception
// enters ring 0 at one of those, and KVM_RUN returns: which HLT it was tells what happened, and the
// processor has pushed the rest on the vCPU's stack (decode.go). To go on, the sentry sets
// the registers to those of the application, in ring 3 (vcpu.go); behind a call ring 0 gets to a SYSRET instead if
// the system registers stay as they are. Only calls whose answer the kernel above
// has told, such as getpid(2), are answered by a few instructions of ring 0 (answer.go).
//
// A Context runs on the operating system thread of its goroutine, which stays locked to it, and
// keeps a vCPU as long as there are enough: the extended state then stays where it is.
// Interrupt sets immediate_exit and sends a signal; the Go runtime's own signals end KVM_RUN as
// well, and it is called again. If that finds an exception on its way to ring 0, it is
// delivered first: the state of a vCPU is read only where registers are all of it.
//
// CPUID in text of files that asks in known ways is not executed: a copy of the page jumps to the answer (asks.go).
//
// That costs two changes between the host's kernel and the guest, 1 to 2 µs on plain hosts, 26 to 33 µs where ring 0 is emulated. So
// a context whose calls come fast goes far, if a processor has nothing to do (far.go): it is run by another vCPU, with a thread of its own, and a stub (stub.go)
// hands calls over through memory, a block, to the context's own thread, which looks at it. Whoever has waited in vain for a while stops looking: the stub leaves the virtual
// machine, the context takes a vCPU of its own thread's again. When that pays, and what both sides need for it, is in package handoff. A call then costs
// 2 µs where ring 0 is emulated, of which SYSCALL is half. Faults and exceptions leave the virtual machine as ever.
//
// Some hosts offer a KVM that emulates ring 0 and runs ring 3 on the processor itself. There the
// SYSCALL instruction jumps to its entry without a change of the privilege. The entry is then a page that
// the host does not have, so that KVM_RUN fails (door.go), or else one of ring 0, whose page fault is an exception
// like others. Start tries which it is (try.go), and what else works.
//
// Processor time is that of the thread that runs the vCPU, the context's own or a runner, while application code may
// run (meter.go); a runner's looks at the block are in it.
//
// # What the application can reach
//
// Ring 0. All of 256 gates lead to HLT. SYSCALL leads to the entry page of the vCPU, which compares EAX with
// the numbers of some calls, and executes MOV of a constant and SYSRET, or HLT; another SYSRET is
// executed when the sentry says so, which it does where RCX is an address below maxAddr, since it would fail in ring 0 with others; 32-bit code, which there
// cannot be since the descriptor table has no segment for it, would get there too, and SYSENTER has no
// segment. No instruction of ring 0 accesses memory but that of the stub, which is the vCPU's block at a fixed address, in the page
// of its stack. It returns by SYSRET, with RCX and R11 as SYSCALL has left them. All gates switch to the vCPU's stack, so that the processor never pushes anything
// where the application's stack pointer points, not even when a break point is met between SYSCALL
// and the entry. Tables, stubs and stacks are supervisor pages; all but the stacks, which hold
// the task state segments too, are read-only even for ring 0. They hold nothing secret: what
// is pushed there are registers of applications.
//
// Where ring 0 is emulated, ring 3 may execute the one page to which SYSCALL jumps, but there is no memory behind it: no
// instruction is ever fetched. On other hosts it does not exist, and ring 3 may not access the page at LSTAR.
//
// The stub where ring 0 is emulated. It runs in ring 3, on pages that the application may execute and read, and while a context is far
// its calls go there. The block is one page for each address space and slot, which its applications can write at any time; no other address space has
// it. All that can be done with both the application could do without: whoever writes to a block lies about
// registers of its own process, as whoever jumps into the stub does about his own; each is read once, and made what user mode may have
// before it is used. The state word may have any value: the sentry takes it for a reason to look, stops the vCPU (a signal ends KVM_RUN, whatever
// application code does), and believes the vCPU's registers then. A thread may pretend that another one has made a call, which then runs while
// the sentry believes that it waits, until the next Switch. So nothing relies on a stopped thread for safety: changes of page tables have translations dropped on vCPUs that run, and
// Release stops what runs in the address space (Platform.haltIn) before its frames are retired.
//
// CPUID. The page tables say copies of some pages of files' text, with jumps through words in the upper half to code there, which loads
// constants. Ring 3 may read the words and execute the code, and write neither them nor copies, whatever protection the page is given:
// their entries never say so. Others' copies are the same, as others' text is. What an application can do with that is jump to the
// code from elsewhere, and then to where the words that are its own say; an address space has no such words of another's. A file is patched if the
// descriptor cannot write to it, and each page when it is mapped is what was copied; a place is patched if it has a known form of a given
// leaf or of registers, so that no coincidence of data is. Whoever makes a file look like that changes what it does wherever it is run, which
// he could anyway. What an interrupt finds in that code is brought to its end before anybody sees the registers; so is what
// raises #UD in the middle of a jump. Tables of
// what is known are bounded, and a copy's place is never used again.
//
// Memory. An entry of a page table stands for a page that the kernel above mapped there by Map, which lies
// in a window of the file, and no other part of the arena is in any page table but the sentry's frames
// themselves, and the file of copies, which are in none that the application can write to. An access that the arena has no slot for cannot be made.
//
// The host. KVM sees registers that the application chose, made what user mode may have
// (arch.Sanitize), and instructions of ring 3. There is no device, no interrupt controller, no port and
// no model-specific register for ring 3 to reach: such instructions are exceptions in the guest.
// Where KVM emulates an instruction, it is one of ours.
//
// # Stale translations
//
// A vCPU, the host's shadow of our page tables, and its second stage all keep translations. Three
// rules make them harmless:
//
//   - Page tables change first. Then the pages that lost an access are taken out of the sentry's own page table
//     (madvise, MADV_DONTNEED: the file keeps them), of which KVM's are a cache: it drops every
//     translation to them, on every vCPU that runs too, before the call returns (the kernel's
//     mmu_notifier). Only then does Unmap, Map or Protect return, and only after that are pages given to
//     others. That does not rely on what KVM does when page tables change, which differs between hosts.
//   - An entry that was absent needs nothing: no processor keeps the absence, and a translation with
//     less access than the entry gives is looked up again after the fault.
//   - A frame that was a page table is not used again before everything is flushed (memory.flush: a memory
//     slot goes, for which KVM drops all that it has and makes every vCPU begin afresh). A vCPU loads
//     the root of its address space at each entry, and Release stops the one that may be far in it, so after
//     Release nothing of an address space is used, whatever is still kept.
//
// # Files that shrink
//
// Pages are entered when they are mapped, and KVM brings them in when they are touched. If the host
// has none, because the file was cut short, KVM_RUN fails and does not say where. Then all entries
// of the address space are made absent; the application faults where it did, and what the
// page lacks is found by asking for it (space.bring).
//
// # What it asks of the host
//
// On descriptors that the sealed sentry has: KVM_RUN, the registers, the state and the features of a
// vCPU, making one, and memory slots; sched_setaffinity(2) of the calling thread (Platform.Policy).
// /dev/kvm is opened, a virtual machine is made and the host asked what its vCPUs can do while the process
// isolates itself (device.go), and the rest of Start is done while it mounts file systems; the device is closed then. No process is made.
//
// # What is left out
//
// 32-bit code segments; protection keys (CR4.PKE); the processor's number in RDTSCP and RDPID, which is 0. On hosts that emulate ring 0:
// break points of the processor (Debugger), CPUID as the platform says if they leave the instruction to the processor.
//
// Where ring 0 is emulated each first touch of a page is a fault that the host sees, which takes as long as a call: KVM enters neighbours only
// of pages that the sentry could write to (virt/kvm/kvm_main.c, kvm_prefetch_pages), which text of files is not.
//
// Process-context identifiers: KVM drops a vCPU's translations whenever the sentry sets system registers (arch/x86/kvm/x86.c,
// __set_sregs), as it does to change the root, so that there would be nothing to keep them for; and a vCPU stays with one context. Where
// ring 0 is emulated CR4.PCIDE cannot be set.
//
// Huge pages in the guest's own page tables: they save a step of a walk only where the host backs a window by huge pages, which is off for
// memory files unless the administrator says so (transparent_hugepage/shmem_enabled), and time to fill tables, of which 64 MiB take 0.3 ms. To change
// a part of one, a present entry would have to become a table, which shadow page tables do not notice.
//
// The hand-over through memory for faults: the frame that the processor pushes would do, but what the sentry does about most of them
// is a change of page tables, which costs more.
package kvm
