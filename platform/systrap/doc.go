// Package systrap runs application code in stub processes whose system calls seccomp turns into
// signals, and hands them to the sentry through shared memory.
//
// # How it works
//
// A stub process is an address space: the application's mappings, and the stub's own pages below
// and above them (layout.go). Its first thread, the service thread, never runs application code:
// it makes the mapping calls that the sentry orders (process.go). Each Context has a thread of
// its own in the process, with a page shared with the sentry and a signal stack, together its
// area.
//
// A system call, fault or exception of the application is a signal. The handler (stub_amd64.s)
// notes what it was, changes the area's state word to stateTrap, and waits; the goroutine in
// Switch waits for that, reads the registers from the signal frame (decode.go), and in its time
// writes those to go on with and changes the word back (context.go). The handler does not return
// by rt_sigreturn(2), but loads the registers itself. Waiting is looking at the word on two
// processors, the stub from when calls of that number are mostly answered (areaQuiet), or sleeping in a futex on one (cpu.go, far.go). A call site that traps often is replaced by
// a jump to the stub (patch.go), which costs less than a signal by a factor of ten: then number and arguments are told in the
// cache line of the state, and so is the result, and which of the files that it has just opened the stub may close or tell the flags of
// without a call (lendopen.go); other registers are stored in the area, and read only if the kernel asks for
// them (Complete). Where calls of a file's text come from is remembered, for those who run it next (known.go).
//
// The master is the first process, forked from the sentry before it is sealed, and emptied.
// Empty address spaces are forked from it, by its service thread on the sentry's order, and
// those of a large fork(2) from the process forked. One whose application has ended is used for another
// (recycle.go). They share the sentry's table of descriptors, so that
// a descriptor of the sentry can be mapped, and die with it (PR_SET_PDEATHSIG).
//
// Mappings change by orders to the service thread, which sleeps until it is woken: on the processor of the goroutine that
// waits for it, or, if a thread of the process looks for its turn on another, there, woken by that thread (where
// in process.go): it gives way to the service thread, instead of being interrupted on its account.
//
// Whoever waits looks again after a second, finds a lost wake-up by what the host says of the
// futex, mends and logs it (watch.go).
//
// Interrupt sends a signal. If it finds the stub's own code, on the way in or out, the handler
// just goes on; so the goroutine in Switch sends it again until there is a trap.
//
// # What a hostile application can do
//
// It runs at any address with any registers, the stub's code included, writes to every byte of
// the areas of its own process at any time, and reads the stub's other pages. attack_test.go
// tries all that.
//
// Host calls. Everybody has a seccomp filter that goes by the page from which a call is made
// (filter.go). From the service page it allows what the service thread needs (serviceRules), from
// the text page sched_yield(2), and futex(2) with FUTEX_WAIT and FUTEX_WAKE on addresses in the areas and the control
// page, which alone would not do, since the application can jump into the service page. So an
// application thread also has syscall user dispatch (prctl(2), PR_SET_SYSCALL_USER_DISPATCH)
// without a selector, which turns every call that is not made from the text page into SIGSYS; to
// turn it off takes a call from the service page. Where the host does not know it, a second seccomp
// filter says the same. The vsyscall page and INT 0x80 trap too. So whoever
// jumps to a SYSCALL instruction in the stub, with whatever registers, gets a trap like any
// other; and what is left, waiting and waking on its own process's areas and control page, harms nobody: the
// sentry and the service thread take a wake-up for a reason to look. A thread is confined before it runs
// the first instruction of the application: from clone(2) to prctl(2) it runs straight through
// the service page, which cannot be written, on registers that the service thread gave it, without
// a stack, and it ends the process if the host refuses. The one thing it
// reads from its area is the place of the signal stack, which is its own affair. Nobody
// inherits the dispatch: threads and processes are made by service threads.
//
// The service thread may map, unmap, fork. It runs in the same address space, but takes no input
// that the application could change: code and constants are read-only pages, orders come on a
// page of a file that stubs map read-only, everything else is in its registers; it has no stack
// and blocks all signals. What it answers (done and value of the control page) it writes by
// pwrite(2) to the file of that page, from a table of constants, a byte at a time where need be:
// an answer in memory could be forged, and memory be reused that is still mapped. Read-only
// mappings stay so, since only the service thread can change them, and the sentry orders no
// mapping call of the application's outside Limits (space.go checks again).
//
// Descriptors. The table is shared with the sentry, but no call that takes one is open to
// application threads.
//
// The area is hostile input. Its state word is one of five or the process is killed. Each
// field is read once and checked: the frame and the FPU image must lie inside the area, flags,
// segment bases and instruction pointer are made what user mode may have (arch.Sanitize), an FPU
// image passes arch.CheckFPU or is replaced, the slot of a patched call must be in use, and what
// it stands for is in the sentry's memory. Any other value is what the application could have had
// in its registers anyway: it lies to itself. A thread of the application can pretend that
// another of the same process has trapped, which then runs while the sentry believes that it
// waits. Therefore nothing relies on a stopped thread for safety: Unmap and Release return, and ReleaseLate calls back, when
// the host has taken the pages away, and a process that ran application code is used for another only after
// the host has made all of its threads begin anew.
//
// Using a process again (recycle.go). Of what an application could change in its process there is memory, of which
// all but the areas is unmapped; the areas, which are cleared; and its threads' registers. It could make no host
// call, so signal actions, masks, filters, dispatch and whatever else the host keeps are as they were.
// A thread might run on in the stub's code, with registers made to stay there, and wait for the next application's
// mappings. So each gets a signal that nobody can block, and membarrier(2) returns when all
// processors on which one of them runs have been interrupted since: from then on it is in the handler, with
// a stack pointer and registers that the host gave it, whatever it wrote to its area. It leaves the
// handler's loop, which reads nothing but the control page, when the sentry says so there, knowing that the order is
// done, and after that only the handler can report a thread that has begun anew. Where the host cannot do it, or a thread does not
// come back, the process is killed; then areas are used again only after the host has reported its end.
//
// Not answering. A thread can stay in the stub's code for ever, where interrupts do not stop it,
// or not store its FPU state. The sentry counts how often the handler has seen the signal without
// a trap, and kills the process (maxSeen, maxKicks, storeTime). A waiting goroutine never spins without bound.
// Signals cannot be blocked: rt_sigprocmask(2), rt_sigreturn(2) and sigaltstack(2) are not open.
//
// Other processes of the sandbox. Control pages and areas are not inherited by fork
// (MADV_DONTFORK). Trampolines and patched pages are shared with forked children, and pages of cpuid.go and known.go with
// all who run the same file, but nobody can write to them. What is in these the sentry has read from the file, never from a
// process; a process can only have more or fewer of its calls patched in others, by the calls that it makes. Areas, trampolines and copies are cleared before they are used again.
//
// What was lent to it (lend.go). Bytes of its own sockets, and what it writes to them, are in the area. It can take what it
// was not lent, and write to whom it was lent room: which it could have done by calls. The sentry knows by itself what it lent,
// how much, and of whom; places and lengths in the area are checked. So it is with files that it may close (lendfile.go, lendopen.go):
// that it has closed another, or one twice, is not looked at. What it writes to the table of paths (lendpath.go) nobody else reads.
//
// Break points (debug.go). The sentry traces a thread for a moment, in which the host keeps it stopped whatever it does. The sentry
// may do nothing more with it than read and write words of struct user, and the host checks what goes into the debug
// registers. Addresses of the stub's own are left out, as it would trap in the handler of its own traps. The process
// is dumpable meanwhile, as far as the host's other processes of the sentry's user are concerned.
//
// What it can see: its control page (offsets in the memory file, numbers of descriptors), the
// stub's code, what all processors answer to CPUID, that GS is the area's address when it has not set it, and its own text with jumps
// at patched sites. Nothing of that is secret.
//
// # What is left out
//
// Programs may map from minAddr on only, and have one GiB less at the top than Linux gives them. Host processors
// without FSGSBASE or with an extended state of more than a page are refused by New. A breakpoint
// or jump into the middle of a patched instruction other than at the old SYSCALL is not
// recognised. Shared mappings of a file as executable and as writable memory at once, by which
// the text changes, are not seen by a patched page's copy.
package systrap
