/*
 * First frames of new stacks, and the portable switch.
 */
#include "core/ev/switch.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef SWITCH_X86_64

void switch_begin(void);

/* What switch_to() pops, lowest address first. */
struct frame {
	uint32_t mxcsr;
	uint16_t x87_control, unused;
	uint64_t r15, r14, r13, r12, rbx, rbp;
	uint64_t return_address;
	uint64_t padding[2]; /* where the stack pointer is then; 16-byte aligned */
};

_Static_assert(offsetof(struct frame, padding) == 64 && sizeof(struct frame) == 80,
    "switch_x86_64.S pops 64 bytes, and begins a stack at a multiple of 16");

void switch_init(
    struct switch_context *c, void *stack, size_t bytes, void (*entry)(void *arg), void *arg)
{
	uintptr_t top = ((uintptr_t)stack + bytes) & ~(uintptr_t)15;
	struct frame f = {
		/* The ABI's state at process start: all exceptions masked, round to nearest. */
		.mxcsr = 0x1f80,
		.x87_control = 0x037f,
		.r12 = (uint64_t)(uintptr_t)entry,
		.r13 = (uint64_t)(uintptr_t)arg,
		.return_address = (uint64_t)(uintptr_t)switch_begin,
	};

	c->sp = (char *)stack + (top - (uintptr_t)stack) - sizeof(f);
	memcpy(c->sp, &f, sizeof(f));
}

#else

/* makecontext() passes int arguments only, so the pointers travel in halves. */
static void begin(unsigned entry_high, unsigned entry_low, unsigned arg_high, unsigned arg_low)
{
	uintptr_t entry = (uintptr_t)((uint64_t)entry_high << 32 | entry_low);
	uintptr_t arg = (uintptr_t)((uint64_t)arg_high << 32 | arg_low);

	((void (*)(void *))entry)((void *)arg);
}

void switch_init(
    struct switch_context *c, void *stack, size_t bytes, void (*entry)(void *arg), void *arg)
{
	uint64_t e = (uintptr_t)entry, a = (uintptr_t)arg;

	getcontext(&c->u);
	c->u.uc_stack.ss_sp = stack;
	c->u.uc_stack.ss_size = bytes;
	c->u.uc_link = NULL;
	makecontext(&c->u, (void (*)(void))begin, 4, (unsigned)(e >> 32), (unsigned)e,
	    (unsigned)(a >> 32), (unsigned)a);
}

void switch_to(struct switch_context *from, struct switch_context *to)
{
	swapcontext(&from->u, &to->u);
}

#endif
