/*
 * An upgrade as the running server sees it: it starts the new program, hands over, and leaves when
 * the new one is ready; whatever fails before that leaves it as it was. See upgrade.c for the order
 * of events, predecessor.h for the other side.
 */
#ifndef PLIMSOLL_ROLE_UPGRADE_H
#define PLIMSOLL_ROLE_UPGRADE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/role/control_poll.h"

struct supervisor;

/* File below the data directory: "done" or "failed" and a line for people; made by renaming. */
#define UPGRADE_OUTCOME "upgrade"

enum {
	UPGRADE_REASON_MAX = 1024
};

enum upgrade_state {
	UPGRADE_NONE,
	UPGRADE_STARTING, /* the new program gets ready */
	UPGRADE_YIELDING, /* we drain, because it has to change the database */
	UPGRADE_YIELDED,  /* nobody of ours runs; it has the database */
	UPGRADE_DONE,	  /* it serves; we drain or have drained */
};

struct upgrade {
	enum upgrade_state state;
	pid_t pid; /* 0: not running, or not our business any more */
	struct control_poll link;
	int64_t begun_us, deadline_us;
	char reason[UPGRADE_REASON_MAX]; /* what the new program said */
};

/* For `plimsoll upgrade`, which waits for the file to appear. Only whoever serves may do so. */
void upgrade_write_outcome(const struct supervisor *s, bool done, const char *text);

/* SIGUSR2. */
void upgrade_request(struct supervisor *s);

/* After SIGCHLD: has the new program ended? */
void upgrade_reap(struct supervisor *s);

/* Each tick: the time-out. */
void upgrade_step(struct supervisor *s, int64_t now_us);

/* stop.c: the last of our processes has ended while we yield. */
void upgrade_yielded(struct supervisor *s);

/* predecessor.c: the server before us is gone, so its store is, too. */
void upgrade_predecessor_ended(struct supervisor *s);

/* Gives up an upgrade that is under way, if there is one. */
void upgrade_abandon(struct supervisor *s, const char *why);

static inline bool upgrade_is_under_way(const struct upgrade *u)
{
	return u->state >= UPGRADE_STARTING && u->state <= UPGRADE_YIELDED;
}

#endif
