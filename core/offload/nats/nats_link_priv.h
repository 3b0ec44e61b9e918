/*
 * What nats_link.c (the loop's side) and nats_connect.c (connecting, on a worker thread) share.
 */
#ifndef PLIMSOLL_OFFLOAD_NATS_NATS_LINK_PRIV_H
#define PLIMSOLL_OFFLOAD_NATS_NATS_LINK_PRIV_H

#include "core/offload/nats/nats_inbox.h"
#include "core/offload/nats/nats_link.h"

struct nats_link {
	struct nats_link_setup setup;
	struct nats_inbox *inbox;
	uv_async_t wake;
	uv_timer_t again;
	unsigned open_handles;
	uv_work_t work;
	bool is_working, is_closing;
	natsConnection *nc; /* NULL: none */
	natsSubscription *sub[NATS_LINK_SUBJECTS];
	/* The work's result. */
	natsConnection *made;
	char why[NATS_WHY_BYTES];
};

/*
 * req->data is the link: connects and listens. made is the connection, or NULL, and why says what
 * went wrong. May take seconds.
 */
void nats_link_work(uv_work_t *req);

/* Ends a connection and its subscriptions. */
void nats_link_drop(struct nats_link *l, natsConnection *nc);

#endif
