/*
 * Looks over time. Each adds what has grown since the one before to the counters of its role, and
 * keeps all counters with the moment; the use between two moments is a difference.
 */
#include "lab/target_watch.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/host_port.h"
#include "lab/target_priv.h"

enum err target_open(target_fetch_fn *fetch, struct target **ret)
{
	struct target *t = calloc(1, sizeof(*t));

	if (t == NULL) {
		return ERR_MEMORY;
	}
	t->fetch = fetch;
	t->looks = calloc(TARGET_LOOKS_MAX, sizeof(*t->looks));
	t->seen = calloc(TARGET_SEEN_MAX, sizeof(*t->seen));
	if (t->looks == NULL || t->seen == NULL || pthread_mutex_init(&t->lock, NULL) != 0) {
		free(t->looks);
		free(t->seen);
		free(t);
		return ERR_MEMORY;
	}
	*ret = t;
	return ERR_OK;
}

void target_close(struct target **tp)
{
	struct target *t = *tp;

	if (t == NULL) {
		return;
	}
	target_stop(t);
	pthread_mutex_destroy(&t->lock);
	free(t->looks);
	free(t->seen);
	free(t);
	*tp = NULL;
}

/* ---- sources ---- */

static bool is_loopback(const char *address)
{
	char host[HOST_BYTES], port[PORT_BYTES];

	return host_port_split(slice_str(address), host, port) == ERR_OK &&
	       (host[0] == '\0' || strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 ||
		   strcmp(host, "localhost") == 0 || strcmp(host, "0.0.0.0") == 0);
}

/* NAME=PID, NAME=http://HOST:PORT/PATH or without a name. */
static bool read_source(struct target_source *s, struct slice text)
{
	size_t equals = slice_find(text, '=', 0);
	uint64_t pid = 0;
	struct slice name = slice_sub(text, 0, equals), rest = text;

	if (equals < text.len && !slice_starts(text, SLICE("http://"))) {
		rest = slice_sub(text, equals + 1, text.len);
		if (slice_to_cstr(name, s->name, sizeof(s->name)) != ERR_OK || name.len == 0) {
			return false;
		}
	}
	switch (s->kind) {
	case TARGET_PROCESS:
	case TARGET_NAME:
		s->is_local = true;
		s->kind = equals < text.len ? TARGET_PROCESS : TARGET_NAME;
		if (s->kind == TARGET_NAME) {
			return text.len > 0 &&
			       slice_to_cstr(text, s->name, sizeof(s->name)) == ERR_OK;
		}
		s->pid = slice_to_u64(rest, 1 << 30, &pid) == ERR_OK ? (int)pid : 0;
		return s->pid > 0;
	case TARGET_ADMIN:
		return slice_to_cstr(text, s->address, sizeof(s->address)) == ERR_OK;
	case TARGET_METRICS:
		break;
	}
	if (s->name[0] == '\0') {
		(void)snprintf(s->name, sizeof(s->name), "target");
	}
	if (!slice_starts(rest, SLICE("http://"))) {
		return false;
	}
	rest = slice_sub(rest, 7, rest.len);
	size_t slash = slice_find(rest, '/', 0);
	return slice_to_cstr(slice_sub(rest, 0, slash), s->address, sizeof(s->address)) == ERR_OK &&
	       slice_to_cstr(
		   slash < rest.len ? slice_sub(rest, slash, rest.len) : SLICE("/metrics"), s->path,
		   sizeof(s->path)) == ERR_OK;
}

enum err target_add(
    struct target *t, enum target_kind kind, const char *text, struct err_note *note)
{
	struct target_source s = { .kind = kind };

	if (t->n_sources == TARGET_SOURCES_MAX) {
		return err_note_set(
		    note, ERR_LIMIT, "more than %d things to watch", TARGET_SOURCES_MAX);
	}
	if (!read_source(&s, slice_str(text))) {
		return err_note_set(note, ERR_INVALID, "\"%s\" is nothing to watch", text);
	}
	s.is_local = s.is_local || (kind == TARGET_ADMIN && is_loopback(s.address));
	t->sources[t->n_sources++] = s;
	return ERR_OK;
}

bool target_is_local(struct target *t)
{
	for (unsigned i = 0; i < t->n_sources; i++) {
		if (t->sources[i].is_local) {
			return true;
		}
	}
	return false;
}

/* ---- counters ---- */

static size_t slot_of(int64_t who, unsigned what, uint64_t start)
{
	uint64_t h =
	    (uint64_t)who * UINT64_C(0x9e3779b97f4a7c15) + what * UINT64_C(0xbf58476d1ce4e5b9);

	h ^= start * UINT64_C(0x94d049bb133111eb);
	return (size_t)(h ^ h >> 29) % TARGET_SEEN_MAX;
}

