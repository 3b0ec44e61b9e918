/*
 * Pools: the channels to all processes of one role, their credits and what is known of their load.
 *
 * Expected wait at a peer = its last report, less the time since then (a queue drains at one
 * microsecond per microsecond), plus the expected cost of our own requests that the report does not
 * include yet. The report says how many of our requests the callee had seen, so that sum is exact
 * even when many requests and replies cross. Other callers' new requests are not known here; the
 * callee refuses when they made the difference.
 */
#include "core/rpc/rpc.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/rpc/pool_priv.h"

static void finish(struct rpc_wait *w, const struct rpc_frame *f)
{
	w->state = RPC_ANSWERED;
	w->status = f->status;
	if (f->status != ERR_OK) {
		memcpy(w->text, f->payload.ptr, f->payload.len);
		w->text[f->payload.len] = '\0';
	} else if (w->wants_reply) {
		w->status = arena_copy(w->arena, f->payload, &w->reply);
	}
	task_wake(w->task);
}

static void release(struct rpc_slot *slot)
{
	slot->wait = NULL;
	slot->in_flight = false;
	slot->generation++;
	slot->peer->in_flight--;
	list_remove(&slot->node);
	list_push(&slot->peer->idle, &slot->node);
}

static void wake_waiters(struct rpc_pool *p)
{
	list_each (node, &p->waiters) {
		task_wake(LIST_OF(node, struct rpc_waiter, node)->task);
	}
}

static void set_closed(struct rpc_peer *peer, bool closed)
{
	const bool opens = peer->closed && !closed;

	if (closed && !peer->closed) {
		peer->pool->lost_us = loop_now_us(peer->pool->loop);
	}
	peer->closed = closed;
	if (opens) {
		wake_waiters(peer->pool);
	}
}

/* Takes over the callee's queue state: what it has seen is part of it from now on. */
static void take_report(struct rpc_peer *peer, const struct rpc_frame *f)
{
	set_closed(peer, f->wait_us == RPC_WAIT_CLOSED);
	peer->reported_wait_us = peer->closed ? 0 : f->wait_us;
	peer->reported_at_us = loop_now_us(peer->pool->loop);
	while (!list_is_empty(&peer->unseen)) {
		struct rpc_slot *first = LIST_OF(peer->unseen.next, struct rpc_slot, node);
		if ((int32_t)(f->seen - first->seq) < 0) {
			break;
		}
		peer->unseen_us -= first->cost_us;
		list_remove(&first->node);
		list_push(&peer->seen, &first->node);
	}
}

static void on_reply(struct rpc_peer *peer, const struct rpc_frame *f)
{
	const uint32_t index = (uint32_t)f->id - 1;

	CHECK(index < peer->pool->credits);
	struct rpc_slot *slot = &peer->slots[index];
	CHECK(slot->in_flight);
	CHECK(slot->generation == (uint32_t)(f->id >> 32) && slot->type == f->type);
	CHECK((int32_t)(f->seen - slot->seq) >= 0);
	take_report(peer, f);
	if (f->run_us > 0) {
		cost_meter_record(&peer->pool->cost[f->type], f->run_us);
		cost_meter_record(&peer->pool->any_cost, f->run_us);
	}
	if (f->cpu_permille > 0) {
		int64_t cpu_us = (int64_t)f->run_us * f->cpu_permille / 1000;
		cost_meter_record(&peer->pool->any_cpu, cpu_us);
	}
	if (f->status == ERR_DRAINING && !peer->draining) {
		peer->draining = true;
		peer->pool->lost_us = loop_now_us(peer->pool->loop);
	}
	if (slot->wait != NULL) {
		finish(slot->wait, f);
	}
	release(slot);
}

static void on_frame(void *arg, const struct rpc_frame *f)
{
	if (f->kind == RPC_FRAME_REPORT) {
		take_report(arg, f);
	} else {
		on_reply(arg, f);
	}
}

static void fail_calls(const struct rpc_peer *peer, const struct list *in_flight)
{
	const uint64_t sent = rpc_channel_bytes_sent(peer->channel);

	list_each (node, in_flight) {
		struct rpc_slot *slot = LIST_OF(node, struct rpc_slot, node);
		if (slot->wait != NULL) {
			slot->wait->state = sent >= slot->end ? RPC_LOST_SENT : RPC_LOST_UNSENT;
			task_wake(slot->wait->task);
		}
	}
}

static bool somebody_waits(const struct rpc_peer *peer)
{
	for (unsigned i = 0; i < peer->pool->credits; i++) {
		if (peer->slots[i].wait != NULL) {
			return true;
		}
	}
	return false;
}

static void add_traffic(struct rpc_stats *stats, const struct rpc_channel *c)
{
	stats->bytes_sent += rpc_channel_bytes_sent(c);
	stats->bytes_received += rpc_channel_bytes_received(c);
}

