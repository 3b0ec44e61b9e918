/*
 * What of a log is replayed, and when.
 */
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "lab/chance.h"
#include "lab/replay_priv.h"

enum {
	PATTERN_BYTES = 4096,
	TIMES_STREAM = 71,
	SHUFFLE_STREAM = 72,
};

/* ---- filters ---- */

static bool is_listed(struct slice list, struct slice word)
{
	for (struct slice piece; slice_split(&list, ',', &piece);) {
		if (slice_eq_nocase(slice_trim(piece), word)) {
			return true;
		}
	}
	return false;
}

/* "404" is one, "4xx" are all that begin so. */
static bool status_is_listed(struct slice list, int status)
{
	char text[8], class[8];

	(void)snprintf(text, sizeof(text), "%d", status);
	(void)snprintf(class, sizeof(class), "%dxx", status / 100);
	return is_listed(list, slice_str(text)) || is_listed(list, slice_str(class));
}

/* Without * and ? what the path begins with. */
static bool path_matches(const char *pattern, struct slice path)
{
	char text[ACCESS_PATH_MOST + 1];

	if (strpbrk(pattern, "*?[") == NULL) {
		return slice_starts(path, slice_str(pattern));
	}
	return slice_to_cstr(path, text, sizeof(text)) == ERR_OK && fnmatch(pattern, text, 0) == 0;
}

/* A time of the calendar, or seconds ("90", "10m", "2h") from the first request. */
static enum err parse_moment(
    const char *text, int64_t first_us, int64_t *ret_us, struct err_note *note)
{
	struct log_time t;
	struct slice s = slice_str(text);
	char unit = s.len == 0 ? '\0' : s.ptr[s.len - 1];
	double factor = unit == 'm' ? 60 : unit == 'h' ? 3600 : 1;
	bool scaled = unit == 's' || unit == 'm' || unit == 'h';
	uint64_t n = 0;

	if (slice_to_u64(slice_sub(s, 0, s.len - (scaled ? 1 : 0)), 100000000, &n) == ERR_OK) {
		*ret_us = first_us + (int64_t)((double)n * factor * 1e6);
		return ERR_OK;
	}
	if (log_time_parse(s, &t) != ERR_OK) {
		return err_note_set(note, ERR_INVALID,
		    "\"%s\" is no time: 2026-05-31T12:00:00Z, or 10m from the first request", text);
	}
	*ret_us = t.us;
	return ERR_OK;
}

struct window {
	int64_t since_us, until_us;
};

static enum err find_window(const struct access_log *log, const struct replay_plan *plan,
    struct window *ret, struct err_note *note)
{
	int64_t first_us = log->records[0].time_us;
	enum err e = ERR_OK;

	*ret = (struct window){ INT64_MIN, INT64_MAX };
	if ((plan->since != NULL || plan->until != NULL) && !log->is_timed) {
		return err_note_set(note, ERR_INVALID, "the log has no times to begin or end at");
	}
	if (plan->since != NULL) {
		e = parse_moment(plan->since, first_us, &ret->since_us, note);
	}
	if (e == ERR_OK && plan->until != NULL) {
		e = parse_moment(plan->until, first_us, &ret->until_us, note);
	}
	return e;
}

static bool is_wanted(const struct access_log *log, const struct replay_plan *plan,
    const struct window *w, const struct access_record *r)
{
	bool all = strcmp(plan->methods, "all") == 0;

	return r->time_us >= w->since_us && r->time_us < w->until_us &&
	       (all || is_listed(slice_str(plan->methods), names_text(&log->methods, r->method))) &&
	       (plan->path == NULL || path_matches(plan->path, names_text(&log->paths, r->path))) &&
	       (plan->status == NULL || status_is_listed(slice_str(plan->status), r->status));
}

/* ---- times ---- */