static struct target_seen *find_seen(
    struct target_seen *table, int64_t who, unsigned what, uint64_t start)
{
	size_t i = slot_of(who, what, start);

	while (table[i].what != 0 &&
	       (table[i].who != who || table[i].what != what || table[i].start != start)) {
		i = (i + 1) % TARGET_SEEN_MAX;
	}
	return &table[i];
}

/* Those that have not been seen lately are gone. Without memory they stay. */
static void forget_old(struct target *t)
{
	struct target_seen *fresh = calloc(TARGET_SEEN_MAX, sizeof(*fresh));

	if (fresh == NULL) {
		return;
	}
	t->n_seen = 0;
	for (size_t i = 0; i < TARGET_SEEN_MAX; i++) {
		const struct target_seen *s = &t->seen[i];
		if (s->what != 0 && s->round + 2 >= t->round) {
			*find_seen(fresh, s->who, s->what, s->start) = *s;
			t->n_seen++;
		}
	}
	free(t->seen);
	t->seen = fresh;
}

uint64_t target_grown(struct target *t, int64_t who, unsigned what, uint64_t start, uint64_t value)
{
	struct target_seen *s = find_seen(t->seen, who, what, start);
	uint64_t more = value;

	if (s->what == 0) {
		if (t->n_seen >= TARGET_SEEN_MAX * 3 / 4) {
			return 0; /* a look sees more than there is room for */
		}
		t->n_seen++;
		more = t->round <= 1 ? 0 : value;
	} else if (value >= s->value) {
		more = value - s->value;
	}
	*s = (struct target_seen){ who, what, start, value, t->round };
	return more;
}

void target_count(struct target_role *r, enum target_figure f, double more)
{
	r->now[f] += more;
	r->known[f] = true;
}

void target_gauge(struct target_role *r, enum target_figure f, double more)
{
	r->now[f] = r->fresh[f] ? r->now[f] + more : more;
	r->fresh[f] = r->known[f] = true;
}

struct target_role *target_role_of(struct target *t, struct slice name)
{
	name = slice_sub(name, 0, TARGET_NAME_BYTES - 1);
	for (unsigned i = 0; i < t->n_roles; i++) {
		if (slice_eq(slice_str(t->roles[i].name), name)) {
			return &t->roles[i];
		}
	}
	if (t->n_roles == TARGET_ROLES_MAX) {
		return NULL;
	}
	struct target_role *r = &t->roles[t->n_roles++];
	*r = (struct target_role){ .hot_s = 0 };
	memcpy(r->name, name.ptr, name.len);
	return r;
}

/* ---- looks ---- */

static enum err look_at(struct target *t, double elapsed_s, struct err_note *note)
{
	enum err first = ERR_OK;

	for (unsigned i = 0; i < t->n_sources; i++) {
		struct target_source *s = &t->sources[i];
		enum err e = ERR_OK;
		switch (s->kind) {
		case TARGET_PROCESS:
		case TARGET_NAME:
			e = target_proc_look(t, s, elapsed_s, note);
			break;
		case TARGET_ADMIN:
			e = target_admin_look(t, s, elapsed_s, note);
			break;
		case TARGET_METRICS:
			e = target_metrics_look(t, s, elapsed_s, note);
			break;
		}
		first = first == ERR_OK ? e : first;
	}
	return first;
}

/* What is the largest of a look, or a share of it, becomes a counter. */
static void sum_up(struct target_role *r, double elapsed_s)
{
	r->now[TARGET_HOT_S] += fmin(r->hot_s, elapsed_s);
	r->now[TARGET_BUSY_S] += fmin(r->busy_s, elapsed_s);
	if (r->awake > 0) {
		target_count(r, TARGET_BLOCKED_S, elapsed_s * r->blocked / r->awake);
	}
	r->known[TARGET_BLOCKED_S] = r->known[TARGET_BLOCKED_S] || r->known[TARGET_RUN_DELAY_S];
	r->hot_s = r->busy_s = r->blocked = r->awake = 0;
}

/* Every second look goes when there is no room: those left are twice as far apart. */
static void keep_look(struct target *t, int64_t at_us)
{
	if (t->n_looks == TARGET_LOOKS_MAX) {
		for (unsigned i = 0; i < TARGET_LOOKS_MAX / 2; i++) {
			t->looks[i] = t->looks[(size_t)2 * i];
		}
		t->n_looks = TARGET_LOOKS_MAX / 2;
	}
	struct target_looks *l = &t->looks[t->n_looks++];
	l->at_us = at_us;
	for (unsigned r = 0; r < t->n_roles; r++) {
		memcpy(l->figures[r], t->roles[r].now, sizeof(l->figures[r]));
	}
}