static void on_gone(void *arg)
{
	struct rpc_peer *peer = arg;
	struct rpc_pool *p = peer->pool;

	fail_calls(peer, &peer->unseen);
	fail_calls(peer, &peer->seen);
	add_traffic(&p->stats, peer->channel);
	p->stats.peers_lost++;
	p->lost_us = loop_now_us(p->loop);
	p->peers[peer->instance] = NULL;
	rpc_channel_close(&peer->channel);
	free(peer);
}

static const struct rpc_channel_ops pool_channel_ops = { .frame = on_frame, .gone = on_gone };

static enum err peer_new(struct rpc_pool *p, unsigned instance, int fd, struct rpc_peer **ret)
{
	struct rpc_peer *peer = calloc(1, sizeof(*peer) + p->credits * sizeof(peer->slots[0]));

	if (peer == NULL) {
		close(fd);
		return ERR_MEMORY;
	}
	const struct rpc_channel_setup setup = {
		.loop = p->loop,
		.reg = p->reg,
		.receives = RPC_FRAME_BIT(RPC_FRAME_REPLY) | RPC_FRAME_BIT(RPC_FRAME_REPORT),
		/* Each credit: a request and its cancellation. So a queued frame always fits. */
		.out_max =
		    p->credits * (rpc_frame_max_bytes(p->reg, RPC_FRAME_BIT(RPC_FRAME_REQUEST)) +
				     RPC_HEADER_BYTES),
		.ops = &pool_channel_ops,
		.arg = peer,
	};
	enum err e = rpc_channel_open(&setup, fd, &peer->channel);
	if (e != ERR_OK) {
		free(peer);
		return e;
	}
	peer->pool = p;
	peer->instance = instance;
	peer->closed = instance == RPC_ELSEWHERE;
	list_init(&peer->unseen);
	list_init(&peer->seen);
	list_init(&peer->idle);
	for (unsigned i = 0; i < p->credits; i++) {
		peer->slots[i].peer = peer;
		list_init(&peer->slots[i].node);
		list_push(&peer->idle, &peer->slots[i].node);
	}
	*ret = peer;
	return ERR_OK;
}

enum err rpc_pool_add(struct rpc_pool *p, unsigned instance, int fd)
{
	struct rpc_peer *peer = NULL;

	if (instance >= RPC_MAX_INSTANCES) {
		close(fd);
		return ERR_LIMIT;
	}
	if (p->peers[instance] != NULL) {
		/* Replies that have arrived still count; the read may notice the end itself. */
		rpc_channel_read(p->peers[instance]->channel);
	}
	if (p->peers[instance] != NULL) {
		on_gone(p->peers[instance]);
	}
	enum err e = peer_new(p, instance, fd, &peer);
	if (e != ERR_OK) {
		return e;
	}
	p->peers[instance] = peer;
	if (!peer->closed) {
		wake_waiters(p);
	}
	return ERR_OK;
}

static int64_t peer_wait_us(const struct rpc_peer *peer, int64_t now_us)
{
	int64_t left_us = peer->reported_wait_us - (now_us - peer->reported_at_us);

	return (left_us > 0 ? left_us : 0) + peer->unseen_us;
}

/* It could be given work, if there is a credit. */
static bool is_there(const struct rpc_peer *peer)
{
	return peer != NULL && !peer->draining && !peer->closed;
}

static bool peer_is_usable(const struct rpc_peer *peer)
{
	return is_there(peer) && peer->in_flight < peer->pool->credits;
}

struct rpc_peer *rpc_pool_choose(struct rpc_pool *p)
{
	const int64_t now_us = loop_now_us(p->loop);
	struct rpc_peer *best = NULL;
	int64_t best_us = INT64_MAX;

	for (unsigned i = 0; i < RPC_MAX_INSTANCES; i++) {
		struct rpc_peer *peer = p->peers[(p->next + i) % RPC_MAX_INSTANCES];
		if (!peer_is_usable(peer)) {
			continue;
		}
		int64_t us = peer_wait_us(peer, now_us);
		if (best == NULL || us < best_us ||
		    (us == best_us && peer->in_flight < best->in_flight)) {
			best = peer;
			best_us = us;
		}
	}
	if (best != NULL) {
		p->next = (best->instance + 1) % RPC_MAX_INSTANCES;
	}
	return best;
}

enum err rpc_peer_send(struct rpc_peer *peer, const struct rpc_frame *request,
    struct rpc_wait *wait, struct rpc_slot **ret)
{
	struct rpc_slot *slot = LIST_OF(peer->idle.next, struct rpc_slot, node);
	struct rpc_frame f = *request;

