/*
 * The parts of a fleet: fleet.c (a run of it), fleet_gather.c (who takes part). Private to lab.
 */
#ifndef PLIMSOLL_LAB_FLEET_PRIV_H
#define PLIMSOLL_LAB_FLEET_PRIV_H

#include <sys/types.h>

#include "lab/fleet.h"

enum fleet_state {
	MEMBER_PREPARING,
	MEMBER_READY,
	MEMBER_RUNNING,
	MEMBER_DONE,
	MEMBER_GONE,
};

struct fleet_member {
	int fd;	   /* -1: none any more */
	pid_t pid; /* 0: on another machine */
	enum fleet_state state;
	uint64_t seconds; /* told so far */
};

struct fleet {
	struct fleet_member members[FLEET_MAX];
	unsigned n;
};

/* Ctrl-C and SIGTERM are noticed from here on, and only while fleet_wait() waits. Again and again.
 */
void fleet_catch_signals(void);
bool fleet_was_stopped(void);

/* Waits until one of n descriptors (-1: none) can be read; false: a signal came instead. */
bool fleet_wait(const int *fds, unsigned n, bool *ret_readable);

#endif
