/*
 * What the kernel writes about processes and threads in /proc (proc(5)), as pure readers of its
 * texts.
 */
#ifndef PLIMSOLL_LAB_TARGET_TEXT_H
#define PLIMSOLL_LAB_TARGET_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/slice.h"

enum {
	TARGET_NAME_BYTES = 24
};

struct proc_stat {
	char name[TARGET_NAME_BYTES]; /* of the program, cut by the kernel at 15 */
	char state;		      /* R S D ... */
	int64_t parent;
	uint64_t ticks; /* of processor, user and system */
	uint64_t threads, started_ticks, resident_pages;
};

/* /proc/PID/stat, also of a thread; false: it is not that. A name may hold blanks and brackets. */
bool proc_read_stat(struct slice text, struct proc_stat *ret);

/* /proc/PID/task/TID/schedstat: nanoseconds on a processor, and ready but not on one. */
bool proc_read_schedstat(struct slice text, uint64_t *ret_ran_ns, uint64_t *ret_waited_ns);

/* A line "NAME: NUMBER" of /proc/PID/io or /proc/PID/status. */
bool proc_read_field(struct slice text, const char *name, uint64_t *ret);

/* The first line of /proc/stat: ticks of all processors that somebody else took (steal), and all.
 */
bool proc_read_steal(struct slice text, uint64_t *ret_steal, uint64_t *ret_all);

#endif
