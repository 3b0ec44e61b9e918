/*
 * A ring; percentiles come from the histograms added up.
 */
#include "lab/fleet_seconds.h"

static struct fleet_second *at(struct fleet_seconds *s, uint64_t number)
{
	return &s->open[number % FLEET_SECONDS_OPEN];
}

static void close_first(struct fleet_seconds *s)
{
	struct fleet_second *c = at(s, s->first);
	struct load_result *r = s->result;
	struct load_now *now = &c->sum;

	if (c->told > 0) {
		now->latency = &c->latency;
		now->second.p50_us = hdr_quantile_us(&c->latency, 0.5);
		now->second.p99_us = hdr_quantile_us(&c->latency, 0.99);
		if (now->kept && r->n_seconds < LOAD_SECONDS_MAX) {
			r->seconds[r->n_seconds++] = now->second;
		}
		if (r->plan.at_second != NULL) {
			r->plan.at_second(r->plan.second_arg, now);
		}
	}
	hdr_fini(&c->latency);
	*c = (struct fleet_second){ .told = 0 };
	s->first++;
}

static void add(struct load_now *to, const struct load_now *from)
{
	struct load_second *s = &to->second;

	s->begun += from->second.begun;
	s->done += from->second.done;
	s->refused += from->second.refused;
	s->failed += from->second.failed;
	s->gave_up += from->second.gave_up;
	s->length_s = from->second.length_s > s->length_s ? from->second.length_s : s->length_s;
	to->running += from->running;
	to->warmed += from->warmed;
	to->to_warm += from->to_warm;
	to->at_s = from->at_s > to->at_s ? from->at_s : to->at_s;
	to->left_s = from->left_s > to->left_s ? from->left_s : to->left_s;
	to->warming_up = to->warming_up || from->warming_up;
	to->kept = to->kept || from->kept;
}

void fleet_seconds_add(
    struct fleet_seconds *s, uint64_t number, const struct load_now *now, unsigned generators)
{
	if (number < s->first) {
		return;
	}
	while (number >= s->first + FLEET_SECONDS_OPEN) {
		close_first(s);
	}
	struct fleet_second *c = at(s, number);
	add(&c->sum, now);
	hdr_merge(&c->latency, now->latency);
	c->told++;
	while (at(s, s->first)->told >= generators) {
		close_first(s);
	}
}

void fleet_seconds_fini(struct fleet_seconds *s)
{
	for (unsigned i = 0; i < FLEET_SECONDS_OPEN; i++) {
		hdr_fini(&s->open[i].latency);
	}
}
