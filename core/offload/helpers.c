/*
 * See helpers.h.
 */
#include "core/offload/helpers.h"

#include <stdio.h>
#include <string.h>

#include "core/base/check.h"
#include "core/rpc/rpc.h"

void helpers_init(struct helpers *h, uint64_t kind)
{
	*h = (struct helpers){ .kind = kind };
}

static int find(const struct helpers *h, const char *name, const char *run)
{
	for (unsigned i = 0; i < HELPERS_MAX; i++) {
		const struct helper *p = &h->list[i];
		if (p->used && strcmp(p->run, run) == 0 && strcmp(p->name, name) == 0) {
			return (int)i;
		}
	}
	return -1;
}

static int find_free(const struct helpers *h)
{
	for (unsigned i = 0; i < HELPERS_MAX; i++) {
		if (!h->list[i].used) {
			return (int)i;
		}
	}
	return -1;
}

enum helpers_news helpers_heard(struct helpers *h, const char *name, const char *run,
    const struct announce *a, int64_t now_us, unsigned *ret_i)
{
	int i = find(h, name, run);
	const bool is_new = i < 0;

	if (is_new && (i = find_free(h)) < 0) {
		return HELPER_TOO_MANY;
	}
	struct helper *p = &h->list[i];
	if (is_new) {
		*p = (struct helper){ .used = true };
		snprintf(p->name, sizeof(p->name), "%s", name);
		snprintf(p->run, sizeof(p->run), "%s", run);
	}
	const bool left_before = p->said.leaving;
	p->said = *a;
	p->heard_us = p->said_us = now_us;
	*ret_i = (unsigned)i;
	if (a->leaving) {
		return is_new || left_before ? HELPER_AS_BEFORE : HELPER_LEAVES;
	}
	return is_new ? HELPER_JOINED : HELPER_AS_BEFORE;
}

void helpers_told(struct helpers *h, unsigned i, int64_t wait_us, int64_t now_us)
{
	struct helper *p = &h->list[i];

	p->said.wait_us = wait_us;
	p->said_us = p->heard_us = now_us;
}

int helpers_silent(const struct helpers *h, int64_t now_us)
{
	for (unsigned i = 0; i < HELPERS_MAX; i++) {
		const struct helper *p = &h->list[i];
		if (p->used && now_us - p->heard_us > HELPER_SILENT_US) {
			return (int)i;
		}
	}
	return -1;
}

void helpers_forget(struct helpers *h, unsigned i)
{
	CHECK(h->list[i].out == 0);
	h->list[i].used = false;
}

static bool is_ours(const struct helpers *h, const struct helper *p)
{
	return p->used && p->said.kind == h->kind && !p->said.leaving && p->said.processes > 0;
}

static bool takes_jobs(const struct helpers *h, const struct helper *p)
{
	return is_ours(h, p) && p->said.wait_us != RPC_WAIT_CLOSED && p->out < HELPER_OUT_MAX &&
	       p->out < p->said.jobs_max && p->said.jobs < p->said.jobs_max;
}

int64_t helpers_wait_us(const struct helpers *h, unsigned i, int64_t now_us)
{
	const struct helper *p = &h->list[i];
	const int64_t said_us = p->said.wait_us - (now_us - p->said_us);
	const int64_t own_us = p->out < p->said.processes ? 0 : p->out_us / p->said.processes;

	return said_us > own_us ? said_us : own_us;
}

bool helpers_is_idle(const struct helpers *h, unsigned i)
{
	return h->list[i].out == 0 && h->list[i].said.jobs == 0;
}

int helpers_choose(const struct helpers *h, int except, int64_t now_us)
{
	int best = -1;
	int64_t best_us = INT64_MAX;

	for (unsigned i = 0; i < HELPERS_MAX; i++) {
		if ((int)i == except || !takes_jobs(h, &h->list[i])) {
			continue;
		}
		const int64_t us = helpers_wait_us(h, i, now_us);
		/* Where nobody waits, the one with most processes that have nothing of ours. */
		const bool is_emptier =
		    best >= 0 && us == best_us &&
		    (int64_t)h->list[i].said.processes - h->list[i].out >
			(int64_t)h->list[best].said.processes - h->list[best].out;
		if (best < 0 || us < best_us || is_emptier) {
			best = (int)i;
			best_us = us;
		}
	}
	return best;
}

void helpers_sent(struct helpers *h, unsigned i, int64_t cost_us)
{
	h->list[i].out++;
	h->list[i].out_us += cost_us;
}

void helpers_ended(struct helpers *h, unsigned i, int64_t cost_us)
{
	CHECK(h->list[i].out > 0);
	h->list[i].out--;
	h->list[i].out_us -= cost_us;
}

struct helpers_count helpers_count(const struct helpers *h)
{
	struct helpers_count n = { 0 };

	for (unsigned i = 0; i < HELPERS_MAX; i++) {
		const struct helper *p = &h->list[i];
		if (is_ours(h, p)) {
			n.usable++;
			n.processes += p->said.processes;
		}
		n.strangers += p->used && p->said.kind != h->kind;
	}
	return n;
}
