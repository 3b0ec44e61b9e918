/*
 * See nats_inbox.h.
 */
#include "core/offload/nats/nats_inbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/offload/nats/nats_link.h"

void nats_inbox_unref(struct nats_inbox *b)
{
	uv_mutex_lock(&b->lock);
	const bool is_last = --b->refs == 0;
	uv_mutex_unlock(&b->lock);
	if (!is_last) {
		return;
	}
	for (struct list *node; (node = list_pop(&b->parcels)) != NULL;) {
		struct nats_parcel *p = LIST_OF(node, struct nats_parcel, node);
		natsMsg_Destroy(p->msg);
		free(p);
	}
	uv_mutex_destroy(&b->lock);
	free(b);
}

void nats_inbox_ref(struct nats_inbox *b)
{
	uv_mutex_lock(&b->lock);
	b->refs++;
	uv_mutex_unlock(&b->lock);
}

/* The caller holds the lock. */
static void inbox_wake(struct nats_inbox *b)
{
	if (b->wake != NULL) {
		uv_async_send(b->wake);
	}
}

struct nats_inbox *nats_inbox_new(uv_async_t *wake)
{
	struct nats_inbox *b = calloc(1, sizeof(*b));

	if (b != NULL) {
		CHECK(uv_mutex_init(&b->lock) == 0);
		list_init(&b->parcels);
		b->refs = 1;
		b->wake = wake;
	}
	return b;
}

void nats_inbox_on_message(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *closure)
{
	struct nats_inbox *b = closure;
	struct nats_parcel *p = malloc(sizeof(*p));

	(void)nc;
	(void)sub;
	uv_mutex_lock(&b->lock);
	const bool is_taken = p != NULL && b->wake != NULL && b->n < NATS_LINK_QUEUE;
	if (is_taken) {
		p->msg = msg;
		list_init(&p->node);
		list_push(&b->parcels, &p->node);
		b->n++;
		inbox_wake(b);
	} else {
		b->dropped++;
	}
	uv_mutex_unlock(&b->lock);
	if (!is_taken) {
		natsMsg_Destroy(msg);
		free(p);
	}
}

void nats_inbox_on_complete(void *closure)
{
	nats_inbox_unref(closure);
}

void nats_inbox_on_closed(natsConnection *nc, void *closure)
{
	struct nats_inbox *b = closure;

	(void)nc;
	uv_mutex_lock(&b->lock);
	b->is_closed = true;
	inbox_wake(b);
	uv_mutex_unlock(&b->lock);
	nats_inbox_unref(b);
}

void nats_inbox_on_trouble(natsConnection *nc, natsSubscription *sub, natsStatus s, void *closure)
{
	struct nats_inbox *b = closure;
	const char *text = NULL;

	(void)sub;
	uv_mutex_lock(&b->lock);
	const bool has_text = natsConnection_GetLastError(nc, &text) != NATS_OK && text != NULL;
	snprintf(b->trouble, sizeof(b->trouble), "%s",
	    has_text && text[0] != '\0' ? text : natsStatus_GetText(s));
	inbox_wake(b);
	uv_mutex_unlock(&b->lock);
}

bool nats_inbox_take_state(struct nats_inbox *b, char trouble[NATS_WHY_BYTES])
{
	uv_mutex_lock(&b->lock);
	const bool is_closed = b->is_closed;
	b->is_closed = false;
	memcpy(trouble, b->trouble, NATS_WHY_BYTES);
	b->trouble[0] = '\0';
	uv_mutex_unlock(&b->lock);
	return is_closed;
}

struct nats_parcel *nats_inbox_take(struct nats_inbox *b)
{
	uv_mutex_lock(&b->lock);
	struct list *node = list_pop(&b->parcels);
	b->n -= node != NULL;
	uv_mutex_unlock(&b->lock);
	return node == NULL ? NULL : LIST_OF(node, struct nats_parcel, node);
}
