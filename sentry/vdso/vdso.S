# The vDSO of the sandbox: clock_gettime, gettimeofday, time, getcpu and clock_getres without
# a trap (vdso(7)). It reads the page in front of it, which Clock (params.go) keeps current:
#
#	offset 0   seq        odd while the page is being changed
#	       4   mode       0: the time-stamp counter is of no use, ask the kernel
#	       8   base_tsc   counter at which the bases below were true
#	      16   mult       nanoseconds a count, as a 32.32 fixed-point number
#	      24   mono       CLOCK_MONOTONIC in ns at base_tsc
#	      32   real       CLOCK_REALTIME
#	      40   boot       CLOCK_BOOTTIME
#	    2048   cpus       the sandbox's processor number, 16 bits each, by the host's
#
# Built by build.sh into vdso.so, which is embedded; a test checks that they agree.

	.text
	.hidden	params

# now leaves in %rax the nanoseconds of the clock whose base stands at %r10 in the page; jumps to
# \fail if the kernel has to be asked. Changes %rdx, %r8, %r9.
.macro now fail
	lea	params(%rip), %r8
1:	mov	(%r8), %r9d
	test	$1, %r9d
	jnz	2f
	cmpl	$0, 4(%r8)
	je	\fail
	lfence
	rdtsc
	shl	$32, %rdx
	or	%rdx, %rax
	sub	8(%r8), %rax
	jae	3f
	xor	%eax, %eax
3:	mulq	16(%r8)
	shrd	$32, %rdx, %rax
	add	(%r8,%r10), %rax
	cmp	(%r8), %r9d
	je	4f
2:	pause
	jmp	1b
4:
.endm

	.globl	__vdso_clock_gettime
	.type	__vdso_clock_gettime, @function
__vdso_clock_gettime:
	cmp	$7, %edi
	ja	.Lgettime_ask
	lea	offsets(%rip), %r8
	mov	%edi, %r10d
	movzbl	(%r8,%r10), %r10d
	test	%r10d, %r10d
	jz	.Lgettime_ask
	now	.Lgettime_ask
	xor	%edx, %edx
	mov	$1000000000, %r8d
	div	%r8
	mov	%rax, (%rsi)
	mov	%rdx, 8(%rsi)
	xor	%eax, %eax
	ret
.Lgettime_ask:
	mov	$228, %eax
	syscall
	ret
	.size	__vdso_clock_gettime, .-__vdso_clock_gettime

	.globl	__vdso_gettimeofday
	.type	__vdso_gettimeofday, @function
__vdso_gettimeofday:
	test	%rsi, %rsi			# a time zone is asked for
	jnz	.Ltimeofday_ask
	test	%rdi, %rdi
	jz	.Ltimeofday_none
	mov	$32, %r10d
	now	.Ltimeofday_ask
	xor	%edx, %edx
	mov	$1000000000, %r8d
	div	%r8
	mov	%rax, (%rdi)
	mov	%edx, %eax
	xor	%edx, %edx
	mov	$1000, %r8d
	div	%r8d
	mov	%rax, 8(%rdi)
.Ltimeofday_none:
	xor	%eax, %eax
	ret
.Ltimeofday_ask:
	mov	$96, %eax
	syscall
	ret
	.size	__vdso_gettimeofday, .-__vdso_gettimeofday

	.globl	__vdso_time
	.type	__vdso_time, @function
__vdso_time:
	mov	$32, %r10d
	now	.Ltime_ask
	xor	%edx, %edx
	mov	$1000000000, %r8d
	div	%r8
	test	%rdi, %rdi
	jz	5f
	mov	%rax, (%rdi)
5:	ret
.Ltime_ask:
	mov	$201, %eax
	syscall
	ret
	.size	__vdso_time, .-__vdso_time

# The host keeps node << 12 | processor in the counter's auxiliary register. The table has room
# for 1024 processors; on a larger host several share a number.
	.globl	__vdso_getcpu
	.type	__vdso_getcpu, @function
__vdso_getcpu:
	rdtscp
	test	%rdi, %rdi
	jz	6f
	mov	%ecx, %eax
	and	$0x3ff, %eax
	lea	params(%rip), %r8
	movzwl	2048(%r8,%rax,2), %eax
	mov	%eax, (%rdi)
6:	test	%rsi, %rsi
	jz	7f
	movl	$0, (%rsi)
7:	xor	%eax, %eax
	ret
	.size	__vdso_getcpu, .-__vdso_getcpu

	.globl	__vdso_clock_getres
	.type	__vdso_clock_getres, @function
__vdso_clock_getres:
	cmp	$7, %edi
	ja	.Lgetres_ask
	lea	offsets(%rip), %r8
	mov	%edi, %r10d
	movzbl	(%r8,%r10), %r10d
	test	%r10d, %r10d
	jz	.Lgetres_ask
	test	%rsi, %rsi
	jz	8f
	movq	$0, (%rsi)
	movq	$1, 8(%rsi)
8:	xor	%eax, %eax
	ret
.Lgetres_ask:
	mov	$229, %eax
	syscall
	ret
	.size	__vdso_clock_getres, .-__vdso_clock_getres

# Where the base of each clock stands in the page; 0: ask the kernel.
	.section .rodata
offsets:
	.byte	32, 24, 0, 0, 0, 0, 0, 40
