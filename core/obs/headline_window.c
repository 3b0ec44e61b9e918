/*
 * Samples of the metrics block, one a second, and what lies between the newest and the oldest of
 * them: rates, quantiles, shares.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/obs/headline_priv.h"

enum {
	US_PER_S = 1000000
};

static struct headline_op_rows find_rows(const struct metrics *m, const struct headline_op *op)
{
	const struct headline_op_rows r = {
		.cost_class = op->cost_class,
		.deadline_us = op->deadline_us,
		.requests = metric_row_find(m, "http_requests_total", op->name),
		.refused = metric_row_find(m, "http_refused_total", op->name),
		.client_errors = metric_row_find(m, "http_client_errors_total", op->name),
		.server_errors = metric_row_find(m, "http_server_errors_total", op->name),
		.duration = metric_row_find(m, "http_request_seconds", op->name),
	};

	CHECK(r.requests != NULL && r.refused != NULL && r.client_errors != NULL &&
	      r.server_errors != NULL && r.duration != NULL);
	return r;
}

static unsigned find_op(const struct headline_source *source, const char *name)
{
	unsigned i = 0;

	while (i < source->n_ops && strcmp(source->ops[i].name, name) != 0) {
		i++;
	}
	CHECK(i < source->n_ops); /* service_verify() has seen the row */
	return i;
}

static struct headline_activity find_activity(
    const struct headline_source *source, const struct activity *def)
{
	struct headline_activity a = { .def = def };

	while (a.n < ACTIVITY_OPS && def->ops[a.n] != NULL) {
		a.ops[a.n] = find_op(source, def->ops[a.n]);
		a.n++;
	}
	return a;
}

enum err headline_window_open(struct headline_window *w, const struct headline_source *source)
{
	*w = (struct headline_window){
		.metrics = source->metrics,
		.ops = calloc(source->n_ops + 1, sizeof(*w->ops)),
		.cores = source->cores,
		.commit = metric_row_find(source->metrics, "store_commit_seconds", NULL),
		.oldest_mail =
		    metric_row_find(source->metrics, "mail_oldest_created_seconds", NULL),
	};
	if (w->ops == NULL || role_use_open(&w->use, source->metrics) != ERR_OK) {
		return ERR_MEMORY;
	}
	CHECK(source->n_activities <= HEADLINE_ACTIVITIES && source->cores > 0);
	for (unsigned i = 0; i < source->n_ops; i++) {
		CHECK(source->ops[i].cost_class < HEADLINE_CLASSES);
		w->ops[w->n_ops++] = find_rows(source->metrics, &source->ops[i]);
	}
	for (unsigned i = 0; i < source->n_activities; i++) {
		w->activities[w->n_activities++] = find_activity(source, source->activities[i]);
	}
	return ERR_OK;
}

void headline_window_close(struct headline_window *w)
{
	free(w->ops);
	w->ops = NULL;
	role_use_close(&w->use);
}

/* ---- sampling ---- */

/* Records surely longer than limit_us: those of buckets that begin there or behind. */
static int64_t count_above(const struct hist *h, int64_t limit_us)
{
	int64_t n = 0;

	for (int i = HIST_BUCKETS - 1; i > 0 && hist_bucket_limit_us(i - 1) >= limit_us; i--) {
		n += metric_get(&h->bucket[i]);
	}
	return n;
}

static void sample_op(
    const struct headline_window *w, const struct headline_op_rows *op, struct headline_raw *raw)
{
	int64_t refused = metric_row_sum(w->metrics, op->refused);
	int64_t errors = metric_row_sum(w->metrics, op->server_errors);
	struct hist duration = { 0 };

	metric_row_merge(w->metrics, op->duration, &duration);
	raw->refused += refused;
	raw->errors += errors;
	raw->good += metric_row_sum(w->metrics, op->requests) - refused - errors -
		     count_above(&duration, op->deadline_us);
	hist_merge(&raw->by_class[op->cost_class], &duration);
}

static int64_t completed(const struct headline_window *w, const struct headline_activity *a)
{
	int64_t n = 0;

	for (unsigned i = 0; i < a->n; i++) {
		const struct headline_op_rows *op = &w->ops[a->ops[i]];
		n += metric_row_sum(w->metrics, op->requests) -
		     metric_row_sum(w->metrics, op->refused) -
		     metric_row_sum(w->metrics, op->client_errors) -
		     metric_row_sum(w->metrics, op->server_errors);
	}
	return n;
}

const struct headline_raw *headline_window_newest(const struct headline_window *w)
{
	CHECK(w->n > 0);
	return &w->samples[(w->n - 1) % HEADLINE_SAMPLES];
}

