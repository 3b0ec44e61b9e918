/*
 * See admission.h. The surroundings are measured once in a round of the loop, by the first request
 * that has to be decided about.
 */
#include "core/http/admission.h"

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
	s->load.loop_delay_us = delay_meter_standing_us(&s->grace.loop_delay, now_us);
	s->load.tasks_max = task_max(s->loop);
}

static enum shed_rank rank_of(struct http_req *r)
{
	const struct http_site *site = r->call.site;

	return site != NULL && site->rank != NULL ? site->rank(&r->call, &r->server->load)
						  : r->call.op->rank;
}

static bool refuse(struct http_req *r, unsigned why, int64_t now_us, unsigned *ret_retry_after_s)
{
	r->refused_why = (unsigned char)why;
	*ret_retry_after_s = grace_retry_after_s(&r->server->grace, now_us);
	return false;
}

bool admission_ask(struct http_req *r, int64_t now_us, unsigned *ret_retry_after_s)
{
	struct http_server *s = r->server;
	const struct op *op = r->call.op;
	int64_t delay_us = now_us - r->queued_us;

	delay_meter_record(&s->grace.loop_delay, delay_us, now_us);
	hist_record(s->cells.queue_delay[op->cost], delay_us);
	if (op->rank == SHED_NEVER) {
		return true;
	}
	if (now_us >= r->call.deadline_us) {
		return refuse(r, HTTP_REFUSED_LATE, now_us, ret_retry_after_s);
	}
	look_at_load(s, now_us);
	s->load.tasks = r->is_inline ? 0 : task_count(s->loop); /* those need none */
	enum shed_rank rank = rank_of(r);
	if (rank == SHED_RANKS) {
		return refuse(r, HTTP_REFUSED_SITE, now_us, ret_retry_after_s);
	}
	const struct grace_ask ask = { .cost = op->cost,
		.rank = rank,
		.begins = (op->flags & OP_BEGINS) != 0,
		.is_step = (op->flags & OP_STEP) != 0,
		.budget_us = r->call.deadline_us - now_us };
	bool admitted = grace_admit(&s->grace, &s->load, &ask, now_us, ret_retry_after_s);
	if (!admitted) {
		r->refused_why = (unsigned char)s->grace.refused_for;
	}
	return admitted;
}

bool http_admits(struct http_req *r, enum shed_rank rank)
{
	struct http_server *s = r->server;
	int64_t now_us = loop_now_us(s->loop);
	const struct grace_ask ask = { .cost = COST_MEMORY, .rank = rank, .budget_us = INT64_MAX };
	unsigned unused = 0;

	look_at_load(s, now_us);
	s->load.tasks = 0;
	return grace_admit(&s->grace, &s->load, &ask, now_us, &unused);
}
