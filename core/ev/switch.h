/*
 * Leaving one stack and continuing on another. On x86-64 this is a few instructions of our own
 * (switch_x86_64.S); elsewhere ucontext, which is portable but makes a system call each time. Build
 * with -DPLIMSOLL_SWITCH_UCONTEXT to have the portable form on x86-64 too (a test does). Private to
 * core/ev.
 */
#ifndef PLIMSOLL_EV_SWITCH_H
#define PLIMSOLL_EV_SWITCH_H

#if defined(__x86_64__) && defined(__LP64__) && !defined(PLIMSOLL_SWITCH_UCONTEXT)
#define SWITCH_X86_64 1
#endif

#ifndef __ASSEMBLER__

#include <stddef.h>

#ifdef SWITCH_X86_64
struct switch_context {
	void *sp; /* the saved registers lie there */
};
#else
#include <ucontext.h>
struct switch_context {
	ucontext_t u;
};
#endif

/* Makes c a context that runs entry(arg) on the given stack; entry must never return. */
void switch_init(
    struct switch_context *c, void *stack, size_t bytes, void (*entry)(void *arg), void *arg);

/* Saves the caller's context in from and continues to; returns when someone switches back. */
void switch_to(struct switch_context *from, struct switch_context *to);

#endif
#endif
