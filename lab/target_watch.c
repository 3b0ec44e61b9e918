/*
 * Looks over time. Each adds what has grown since the one before to the counters of its role, and
 * keeps all counters with the moment; the use between two moments is a difference.
 */
#include "lab/target_watch.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/clock.h"
#include "lab/target_priv.h"

/* The condition waits by the clock that nobody sets. */
static bool init_locks(struct target *t)
{
	pthread_condattr_t monotonic;

	if (pthread_condattr_init(&monotonic) != 0) {
		return false;
	}
	bool good = pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0 &&
		    pthread_cond_init(&t->stopped, &monotonic) == 0;
	pthread_condattr_destroy(&monotonic);
	/* Mutexes of the plain kind need nothing that could be missing. */
	return good && pthread_mutex_init(&t->looking, NULL) == 0 &&
	       pthread_mutex_init(&t->lock, NULL) == 0;
}

enum err target_open(target_fetch_fn *fetch, struct target **ret)
{
	struct target *t = calloc(1, sizeof(*t));

	if (t == NULL) {
		return ERR_MEMORY;
	}
	t->fetch = fetch;
	t->looks = calloc(TARGET_LOOKS_MAX, sizeof(*t->looks));
	t->seen = calloc(TARGET_SEEN_MAX, sizeof(*t->seen));
	if (t->looks == NULL || t->seen == NULL || !init_locks(t)) {
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
	pthread_cond_destroy(&t->stopped);
	pthread_mutex_destroy(&t->looking);
	pthread_mutex_destroy(&t->lock);
	free(t->looks);
	free(t->seen);
	free(t);
	*tp = NULL;
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

/*
 * Shows what was seen, under the lock. Every second look goes when there is no room: those left are
 * twice as far apart.
 */
static void keep_look(struct target *t, int64_t at_us)
{
	for (unsigned r = 0; r < t->n_roles; r++) {
		struct target_shown *shown = &t->shown[r];
		if (r >= t->n_shown) {
			memcpy(shown->name, t->roles[r].name, sizeof(shown->name));
		}
		memcpy(shown->gauges, t->roles[r].now, sizeof(shown->gauges));
		memcpy(shown->known, t->roles[r].known, sizeof(shown->known));
	}
	t->n_shown = t->n_roles;
	t->shown_cpus = t->cpus;
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

	pthread_mutex_lock(&t->looking);
	t->round++;
	if (t->n_seen > TARGET_SEEN_MAX / 2) {
		target_forget_old(t);
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
	pthread_mutex_lock(&t->lock);
	keep_look(t, at_us);
	if (e != ERR_OK) {
		t->trouble = own;
	}
	pthread_mutex_unlock(&t->lock);
	pthread_mutex_unlock(&t->looking);
	if (e != ERR_OK && note != NULL) {
		*note = own;
	}
	return e;
}

/* Waits for the next look; false: there is to be none. */
static bool wait_for_look(struct target *t, int64_t at_us)
{
	const struct timespec until = { .tv_sec = at_us / 1000000,
		.tv_nsec = at_us % 1000000 * 1000 };
	int failed = 0;

	pthread_mutex_lock(&t->lock);
	while (!t->stop && failed == 0) {
		failed = pthread_cond_timedwait(&t->stopped, &t->lock, &until);
	}
	bool more = !t->stop;
	pthread_mutex_unlock(&t->lock);
	return more;
}

static void *watch(void *arg)
{
	struct target *t = arg;

	while (wait_for_look(t, clock_mono_us() + (int64_t)t->period_ms * 1000)) {
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
		pthread_mutex_lock(&t->lock);
		t->stop = true;
		pthread_cond_signal(&t->stopped);
		pthread_mutex_unlock(&t->lock);
		pthread_join(t->thread, NULL);
		t->running = false;
	}
}

/* ---- asking ---- */

unsigned target_cpus(struct target *t, cpu_set_t *ret)
{
	pthread_mutex_lock(&t->lock);
	*ret = t->shown_cpus;
	pthread_mutex_unlock(&t->lock);
	return (unsigned)CPU_COUNT(ret);
}

unsigned target_roles(struct target *t)
{
	pthread_mutex_lock(&t->lock);
	unsigned n = t->n_shown;
	pthread_mutex_unlock(&t->lock);
	return n;
}

const char *target_role_name(struct target *t, unsigned role)
{
	return t->shown[role].name; /* never changes */
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
	bool good = role < t->n_shown && to_us > from_us && at_moment(t, role, from_us, from) &&
		    at_moment(t, role, to_us, to);
	if (good) {
		const struct target_shown *r = &t->shown[role];
		double seconds = (double)(to_us - from_us) / 1e6;
		for (unsigned f = 0; f < TARGET_FIGURES; f++) {
			use.known[f] = r->known[f];
			use.figures[f] =
			    f < TARGET_COUNTERS ? fmax(to[f] - from[f], 0) / seconds : r->gauges[f];
		}
		*ret = use;
	}
	pthread_mutex_unlock(&t->lock);
	return good;
}

unsigned target_looks(struct target *t)
{
	pthread_mutex_lock(&t->lock);
	unsigned n = t->n_looks;
	pthread_mutex_unlock(&t->lock);
	return n;
}

bool target_look_at(struct target *t, unsigned number, struct target_moment *ret)
{
	pthread_mutex_lock(&t->lock);
	bool there = number < t->n_looks;
	if (there) {
		const struct target_looks *look = &t->looks[number];
		ret->at_us = look->at_us;
		for (unsigned r = 0; r < TARGET_ROLES_MAX; r++) {
			ret->cpu_s[r] = look->figures[r][TARGET_CPU_S];
		}
	}
	pthread_mutex_unlock(&t->lock);
	return there;
}

enum err target_trouble(struct target *t, struct err_note *ret)
{
	pthread_mutex_lock(&t->lock);
	*ret = t->trouble;
	pthread_mutex_unlock(&t->lock);
	return ret->code;
}