	CHECK(!list_is_empty(&peer->idle));
	f.id = (uint64_t)slot->generation << 32 | (uint64_t)(slot - peer->slots + 1);
	enum err e = rpc_channel_send(peer->channel, &f);
	if (e != ERR_OK) {
		return e;
	}
	slot->wait = wait;
	slot->in_flight = true;
	slot->seq = ++peer->seq;
	slot->type = f.type;
	slot->end = rpc_channel_bytes_queued(peer->channel);
	slot->cost_us = peer->pool->cost[f.type].mean_us;
	peer->in_flight++;
	peer->unseen_us += slot->cost_us;
	list_remove(&slot->node);
	list_push(&peer->unseen, &slot->node);
	*ret = slot;
	return ERR_OK;
}

void rpc_slot_abandon(struct rpc_slot *slot, uint64_t trace)
{
	const struct rpc_frame cancel = {
		.kind = RPC_FRAME_CANCEL,
		.type = slot->type,
		.id = (uint64_t)slot->generation << 32 | (uint64_t)(slot - slot->peer->slots + 1),
		.trace = trace,
		.payload = SLICE_EMPTY,
	};

	slot->wait = NULL;
	/* There is always room, see out_max; without memory the callee just works in vain. */
	if (rpc_channel_send(slot->peer->channel, &cancel) != ERR_OK) {
		slot->peer->pool->stats.errors++;
	}
}

enum err rpc_pool_new(struct loop *l, const struct rpc_registry *reg, enum role_id self,
    enum role_id to, unsigned credits_per_channel, struct rpc_pool **ret)
{
	CHECK(credits_per_channel > 0 && credits_per_channel <= RPC_MAX_CREDITS);
	struct rpc_pool *p = calloc(1, sizeof(*p));
	struct cost_meter *cost = calloc(reg->n + 1, sizeof(*cost));

	if (p == NULL || cost == NULL) {
		free(p);
		free(cost);
		return ERR_MEMORY;
	}
	p->loop = l;
	p->reg = reg;
	p->self = self;
	p->to = to;
	p->credits = credits_per_channel;
	p->lost_us = loop_now_us(l);
	p->cost = cost;
	list_init(&p->waiters);
	for (unsigned i = 0; i < reg->n; i++) {
		cost_meter_init(&cost[i], reg->defs[i]->cost_us);
	}
	*ret = p;
	return ERR_OK;
}

void rpc_pool_free(struct rpc_pool **pp)
{
	struct rpc_pool *p = *pp;

	*pp = NULL;
	if (p == NULL) {
		return;
	}
	for (unsigned i = 0; i < RPC_MAX_INSTANCES; i++) {
		if (p->peers[i] != NULL) {
			CHECK(!somebody_waits(p->peers[i]));
			on_gone(p->peers[i]);
		}
	}
	CHECK(list_is_empty(&p->waiters));
	free(p->cost);
	free(p);
}

int64_t rpc_pool_expected_wait_us(const struct rpc_pool *p)
{
	const int64_t now_us = loop_now_us(p->loop);
	int64_t best_us = INT64_MAX;

	for (unsigned i = 0; i < RPC_MAX_INSTANCES; i++) {
		if (peer_is_usable(p->peers[i])) {
			int64_t us = peer_wait_us(p->peers[i], now_us);
			best_us = us < best_us ? us : best_us;
		}
	}
	return best_us;
}

unsigned rpc_pool_used_permille(const struct rpc_pool *p)
{
	unsigned least = p->credits;
	bool any = false;

	for (unsigned i = 0; i < RPC_MAX_INSTANCES; i++) {
		const struct rpc_peer *peer = p->peers[i];
		if (is_there(peer)) {
			least = peer->in_flight < least ? peer->in_flight : least;
			any = true;
		}
	}
	return any ? (unsigned)((uint64_t)least * 1000 / p->credits) : 0;
}

int64_t rpc_pool_mean_run_us(const struct rpc_pool *p)
{
	return p->any_cost.mean_us;
}

int64_t rpc_pool_mean_cpu_us(const struct rpc_pool *p)
{
	return p->any_cpu.mean_us;
}

int64_t rpc_pool_row_run_us(const struct rpc_pool *p, const struct rpc_def *def)
{
	for (unsigned i = 0; i < p->reg->n; i++) {
		if (p->reg->defs[i] == def) {
			return p->cost[i].mean_us;
		}
	}
	return 0;
}

unsigned rpc_pool_connected(const struct rpc_pool *p)
{
	unsigned n = 0;

	for (unsigned i = 0; i < RPC_MAX_INSTANCES; i++) {
		n += is_there(p->peers[i]);
	}
	return n;
}

struct rpc_stats rpc_pool_stats(const struct rpc_pool *p)
{
	struct rpc_stats stats = p->stats;

	for (unsigned i = 0; i < RPC_MAX_INSTANCES; i++) {
		if (p->peers[i] != NULL) {
			add_traffic(&stats, p->peers[i]->channel);
		}
	}
	return stats;
}
