/*
 * Role: courier. Servers that pushes go to, of which some may be slow or away: each has so many
 * requests at a time at most, and one that does not answer several times in a row is left alone for
 * a while. Pure: a table over a clock.
 */
#ifndef PLIMSOLL_ACCOUNTS_COURIER_POST_HOSTS_H
#define PLIMSOLL_ACCOUNTS_COURIER_POST_HOSTS_H

#include <stdbool.h>
#include <stdint.h>

#include "accounts/push_endpoint.h"

enum {
	POST_HOSTS_MAX = 64,
	POST_HOST_PARALLEL = 16, /* requests to one at a time */
	POST_HOST_FAILURES = 3,	 /* in a row, until it is left alone */
	POST_HOST_FIRST_MS = 5000,
	POST_HOST_LAST_MS = 300 * 1000, /* the longest time that it is left alone for */
};

struct post_host {
	char name[PUSH_HOST_MAX + 1]; /* empty: the row is free */
	unsigned running, failures;
	int64_t not_before_us, used_us;
};

struct post_hosts {
	struct post_host hosts[POST_HOSTS_MAX];
};

enum post_turn {
	POST_TURN_GO,	/* *ret is the host; post_hosts_end() follows */
	POST_TURN_BUSY, /* soon */
	POST_TURN_DOWN, /* it is being left alone */
};
enum post_turn post_hosts_begin(
    struct post_hosts *h, struct slice name, int64_t now_us, struct post_host **ret);

/* answered: with whatever status. */
void post_hosts_end(struct post_host *host, bool answered, int64_t now_us);

#endif
