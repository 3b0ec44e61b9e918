/*
 * See nats_link.h. A connection of libnats is used for as long as it lives and never reconnects by
 * itself: the loop makes a new one, in one way for the first and for all later ones, and there is
 * no buffer of things published to nobody.
 */
#include "core/offload/nats/nats_link.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/obs/log.h"
#include "core/offload/nats/nats_link_priv.h"

enum {
	AGAIN_MS = 500,
	FLUSH_MS = 1000,
};

static void on_again(uv_timer_t *timer);

static void on_handle_closed(uv_handle_t *handle)
{
	struct nats_link *l = handle->data;

	if (--l->open_handles == 0) {
		free(l);
	}
}

static void finish(struct nats_link *l)
{
	uv_mutex_lock(&l->inbox->lock);
	l->inbox->wake = NULL;
	uv_mutex_unlock(&l->inbox->lock);
	if (l->nc != NULL) {
		(void)natsConnection_FlushTimeout(l->nc, FLUSH_MS);
		nats_link_drop(l, l->nc);
	}
	nats_inbox_unref(l->inbox);
	uv_close((uv_handle_t *)&l->wake, on_handle_closed);
	uv_close((uv_handle_t *)&l->again, on_handle_closed);
}

static void lose(struct nats_link *l, const char *why)
{
	nats_link_drop(l, l->nc);
	l->nc = NULL;
	CHECK(uv_timer_start(&l->again, on_again, AGAIN_MS, 0) == 0);
	l->setup.ops->state(l->setup.arg, false, why);
}

static void on_worked(uv_work_t *req, int status)
{
	struct nats_link *l = req->data;

	(void)status;
	l->is_working = false;
	l->nc = l->made;
	if (l->is_closing) {
		finish(l);
	} else if (l->nc == NULL) {
		CHECK(uv_timer_start(&l->again, on_again, AGAIN_MS, 0) == 0);
		l->setup.ops->state(l->setup.arg, false, l->why);
	} else if (natsConnection_IsClosed(l->nc)) {
		lose(l, "the connection ended at once");
	} else {
		l->setup.ops->state(l->setup.arg, true, "");
	}
}

static void connect_again(struct nats_link *l)
{
	l->work.data = l;
	l->is_working = true;
	CHECK(uv_queue_work(loop_uv(l->setup.loop), &l->work, nats_link_work, on_worked) == 0);
}

static void on_again(uv_timer_t *timer)
{
	struct nats_link *l = timer->data;

	connect_again(l);
}

static void deliver(struct nats_link *l, natsMsg *msg)
{
	const struct slice payload = { natsMsg_GetDataLength(msg) == 0 ? "" : natsMsg_GetData(msg),
		(size_t)natsMsg_GetDataLength(msg) };

	l->setup.ops->message(l->setup.arg, slice_str(natsMsg_GetSubject(msg)),
	    slice_str(natsMsg_GetReply(msg)), payload, natsMsg_IsNoResponders(msg));
}

/* Something has come. */
static void on_wake(uv_async_t *async)
{
	struct nats_link *l = async->data;
	char trouble[NATS_WHY_BYTES];
	struct nats_parcel *p;

	while (!l->is_closing && (p = nats_inbox_take(l->inbox)) != NULL) {
		deliver(l, p->msg);
		natsMsg_Destroy(p->msg);
		free(p);
	}
	if (l->is_closing) {
		return;
	}
	/* One that has ended may have been the one before. */
	if (nats_inbox_take_state(l->inbox, trouble) && l->nc != NULL &&
	    natsConnection_IsClosed(l->nc)) {
		lose(l, trouble[0] == '\0' ? "the connection ended" : trouble);
	} else if (trouble[0] != '\0') {
		LOG(LOG_WARN, "nats", "trouble", LOG_C("err", trouble));
	}
}

enum err nats_link_open(const struct nats_link_setup *setup, struct nats_link **ret)
{
	struct nats_link *l = calloc(1, sizeof(*l));
	struct nats_inbox *b = l == NULL ? NULL : nats_inbox_new(&l->wake);

	if (b == NULL) {
		free(l);
		return ERR_MEMORY;
	}
	if (uv_async_init(loop_uv(setup->loop), &l->wake, on_wake) != 0) {
		nats_inbox_unref(b);
		free(l);
		return ERR_SYSTEM;
	}
	CHECK(uv_timer_init(loop_uv(setup->loop), &l->again) == 0);
	l->open_handles = 2;
	l->wake.data = l->again.data = l;
	l->setup = *setup;
	l->inbox = b;
	connect_again(l);
	*ret = l;
	return ERR_OK;
}

void nats_link_close(struct nats_link **lp)
{
	struct nats_link *l = *lp;

	*lp = NULL;
	if (l == NULL) {
		return;
	}
	l->is_closing = true;
	if (!l->is_working) {
		finish(l);
	}
}

enum err nats_link_publish(
    struct nats_link *l, const char *subject, const char *reply, struct slice payload)
{
	natsStatus s = NATS_CONNECTION_DISCONNECTED;

	if (l->nc != NULL) {
		const int len = (int)payload.len;
		s = reply == NULL
			? natsConnection_Publish(l->nc, subject, payload.ptr, len)
			: natsConnection_PublishRequest(l->nc, subject, reply, payload.ptr, len);
	}
	return s == NATS_OK ? ERR_OK : ERR_PEER_GONE;
}

uint64_t nats_link_dropped(const struct nats_link *l)
{
	uv_mutex_lock(&l->inbox->lock);
	const uint64_t n = l->inbox->dropped;
	uv_mutex_unlock(&l->inbox->lock);
	return n;
}
