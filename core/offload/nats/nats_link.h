/*
 * A connection to NATS, seen from the loop. libnats reads, reconnects and calls back on threads of
 * its own; what it brings is queued here and handed over on the loop, and connecting, which may
 * block, happens on a worker thread. The queue is bounded: what does not fit is dropped and
 * counted, as NATS itself drops for who does not keep up.
 *
 * It connects again for ever, also after it was refused, because a wrong password or certificate is
 * mended at the other end, too. The only file that includes nats.h is nats_link.c.
 */
#ifndef PLIMSOLL_OFFLOAD_NATS_NATS_LINK_H
#define PLIMSOLL_OFFLOAD_NATS_NATS_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/slice.h"
#include "core/ev/loop.h"
#include "core/offload/nats_conf.h"

enum {
	NATS_LINK_SUBJECTS = 2,
	NATS_LINK_QUEUE = 8192, /* messages that came and are not handed over */
	NATS_SUBJECT_MAX = 192,
};

struct nats_link_ops {
	/* nobody: the message sent with subject as its reply subject had no listener. */
	void (*message)(
	    void *arg, struct slice subject, struct slice reply, struct slice payload, bool nobody);
	/* why: what libnats or the server says, if the connection is gone. */
	void (*state)(void *arg, bool is_connected, const char *why);
};

struct nats_link_setup {
	struct loop *loop;
	const struct nats_settings *settings;	 /* kept */
	const struct nats_files *files;		 /* kept */
	const char *name;			 /* for the NATS server's lists */
	const char *subject[NATS_LINK_SUBJECTS]; /* kept; to listen on, NULL: none */
	size_t message_max;			 /* bytes; a server that takes less is refused */
	const struct nats_link_ops *ops;
	void *arg;
};

struct nats_link;

/* Begins to connect; needs the sandbox closed, because there are threads from now on. */
NODISCARD enum err nats_link_open(const struct nats_link_setup *setup, struct nats_link **ret);

/* Ends it; ops are not called any more. What was published leaves before. The loop must run on. */
void nats_link_close(struct nats_link **l);

/* ERR_PEER_GONE: no connection, or it takes nothing. reply may be NULL. */
NODISCARD enum err nats_link_publish(
    struct nats_link *l, const char *subject, const char *reply, struct slice payload);

/* Messages dropped because the queue was full. */
uint64_t nats_link_dropped(const struct nats_link *l);

#endif
