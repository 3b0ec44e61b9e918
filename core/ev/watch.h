/*
 * Readiness of many sockets. A uv_poll_t takes six system calls until it first waits and two for
 * each change of what it waits for, which for a connection of one request is more than everything
 * else; here the loop has an epoll set of its own, and each takes one.
 */
#ifndef PLIMSOLL_EV_WATCH_H
#define PLIMSOLL_EV_WATCH_H

#include <stdint.h>

#include "core/base/err.h"
#include "core/ev/loop.h"

struct watch;

/* What came of that which was asked for; broken: the connection has failed, and is not watched any
 * more. It may end any watch, its own as well. */
typedef void watch_fn(struct watch *w, int events, bool broken);

struct watch {
	watch_fn *fn;
	int fd;
	uint8_t events; /* asked for; 0: not in the set */
	uint16_t at;	/* its place in the batch that is being told, from 1; 0: in none */
};

/* fd is the caller's, and stays so. */
void watch_init(struct watch *w, int fd, watch_fn *fn);

/*
 * Asks for UV_READABLE, UV_WRITABLE and UV_DISCONNECT as they are in events, and nothing else; 0
 * ends it, which has to be before fd is closed or w freed. While any is watched the loop goes on.
 * ERR_SYSTEM, ERR_MEMORY: not watched.
 */
NODISCARD enum err watch_want(struct loop *l, struct watch *w, int events);
void watch_end(struct loop *l, struct watch *w);

#endif
