/*
 * See admission.h. The surroundings are measured once in a round of the loop, by the first request
 * that has to be decided about.
 */
#include "core/http/admission.h"

#include "core/base/fnv.h"
#include "core/ev/task.h"

static void look_at_load(struct http_server *s, int64_t now_us)
{
	if (s->load_is_known) {
		return;
	}
	s->load_is_known = true;
	if (s->o.load != NULL) {
		s->o.load(s->o.load_arg, &s->load);
	}
	s->load.loop_delay_us = grace_loop_delay_us(s->grace, now_us);
	s->load.tasks_max = task_max(s->loop);
	s->load.refusal_us = s->refusal.mean_us;
}

/* As its service has it, before the order that was configured. */
static enum shed_rank rank_of(struct http_req *r)
{
	const struct http_site *site = r->call.site;

	return site != NULL && site->rank != NULL ? site->rank(&r->call, &r->server->load)
						  : r->call.op->rank;
}

static enum shed_rank order_of(const struct http_site *site, enum shed_rank rank)
{
	return site == NULL || site->order[rank] == 0 ? rank : (enum shed_rank)site->order[rank];
}

/* Behind a proxy the client's address is what the proxy says; all of an IPv6 /64 are one. */
static uint64_t user_of(struct http_req *r)
{
	const struct http_site *site = r->call.site;
	struct http_address address = r->conn->peer;
	uint64_t user = site != NULL && site->user != NULL ? site->user(&r->call) : 0;

	if (user != 0) {
		return user;
	}
	if (r->conn->trusted) {
		(void)http_address_parse(http_client_address(r), &address);
	}
	address = http_address_group(&address);
	return fnv1a(FNV1A_START, SLICE_OF((const char *)address.bytes, sizeof(address.bytes)));
}

static bool refuse(struct http_req *r, unsigned why, int64_t now_us, unsigned *ret_retry_after_s)
{
	r->refused_why = (unsigned char)why;
	*ret_retry_after_s = grace_retry_after_s(r->server->grace, now_us);
	return false;
}

/* False: by its service. */
static bool make_ask(struct http_req *r)
{
	const struct op *op = r->call.op;
	const struct http_site *site = r->call.site;
	enum shed_rank rank = rank_of(r);

	if (rank == SHED_RANKS) {
		return false;
	}
	r->ask = (struct grace_ask){ .cost = op->cost,
		.rank = order_of(site, rank),
		.begins = (op->flags & OP_BEGINS) != 0,
		.is_step = (op->flags & OP_STEP) != 0,
		.mails = (op->flags & OP_MAILS) != 0,
		.user = grace_wants_user(r->server->grace, op->cost, (op->flags & OP_BEGINS) != 0)
			    ? user_of(r)
			    : 0,
		/* Of what a class keeps for itself, those who are ranked otherwise have nothing. */
		.reserve = site == NULL || rank != op->rank ? 0 : site->reserve[rank],
		.loop_us = r->cells->loop.mean_us };
	return true;
}

/* joins: it would stand in line in the loop; else its turn has come. */
static bool decide(struct http_req *r, bool joins, int64_t now_us, unsigned *ret_retry_after_s)
{
	struct http_server *s = r->server;

	look_at_load(s, now_us);
	s->load.tasks = r->is_inline ? 0 : task_count(s->loop); /* those need none */
	if (!r->looked && !make_ask(r)) {
		return refuse(r, HTTP_REFUSED_SITE, now_us, ret_retry_after_s);
	}
	r->ask.again = r->looked;
	r->ask.joins = joins;
	r->ask.budget_us = r->call.deadline_us - now_us;
	r->ask.loop_wait_us = class_queues_line_us(&s->queues, SHED_FIRST);
	r->ask.line_us = class_queues_line_us(&s->queues, r->ask.rank);
	bool admitted = grace_admit(s->grace, &s->load, &r->ask, now_us, ret_retry_after_s);
	if (!admitted) {
		r->refused_why = (unsigned char)s->grace->refused_for;
	}
	return admitted;
}

/* Then those who come now will have their turn soon, and are asked about then. */
static bool nobody_waits_long(const struct http_server *s)
{
	return !s->grace->resources[GRACE_LOOP].is_over &&
	       class_queues_line_us(&s->queues, SHED_FIRST) <= grace_line_us(s->grace, SHED_FIRST);
}

bool admission_look(struct http_req *r, int64_t now_us, unsigned *ret_retry_after_s)
{
	if (r->call.op->rank == SHED_NEVER || nobody_waits_long(r->server)) {
		return true;
	}
	bool passes = decide(r, true, now_us, ret_retry_after_s);
	r->looked = true;
	return passes;
}

/*
 * How long the one has waited who has waited longest in the class of r, be it r: in the order of
 * ranks those who are started may not have waited, and others stand.
 */
static int64_t oldest_wait_us(const struct http_server *s, const struct http_req *r, int64_t now_us)
{
	return now_us - class_queues_since_us(&s->queues, r->call.op->cost, r->queued_us);
}

bool admission_ask(struct http_req *r, int64_t now_us, unsigned *ret_retry_after_s)
{
	struct http_server *s = r->server;
	const struct op *op = r->call.op;

	grace_waited(s->grace, oldest_wait_us(s, r, now_us), now_us);
	hist_record(s->cells.queue_delay[op->cost], now_us - r->queued_us);
	if (op->rank == SHED_NEVER) {
		return true;
	}
	if (now_us >= r->call.deadline_us) {
		return refuse(r, HTTP_REFUSED_LATE, now_us, ret_retry_after_s);
	}
	return decide(r, false, now_us, ret_retry_after_s);
}

bool http_admits(struct http_req *r, enum shed_rank rank)
{
	struct http_server *s = r->server;
	int64_t now_us = loop_now_us(s->loop);
	const struct grace_ask ask = {
		.cost = COST_MEMORY, .rank = rank, .budget_us = INT64_MAX, .user = user_of(r)
	};
	unsigned unused = 0;

	look_at_load(s, now_us);
	s->load.tasks = 0;
	return grace_admit(s->grace, &s->load, &ask, now_us, &unused);
}

void admission_measure(struct http_server *s, int64_t now_us)
{
	look_at_load(s, now_us);
	grace_measure(s->grace, &s->load, now_us);
	for (unsigned i = 0; i < GRACE_RESOURCES; i++) {
		struct grace_state state;
		grace_look(s->grace, (enum grace_refusal)i, now_us, &state);
		const struct http_grace_cells *c = &s->cells.grace[i];
		metric_set(c->wait_us, state.wait_us);
		metric_set(c->target_us, state.target_us);
		metric_set(c->load, state.load_permille);
		metric_set(c->budget, state.budget_permille);
		metric_set(c->cut_rank, (int64_t)state.cut);
		metric_set(c->cut, state.cut_permille);
	}
}