enum err target_look(struct target *t, struct err_note *note)
{
	struct err_note own = { 0 };

	pthread_mutex_lock(&t->lock);
	t->round++;
	if (t->n_seen > TARGET_SEEN_MAX / 2) {
		forget_old(t);
	}
	for (unsigned r = 0; r < t->n_roles; r++) {
		memset(t->roles[r].fresh, 0, sizeof(t->roles[r].fresh));
	}
	int64_t at_us = clock_mono_us();
	double elapsed_s = t->last_us == 0 ? 0 : (double)(at_us - t->last_us) / 1e6;
	enum err e = look_at(t, elapsed_s, &own);
	for (unsigned r = 0; r < t->n_roles; r++) {
		sum_up(&t->roles[r], elapsed_s);
	}
	t->last_us = at_us;
	keep_look(t, at_us);
	if (e != ERR_OK) {
		t->trouble = own;
	}
	pthread_mutex_unlock(&t->lock);
	if (e != ERR_OK && note != NULL) {
		*note = own;
	}
	return e;
}

static void *watch(void *arg)
{
	struct target *t = arg;
	const struct timespec wait = { .tv_sec = t->period_ms / 1000,
		.tv_nsec = (long)(t->period_ms % 1000) * 1000000 };

	while (!t->stop) {
		clock_nanosleep(CLOCK_MONOTONIC, 0, &wait, NULL);
		enum err e = target_look(t, NULL);
		(void)e; /* kept as trouble */
	}
	return NULL;
}

enum err target_start(struct target *t, unsigned period_ms, struct err_note *note)
{
	t->period_ms = period_ms;
	t->stop = false;
	int failed = pthread_create(&t->thread, NULL, watch, t);
	if (failed != 0) {
		return err_note_set(
		    note, ERR_SYSTEM, "no thread to watch with: %s", strerror(failed));
	}
	t->running = true;
	return ERR_OK;
}

void target_stop(struct target *t)
{
	if (t->running) {
		t->stop = true;
		pthread_join(t->thread, NULL);
		t->running = false;
	}
}

/* ---- asking ---- */

unsigned target_roles(struct target *t)
{
	pthread_mutex_lock(&t->lock);
	unsigned n = t->n_roles;
	pthread_mutex_unlock(&t->lock);
	return n;
}

const char *target_role_name(struct target *t, unsigned role)
{
	return t->roles[role].name; /* never changes */
}

/* Counters of a role at a moment; false: there are no looks around it. */
static bool at_moment(
    const struct target *t, unsigned role, int64_t at_us, double ret[TARGET_COUNTERS])
{
	unsigned low = 0, high = t->n_looks;

	if (t->n_looks == 0 || at_us < t->looks[0].at_us ||
	    at_us > t->looks[t->n_looks - 1].at_us) {
		return false;
	}
	while (high - low > 1) {
		unsigned middle = (low + high) / 2;
		if (t->looks[middle].at_us <= at_us) {
			low = middle;
		} else {
			high = middle;
		}
	}
	const struct target_looks *a = &t->looks[low];
	const struct target_looks *b = low + 1 < t->n_looks ? &t->looks[low + 1] : a;
	double share =
	    b->at_us > a->at_us ? (double)(at_us - a->at_us) / (double)(b->at_us - a->at_us) : 0;
	for (unsigned f = 0; f < TARGET_COUNTERS; f++) {
		ret[f] = a->figures[role][f] + share * (b->figures[role][f] - a->figures[role][f]);
	}
	return true;
}

bool target_between(
    struct target *t, unsigned role, int64_t from_us, int64_t to_us, struct target_use *ret)
{
	double from[TARGET_COUNTERS], to[TARGET_COUNTERS];
	struct target_use use = { .known = { false } };

	pthread_mutex_lock(&t->lock);
	bool good = role < t->n_roles && to_us > from_us && at_moment(t, role, from_us, from) &&
		    at_moment(t, role, to_us, to);
	if (good) {
		const struct target_role *r = &t->roles[role];
		double seconds = (double)(to_us - from_us) / 1e6;
		for (unsigned f = 0; f < TARGET_FIGURES; f++) {
			use.known[f] = r->known[f];
			use.figures[f] =
			    f < TARGET_COUNTERS ? fmax(to[f] - from[f], 0) / seconds : r->now[f];
		}
		*ret = use;
	}
	pthread_mutex_unlock(&t->lock);
	return good;
}

enum err target_trouble(struct target *t, struct err_note *ret)
{
	pthread_mutex_lock(&t->lock);
	*ret = t->trouble;
	pthread_mutex_unlock(&t->lock);
	return ret->code;
}
