/*
 * A small record beside each connection.
 */
#include "lab/kept.h"

#include <stdlib.h>

#include "core/base/clock.h"

struct kept {
	struct list node; /* in by_age */
	struct kept_conns *owner;
	struct client_conn *conn; /* owned */
	int64_t since_us;
	unsigned device;
};

void kept_init(struct kept_conns *k, unsigned max, int64_t keep_us)
{
	*k = (struct kept_conns){ .by_device = { .max = max }, .keep_us = keep_us };
	list_init(&k->by_age);
	list_init(&k->spare);
}

/* Forgets the record; its connection is now the caller's. */
static struct client_conn *release(struct kept *p)
{
	struct client_conn *conn = p->conn;

	(void)id_map_take(&p->owner->by_device, p->device);
	list_remove(&p->node);
	list_push(&p->owner->spare, &p->node);
	client_conn_when_gone(conn, NULL, NULL);
	return conn;
}

static void drop(struct kept *p)
{
	struct client_conn *conn = release(p);

	client_conn_close(&conn);
}

static void on_gone(void *arg)
{
	drop(arg);
}

void kept_put(struct kept_conns *k, unsigned device, struct client_conn **conn)
{
	struct list *node = list_pop(&k->spare);
	struct kept *p = node == NULL ? calloc(1, sizeof(*p)) : LIST_OF(node, struct kept, node);

	if (p != NULL && k->by_device.n >= k->by_device.max) {
		(void)kept_drop_one(k);
	}
	if (p == NULL || id_map_put(&k->by_device, device, p) != ERR_OK) {
		free(p);
		client_conn_close(conn);
		return;
	}
	*p = (struct kept){
		.owner = k, .conn = *conn, .since_us = clock_mono_us(), .device = device
	};
	list_init(&p->node);
	list_push(&k->by_age, &p->node);
	client_conn_when_gone(p->conn, on_gone, p);
	*conn = NULL;
}

struct client_conn *kept_take(struct kept_conns *k, unsigned device)
{
	struct kept *p = id_map_get(&k->by_device, device);

	return p == NULL ? NULL : release(p);
}

bool kept_drop_one(struct kept_conns *k)
{
	if (list_is_empty(&k->by_age)) {
		return false;
	}
	drop(LIST_OF(k->by_age.next, struct kept, node));
	return true;
}

void kept_sweep(struct kept_conns *k)
{
	int64_t before_us = clock_mono_us() - k->keep_us;

	while (!list_is_empty(&k->by_age) &&
	       LIST_OF(k->by_age.next, struct kept, node)->since_us < before_us) {
		(void)kept_drop_one(k);
	}
}

void kept_fini(struct kept_conns *k)
{
	while (kept_drop_one(k)) {
	}
	for (struct list *node = NULL; (node = list_pop(&k->spare)) != NULL;) {
		free(LIST_OF(node, struct kept, node));
	}
	id_map_fini(&k->by_device, NULL);
}