void headline_window_sample(struct headline_window *w, int64_t now_us)
{
	struct headline_raw *raw = &w->samples[w->n % HEADLINE_SAMPLES];

	memset(raw, 0, sizeof(*raw));
	raw->at_us = now_us;
	for (unsigned i = 0; i < w->n_ops; i++) {
		sample_op(w, &w->ops[i], raw);
	}
	for (unsigned i = 0; i < w->n_activities; i++) {
		raw->activities[i] = completed(w, &w->activities[i]);
	}
	if (w->commit != NULL) {
		metric_row_merge(w->metrics, w->commit, &raw->commit);
	}
	role_use_take(&w->use, now_us);
	raw->use = w->use.look;
	w->n++;
}

/* ---- figures ---- */

static double rate(int64_t newer, int64_t older, double seconds)
{
	return newer > older && seconds > 0 ? (double)(newer - older) / seconds : 0;
}

/* Quantile in seconds of what came to a histogram; NAN: nothing did. */
static double quantile(const struct hist *newer, const struct hist *older, double q)
{
	struct hist h = { 0 };
	int64_t n = 0;

	for (int i = 0; i < HIST_BUCKETS; i++) {
		int64_t here = metric_get(&newer->bucket[i]) - metric_get(&older->bucket[i]);
		h.bucket[i] = here > 0 ? here : 0;
		n += h.bucket[i];
	}
	return n == 0 ? (double)NAN : (double)hist_quantile_us(&h, q) / US_PER_S;
}

/* Users of the service whose activities begin at *i, which moves behind them. */
static double users_of_service(
    const struct headline_window *w, const struct headline_figures *figures, unsigned *i)
{
	const char *name = w->activities[*i].def->name;
	size_t len = strcspn(name, ".") + 1;
	double counted = 0, per_million = 0;

	for (; *i < w->n_activities; (*i)++) {
		const struct activity *def = w->activities[*i].def;
		if (strncmp(def->name, name, len) != 0) {
			break;
		}
		if (def->per_million > 0) {
			counted += figures->activities[*i];
			per_million += def->per_million;
		}
	}
	return per_million > 0 ? 1e6 * counted / per_million : 0;
}

/* Users of one service may be those of another: the one with the most tells how many there are. */
static void take_activities(const struct headline_window *w, const struct headline_raw *newer,
    const struct headline_raw *older, double seconds, struct headline_figures *ret)
{
	double most = 0;

	for (unsigned i = 0; i < w->n_activities; i++) {
		ret->activities[i] = rate(newer->activities[i], older->activities[i], seconds);
	}
	for (unsigned i = 0; i < w->n_activities;) {
		double users = users_of_service(w, ret, &i);
		most = users > most ? users : most;
	}
	ret->single[HEADLINE_ACTIVE_USERS] = most;
}

static double longest_wait(const struct headline_window *w)
{
	int64_t longest_us = 0;

	for (unsigned i = 0; i < w->n && i < HEADLINE_SAMPLES; i++) {
		for (enum role_id role = ROLE_WEB; role < ROLE_COUNT; role++) {
			int64_t us = w->samples[i].use.longest_wait_us[role];
			longest_us = us > longest_us ? us : longest_us;
		}
	}
	return (double)longest_us / US_PER_S;
}

static double mail_delay(const struct headline_window *w, int64_t wall_ms)
{
	int64_t created_s = w->oldest_mail == NULL ? 0 : metric_row_sum(w->metrics, w->oldest_mail);

	return created_s == 0 || created_s > wall_ms / 1000
		   ? 0
		   : (double)wall_ms / 1000 - (double)created_s;
}

void headline_window_figures(
    const struct headline_window *w, int64_t wall_ms, struct headline_figures *ret)
{
	const struct headline_raw *newer = headline_window_newest(w);
	const struct headline_raw *older =
	    &w->samples[w->n <= HEADLINE_SAMPLES ? 0 : w->n % HEADLINE_SAMPLES];
	double seconds = (double)(newer->at_us - older->at_us) / US_PER_S;

	*ret = (struct headline_figures){ .fullest = "" };
	ret->single[HEADLINE_GOODPUT] = rate(newer->good, older->good, seconds);
	ret->single[HEADLINE_REFUSED] = rate(newer->refused, older->refused, seconds);
	ret->single[HEADLINE_ERRORS] = rate(newer->errors, older->errors, seconds);
	ret->single[HEADLINE_QUEUE_WAIT] = longest_wait(w);
	ret->single[HEADLINE_COMMIT_P99] = quantile(&newer->commit, &older->commit, 0.99);
	ret->single[HEADLINE_MAIL_DELAY] = mail_delay(w, wall_ms);
	ret->single[HEADLINE_CORES_BUSY] = role_use_cores(&newer->use, &older->use);
	for (unsigned i = 0; i < HEADLINE_CLASSES; i++) {
		ret->p50[i] = quantile(&newer->by_class[i], &older->by_class[i], 0.5);
		ret->p99[i] = quantile(&newer->by_class[i], &older->by_class[i], 0.99);
	}
	take_activities(w, newer, older, seconds, ret);
	ret->single[HEADLINE_LINE_SHARE] =
	    role_use_fullest(&newer->use, &older->use, w->cores, &ret->fullest);
}
