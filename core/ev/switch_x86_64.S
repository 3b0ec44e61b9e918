/*
 * The stack switch for x86-64 (System V ABI): saves what a callee must preserve - six registers and
 * the control words of SSE and x87 - below the return address, exchanges the stack pointer, and
 * undoes the same on the other side. switch.c builds the first such frame of a new stack.
 *
 * Control-flow enforcement: entry points carry endbr64, and the property note at the end says
 * "indirect branch tracking, but no shadow stack", because we do not exchange the shadow stack
 * pointer; the linker then clears that feature for the whole program.
 */
#include "core/ev/switch.h"

#ifdef SWITCH_X86_64
	.text

/* void switch_to(struct switch_context *from, struct switch_context *to) */
	.globl	switch_to
	.hidden	switch_to
	.type	switch_to, @function
	.p2align 4
switch_to:
	.cfi_startproc
	endbr64
	pushq	%rbp
	.cfi_adjust_cfa_offset 8
	pushq	%rbx
	.cfi_adjust_cfa_offset 8
	pushq	%r12
	.cfi_adjust_cfa_offset 8
	pushq	%r13
	.cfi_adjust_cfa_offset 8
	pushq	%r14
	.cfi_adjust_cfa_offset 8
	pushq	%r15
	.cfi_adjust_cfa_offset 8
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	stmxcsr	(%rsp)
	fnstcw	4(%rsp)

	/* Both frames have the same shape, so the unwinding rules above hold on either stack. */
	movq	%rsp, (%rdi)
	movq	(%rsi), %rsp

	ldmxcsr	(%rsp)
	fldcw	4(%rsp)
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	popq	%r15
	.cfi_adjust_cfa_offset -8
	popq	%r14
	.cfi_adjust_cfa_offset -8
	popq	%r13
	.cfi_adjust_cfa_offset -8
	popq	%r12
	.cfi_adjust_cfa_offset -8
	popq	%rbx
	.cfi_adjust_cfa_offset -8
	popq	%rbp
	.cfi_adjust_cfa_offset -8
	/* A jump: the return predictor remembers the other stack's calls and would miss. */
	popq	%rcx
	.cfi_adjust_cfa_offset -8
	.cfi_register rip, rcx
	notrack	jmp *%rcx
	.cfi_endproc
	.size	switch_to, . - switch_to

/* Where a new stack begins: entry is in r12, its argument in r13. Unwinding ends here. */
	.globl	switch_begin
	.hidden	switch_begin
	.type	switch_begin, @function
	.p2align 4
switch_begin:
	.cfi_startproc
	.cfi_undefined rip
	endbr64
	movq	%r13, %rdi
	call	*%r12
	ud2
	.cfi_endproc
	.size	switch_begin, . - switch_begin

	.section .note.gnu.property, "a"
	.p2align 3
	.long	1f - 0f
	.long	4f - 1f
	.long	5			/* NT_GNU_PROPERTY_TYPE_0 */
0:	.asciz	"GNU"
1:	.long	0xc0000002		/* GNU_PROPERTY_X86_FEATURE_1_AND */
	.long	3f - 2f
2:	.long	1			/* IBT; 2 would be SHSTK */
3:	.p2align 3
4:
#endif

	.section .note.GNU-stack, "", @progbits
