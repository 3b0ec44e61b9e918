/*
 * GET /api/stats/: how much was uploaded today, yesterday, in this month and in 30 days, by the
 * caller or (with view_all_uploads) by all; and the caller's tokens.
 */
#include "core/base/clock.h"
#include "core/ev/task.h"
#include "services/symbols/symbols_json.h"
#include "services/symbols/symbols_priv.h"
#include "services/symbols/symbols_time.h"
#include "services/symbols/symbols_who.h"
#include "services/symbols/upload_row.h"

enum {
	DAY_MS = 86400000,
	DAYS = 30,
	BATCH = 200,
	ROWS_MAX = 20000, /* the newest, that are counted; as many as two months of a large team */
	ROWS_BETWEEN = 2000,
	PAUSE_US = 1000,
	JSON_MAX = 8 * 1024
};

enum span {
	TODAY,
	YESTERDAY,
	THIS_MONTH,
	LAST_30_DAYS,
	SPANS
};

static const struct slice span_names[SPANS] = { { "today", 5 }, { "yesterday", 9 },
	{ "this_month", 10 }, { "last_30_days", 12 } };

struct stats {
	int64_t from_ms[SPANS], until_ms[SPANS];
	int64_t uploads[SPANS], bytes[SPANS], files[SPANS];
	int64_t oldest_ms, scanned;
	int64_t now_ms, tokens, expired;
};

static void set_spans(struct stats *s, int64_t now_ms)
{
	int64_t today = now_ms - now_ms % DAY_MS, month = today;
	char text[SYMBOLS_TIME_SIZE];
	uint64_t day = 1;

	if (slice_to_u64(SLICE_OF(symbols_time_text(now_ms, text) + 8, 2), 31, &day) == ERR_OK) {
		month = today - (int64_t)(day - 1) * DAY_MS;
	}
	*s = (struct stats){ .from_ms = { today, today - DAY_MS, month,
				 now_ms - (int64_t)DAYS * DAY_MS },
		.until_ms = { INT64_MAX, today, INT64_MAX, INT64_MAX },
		.now_ms = now_ms };
	s->oldest_ms = s->from_ms[LAST_30_DAYS] < month ? s->from_ms[LAST_30_DAYS] : month;
}

static enum err count_upload(void *arg, const struct upload_row *r)
{
	struct stats *s = arg;

	s->scanned++;
	for (unsigned i = 0; i < SPANS; i++) {
		if (r->created_ms >= s->from_ms[i] && r->created_ms < s->until_ms[i]) {
			s->uploads[i]++;
			s->bytes[i] += r->size;
			s->files[i] += r->files;
		}
	}
	return r->created_ms < s->oldest_ms ? ERR_END : ERR_OK;
}

static enum err count_uploads(struct op_call *c, const struct symbols_who *who, struct stats *s)
{
	const struct svc_env *env = c->env;
	bool all = (who->permissions & SYMBOLS_VIEW_ALL) != 0;
	int64_t before = INT64_MAX, n = BATCH;
	enum err e = ERR_OK;

	while (e == ERR_OK && n == BATCH && s->scanned < ROWS_MAX) {
		e = upload_rows_before(env->db, all ? SLICE_EMPTY : who->email, &before, BATCH,
		    count_upload, s, &n, &c->note);
		if (e == ERR_OK && s->scanned % ROWS_BETWEEN == 0) {
			e = task_sleep(PAUSE_US);
		}
	}
	return e == ERR_END ? ERR_OK : e;
}

static enum err count_token(void *arg, const struct symbols_token *t)
{
	struct stats *s = arg;

	s->tokens++;
	s->expired += t->expires_ms <= s->now_ms ? 1 : 0;
	return ERR_OK;
}

/* bytes NULL: they are not known. */
static void put_spans(struct json_writer *w, const int64_t *counts, const int64_t *bytes)
{
	for (unsigned i = 0; i < SPANS; i++) {
		json_put_name(w, span_names[i]);
		json_begin_object(w);
		symbols_put_number(w, SLICE("count"), counts[i]);
		if (bytes != NULL) {
			symbols_put_number(w, SLICE("total_size"), bytes[i]);
		}
		json_end_object(w);
	}
}

static void put_stats(struct json_writer *w, const struct symbols_who *who, const struct stats *s)
{
	json_begin_object(w);
	json_put_name(w, SLICE("stats"));
	json_begin_object(w);
	json_put_name(w, SLICE("uploads"));
	json_begin_object(w);
	symbols_put_flag(w, SLICE("all_uploads"), (who->permissions & SYMBOLS_VIEW_ALL) != 0);
	put_spans(w, s->uploads, s->bytes);
	json_end_object(w);
	json_put_name(w, SLICE("files"));
	json_begin_object(w);
	put_spans(w, s->files, NULL);
	json_end_object(w);
	json_put_name(w, SLICE("tokens"));
	json_begin_object(w);
	symbols_put_number(w, SLICE("total"), s->tokens);
	symbols_put_number(w, SLICE("expired"), s->expired);
	json_end_object(w);
	json_end_object(w);
	json_end_object(w);
}

enum err symbols_stats(struct op_call *c)
{
	const struct svc_env *env = c->env;
	struct buf *out = arena_buf(c->arena, JSON_MAX);
	struct symbols_who who;
	struct stats s;
	bool good = false;
	enum err e = symbols_who_may(c, 0, SYMBOLS_LOOK, &who, &good);

	if (e != ERR_OK || !good) {
		return e;
	}
	set_spans(&s, clock_wall_ms());
	e = out == NULL ? ERR_MEMORY : count_uploads(c, &who, &s);
	e = e == ERR_OK ? symbols_token_each(env->db, who.email, count_token, &s, &c->note) : e;
	if (e != ERR_OK) {
		return e;
	}
	struct json_writer w = json_writer_new(out);
	put_stats(&w, &who, &s);
	return symbols_reply(c, 200, out);
}
