/*
 * Stacks of tasks: 256 KiB mapped, a guard page below, touched only as deep as they are used. A
 * pool keeps some idle ones mapped, most recently used first. Private to core/ev.
 */
#ifndef PLIMSOLL_EV_STACK_H
#define PLIMSOLL_EV_STACK_H

#include <stddef.h>

enum {
	STACK_BYTES = 256 * 1024,
	STACK_IDLE_MAX = 64
};

struct stack_pool {
	char *idle[STACK_IDLE_MAX];
	unsigned n_idle;
};

/* The lowest usable byte of STACK_BYTES, or NULL when the system has no more memory. */
char *stack_get(struct stack_pool *p);

/* Gives back what stack_get() returned. */
void stack_put(struct stack_pool *p, char *stack);

/* Unmaps the idle stacks. */
void stack_pool_fini(struct stack_pool *p);

#endif
