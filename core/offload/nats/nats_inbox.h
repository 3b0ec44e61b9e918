/*
 * Where threads of libnats leave what they bring for the loop. It counts who may still call: the
 * link, each subscription (until its completion) and the connection (until it is closed); the last
 * one frees it.
 */
#ifndef PLIMSOLL_OFFLOAD_NATS_NATS_INBOX_H
#define PLIMSOLL_OFFLOAD_NATS_NATS_INBOX_H

#include <nats/nats.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "core/base/list.h"

enum {
	NATS_WHY_BYTES = 200
};

struct nats_parcel {
	struct list node;
	natsMsg *msg;
};

struct nats_inbox {
	uv_mutex_t lock; /* guards all below */
	unsigned refs;
	uv_async_t *wake; /* NULL: nobody takes anything any more */
	struct list parcels;
	unsigned n;
	bool is_closed; /* the connection has ended */
	uint64_t dropped;
	char trouble[NATS_WHY_BYTES]; /* what the server complained of last */
};

/* wake is told when something has come, until it is set to NULL. NULL: no memory. */
struct nats_inbox *nats_inbox_new(uv_async_t *wake);
void nats_inbox_ref(struct nats_inbox *b);
void nats_inbox_unref(struct nats_inbox *b);

/* Callbacks of libnats, on threads of its own; closure is the inbox. */
void nats_inbox_on_message(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *closure);
void nats_inbox_on_complete(void *closure);
void nats_inbox_on_closed(natsConnection *nc, void *closure);
void nats_inbox_on_trouble(natsConnection *nc, natsSubscription *sub, natsStatus s, void *closure);

/* The next message, or NULL; the caller destroys the message and frees the parcel. */
struct nats_parcel *nats_inbox_take(struct nats_inbox *b);

/* Takes what the server complained of, and whether a connection has ended. */
bool nats_inbox_take_state(struct nats_inbox *b, char trouble[NATS_WHY_BYTES]);

#endif
