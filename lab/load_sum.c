/*
 * Percentiles of the whole are those of merged histograms.
 */
#include "lab/load_sum.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lab/quantity.h"

enum {
	SAMPLES_FOR_P99 = 1000 /* ten above it */
};

static void add(struct load_sum *s, const struct load_activity *a)
{
	s->begun += a->begun;
	s->done += a->done;
	s->refused += a->refused;
	s->failed += a->failed;
	s->gave_up += a->gave_up;
	s->unfinished += a->unfinished;
	hdr_merge(&s->latency, &a->latency);
}

struct load_sum load_sum_new(const struct load_result *r, const struct load_activity *activity)
{
	struct load_sum s = { .begun = 0 };

	for (unsigned i = 0; i < r->n_activities; i++) {
		if (activity == NULL || activity == &r->activities[i]) {
			add(&s, &r->activities[i]);
		}
	}
	return s;
}

void load_sum_fini(struct load_sum *s)
{
	hdr_fini(&s->latency);
}

static void put_share(struct buf *out, uint64_t part, uint64_t whole, const char *what)
{
	if (part > 0) {
		buf_append_str(out, ", ");
		quantity_put(QUANTITY_SHARE, (double)part / (double)whole, out);
		buf_append_str(out, what);
	}
}

static void put_latency(struct buf *out, const struct hdr *h)
{
	buf_append_str(out, ", half of them within ");
	quantity_put(QUANTITY_MS, (double)hdr_quantile_us(h, 0.5) / 1000, out);
	buf_append_str(out, " and 99 of 100 within ");
	quantity_put(QUANTITY_MS, (double)hdr_quantile_us(h, 0.99) / 1000, out);
}

void load_sum_sentence(const struct load_result *r, struct buf *out)
{
	struct load_sum s = load_sum_new(r, NULL);

	quantity_put(QUANTITY_NUMBER, r->plan.users, out);
	buf_printf(out, " active users of %s for %.0f s: ", r->model->name, r->elapsed_s);
	if (s.begun == 0) {
		buf_append_str(out, "nothing began");
	} else if (s.done == s.begun) {
		buf_printf(out, "all %llu activities were done", (unsigned long long)s.begun);
	} else {
		quantity_put(QUANTITY_SHARE, (double)s.done / (double)s.begun, out);
		buf_printf(out, " of %llu activities were done", (unsigned long long)s.begun);
		put_share(out, s.refused, s.begun, " were refused");
		put_share(out, s.failed, s.begun, " failed");
		put_share(out, s.gave_up, s.begun, " ended because a user's patience did");
		put_share(out, s.unfinished, s.begun, " were not over at the end");
	}
	if (s.latency.count > 0) {
		put_latency(out, &s.latency);
	}
	load_sum_fini(&s);
}

/* ---- caveats ---- */

struct caveats {
	char (*texts)[LOAD_TEXT_BYTES];
	unsigned n;
};

static void say(struct caveats *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void say(struct caveats *c, const char *fmt, ...)
{
	va_list args;

	if (c->n == LOAD_CAVEATS_MAX) {
		return;
	}
	va_start(args, fmt);
	(void)vsnprintf(c->texts[c->n++], LOAD_TEXT_BYTES, fmt, args);
	va_end(args);
}

static bool is_this_machine(const char *url)
{
	const char *host = strstr(url, "://");

	host = host == NULL ? url : host + 3;
	return strncmp(host, "127.", 4) == 0 || strncmp(host, "localhost", 9) == 0 ||
	       strncmp(host, "[::1]", 5) == 0;
}

unsigned load_sum_caveats(const struct load_result *r, char (*ret)[LOAD_TEXT_BYTES])
{
	struct caveats c = { ret, 0 };
	struct load_sum s = load_sum_new(r, NULL);

	if (r->interrupted) {
		say(&c, "The run was interrupted; the figures are those up to then.");
	}
	if (isfinite(load_result_answered_until_s(r))) {
		say(&c, "The target answered nothing from second %.0f on.",
		    load_result_answered_until_s(r));
	}
	if (is_this_machine(r->plan.url)) {
		say(&c, "The target and this generator shared the processors of one machine, and "
			"nothing crossed a network.");
	}
	if (s.latency.count > 0 && s.latency.count < SAMPLES_FOR_P99) {
		say(&c,
		    "Only %llu activities were done: fewer than ten lie above the 99th percentile, "
		    "so it may be far off.",
		    (unsigned long long)s.latency.count);
	}
	if (s.unfinished > 0) {
		say(&c,
		    "%llu activities were not over at the end; their latency is not in the figures.",
		    (unsigned long long)s.unfinished);
	}
	if (r->plan.warm_up_s <= 0 && r->model->n_activities > 0) { /* a replay has no model */
		say(&c,
		    "Nothing was left out at the beginning (--warm-up), where caches are cold.");
	}
	if (r->model->warm >= 0 && r->plan.warm_users <= 0) {
		say(&c,
		    "Nobody had been here before (--warm): everybody's first activity signs up or logs "
		    "in, which costs more than usual.");
	}
	if (r->warm_failed > 0) {
		say(&c, "%llu of the users could not be prepared.",
		    (unsigned long long)r->warm_failed);
	}
	say(&c, "This is one run: two of them differ by more than the figures of one show "
		"(plimsoll report diff).");
	load_sum_fini(&s);
	return c.n;
}