static int by_number(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Requests of the same second lie anywhere in it, in the log's order. */
static void spread(const struct access_log *log, struct replay_schedule *s, struct chance *c)
{
	for (size_t from = 0, to = 0; from < s->n; from = to) {
		const struct access_record *r = &log->records[s->records[from]];
		for (to = from; to < s->n; to++) {
			const struct access_record *other = &log->records[s->records[to]];
			if (!other->whole_second || other->time_us != r->time_us) {
				break;
			}
			s->due_us[to] = r->time_us + (int64_t)chance_below(c, 1000000);
		}
		if (to == from) {
			s->due_us[to++] = r->time_us;
		}
		qsort(s->due_us + from, to - from, sizeof(*s->due_us), by_number);
	}
}

static enum err set_times(const struct access_log *log, const struct replay_plan *plan,
    struct replay_schedule *s, struct err_note *note)
{
	struct chance c = chance_new(plan->load.seed, TIMES_STREAM);
	double speed = plan->speed;

	if (plan->times == REPLAY_FAST) {
		return ERR_OK; /* all at 0 */
	}
	if (!log->is_timed && plan->per_second <= 0) {
		return err_note_set(note, ERR_INVALID,
		    "the log has no times: --rate says how many a second, --times fast as many as are answered");
	}
	double length_s = (double)s->n / (plan->per_second > 0 ? plan->per_second : 1);
	if (log->is_timed) {
		spread(log, s, &c);
		double own_s = (double)(s->due_us[s->n - 1] - s->due_us[0]) / 1e6;
		speed = plan->per_second > 0 && own_s > 0 ? own_s / length_s : speed;
		length_s = own_s / speed;
	}
	if (plan->times == REPLAY_POISSON || !log->is_timed) {
		double at_us = 0;
		/* n gaps, the first before the first request. */
		double mean_us = length_s * 1e6 / (double)s->n;
		for (size_t i = 0; i < s->n; i++) {
			at_us +=
			    mean_us * (plan->times == REPLAY_POISSON ? chance_exponential(&c) : 1);
			s->due_us[i] = (int64_t)at_us;
		}
	} else {
		int64_t first_us = s->due_us[0];
		for (size_t i = 0; i < s->n; i++) {
			s->due_us[i] = (int64_t)((double)(s->due_us[i] - first_us) / speed);
		}
	}
	s->length_s = (double)s->due_us[s->n - 1] / 1e6;
	return ERR_OK;
}

static void shuffle(struct replay_schedule *s, uint64_t seed)
{
	struct chance c = chance_new(seed, SHUFFLE_STREAM);

	for (size_t i = s->n; i > 1; i--) {
		size_t k = chance_below(&c, i);
		uint32_t record = s->records[i - 1];
		s->records[i - 1] = s->records[k];
		s->records[k] = record;
	}
}

/* For n places; what there is, is freed with it in any case. */
static bool has_room(struct replay_schedule *s, size_t n)
{
	s->records = calloc(n, sizeof(*s->records));
	s->clients = calloc(n, sizeof(*s->clients));
	s->due_us = calloc(n, sizeof(*s->due_us));
	return s->records != NULL && s->clients != NULL && s->due_us != NULL;
}

/* Those of the log, folded into as many as are wanted; where it names none, each in turn. */
static void set_clients(
    const struct access_log *log, const struct replay_plan *plan, struct replay_schedule *s)
{
	s->n_clients = plan->clients > 0  ? plan->clients
		       : log->has_clients ? log->clients.n
					  : REPLAY_CLIENTS_USUAL;
	for (size_t i = 0; i < s->n; i++) {
		uint32_t number =
		    log->has_clients ? log->records[s->records[i]].client : (uint32_t)i;
		s->clients[i] = number % s->n_clients;
	}
}

enum err replay_schedule_make(const struct access_log *log, const struct replay_plan *plan,
    struct replay_schedule *ret, struct err_note *note)
{
	struct replay_schedule s = { 0 };
	struct window w;

	enum err e = find_window(log, plan, &w, note);
	if (e == ERR_OK && !has_room(&s, log->n)) {
		e = err_note_set(note, ERR_MEMORY, "no memory for the schedule");
	}
	for (size_t i = 0; e == ERR_OK && i < log->n; i++) {
		bool room = plan->most == 0 || s.n < plan->most;
		if (room && is_wanted(log, plan, &w, &log->records[i])) {
			s.records[s.n++] = (uint32_t)i;
		} else {
			s.left_out++;
		}
	}
	if (e == ERR_OK && s.n == 0) {
		e = err_note_set(note, ERR_INVALID,
		    "none of the %zu requests is replayed: methods (%s), path, status and time say so",
		    log->n, plan->methods);
	}
	if (e == ERR_OK && plan->shuffle && log->is_timed && plan->times == REPLAY_ORIGINAL) {
		e = err_note_set(note, ERR_INVALID,
		    "in random order the times of the log mean nothing: --times poisson");
	}
	if (e == ERR_OK) {
		e = set_times(log, plan, &s, note);
	}
	if (e == ERR_OK && plan->shuffle) {
		shuffle(&s, plan->load.seed);
	}
	if (e != ERR_OK) {
		replay_schedule_free(&s);
		return e;
	}
	set_clients(log, plan, &s);
	*ret = s;
	return ERR_OK;
}

enum err replay_schedule_share(
    const struct replay_schedule *all, unsigned share, unsigned of, struct replay_schedule *ret)
{
	struct replay_schedule s = { .length_s = all->length_s,
		.n_clients = (all->n_clients - share + of - 1) / of };

	if (!has_room(&s, all->n)) {
		replay_schedule_free(&s);
		return ERR_MEMORY;
	}
	for (size_t i = 0; i < all->n; i++) {
		if (all->clients[i] % of == share) {
			s.records[s.n] = all->records[i];
			s.clients[s.n] = all->clients[i] / of;
			s.due_us[s.n++] = all->due_us[i];
		}
	}
	*ret = s;
	return ERR_OK;
}

void replay_schedule_free(struct replay_schedule *s)
{
	free(s->records);
	free(s->clients);
	free(s->due_us);
	s->records = s->clients = NULL;
	s->due_us = NULL;
	s->n = 0;
}
