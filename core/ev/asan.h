/*
 * What AddressSanitizer must be told about stacks of our own: which stack runs, and which memory is
 * out of bounds while it waits in a pool. Everything is empty in other builds. Private to core/ev.
 */
#ifndef PLIMSOLL_EV_ASAN_H
#define PLIMSOLL_EV_ASAN_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define EV_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EV_ASAN 1
#endif
#endif

#ifdef EV_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

/* Before a switch to the stack [bottom, bottom + bytes). ret_fake NULL: we never come back. */
static inline void asan_leave_stack(void **ret_fake, const void *bottom, size_t bytes)
{
	__sanitizer_start_switch_fiber(ret_fake, bottom, bytes);
}

/* First thing on the stack switched to; tells which stack we came from. */
static inline void asan_enter_stack(void *fake, const void **ret_bottom, size_t *ret_bytes)
{
	__sanitizer_finish_switch_fiber(fake, ret_bottom, ret_bytes);
}

static inline void asan_forbid(const void *p, size_t bytes)
{
	__asan_poison_memory_region(p, bytes);
}

static inline void asan_allow(const void *p, size_t bytes)
{
	__asan_unpoison_memory_region(p, bytes);
}
#else
static inline void asan_leave_stack(void **ret_fake, const void *bottom, size_t bytes)
{
	(void)ret_fake;
	(void)bottom;
	(void)bytes;
}

static inline void asan_enter_stack(void *fake, const void **ret_bottom, size_t *ret_bytes)
{
	(void)fake;
	(void)ret_bottom;
	(void)ret_bytes;
}

static inline void asan_forbid(const void *p, size_t bytes)
{
	(void)p;
	(void)bytes;
}

static inline void asan_allow(const void *p, size_t bytes)
{
	(void)p;
	(void)bytes;
}
#endif

#endif
