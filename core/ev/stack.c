/*
 * Mapping and pooling of stacks. An idle stack keeps the pages it touched: giving them back would
 * cost a system call and a page fault for every task, and the pool bounds what is kept.
 */
#include "core/ev/stack.h"

#include <sys/mman.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/ev/asan.h"

static size_t guard_bytes(void)
{
	long page = sysconf(_SC_PAGESIZE);

	CHECK(page > 0);
	return (size_t)page;
}

static char *map_stack(void)
{
	size_t guard = guard_bytes();
	char *low = mmap(NULL, guard + STACK_BYTES, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);

	if (low == MAP_FAILED) {
		return NULL;
	}
	if (mprotect(low + guard, STACK_BYTES, PROT_READ | PROT_WRITE) != 0) {
		munmap(low, guard + STACK_BYTES);
		return NULL;
	}
	return low + guard;
}

static void unmap_stack(char *stack)
{
	size_t guard = guard_bytes();

	asan_allow(stack, STACK_BYTES);
	munmap(stack - guard, guard + STACK_BYTES);
}

char *stack_get(struct stack_pool *p)
{
	if (p->n_idle == 0) {
		return map_stack();
	}
	char *stack = p->idle[--p->n_idle];
	asan_allow(stack, STACK_BYTES);
	return stack;
}

void stack_put(struct stack_pool *p, char *stack)
{
	if (p->n_idle == STACK_IDLE_MAX) {
		unmap_stack(stack);
		return;
	}
	asan_forbid(stack, STACK_BYTES);
	p->idle[p->n_idle++] = stack;
}

void stack_pool_fini(struct stack_pool *p)
{
	while (p->n_idle > 0) {
		unmap_stack(p->idle[--p->n_idle]);
	}
}
