/*
 * The looks at the two ends are taken while no request is on its way that they could delay; between
 * them a thread looks.
 */
#include "cmd/lab_watch.h"

#include <stdio.h>

#include "cmd/fetch.h"
#include "core/base/clock.h"
#include "lab/load_use.h"

enum {
	LOOK_EVERY_MS = 1000
};

enum err lab_watch_open(struct lab_watch *w, const struct lab_options *o, struct err_note *note)
{
	enum err e = o->n_watch == 0 ? ERR_OK : target_open(fetch_admin, &w->target);

	for (unsigned i = 0; i < o->n_watch && e == ERR_OK; i++) {
		e = target_add(w->target, o->watch[i].kind, o->watch[i].text, note);
	}
	return e;
}

/* What fails from here on is kept as trouble. */
static void at_moment(void *arg, enum load_moment moment)
{
	struct lab_watch *w = arg;
	struct err_note note = { 0 };

	if (moment == LOAD_ENDS) {
		target_stop(w->target);
	}
	enum err e = target_look(w->target, &note);
	if (moment == LOAD_BEGINS) {
		w->from_us = clock_mono_us();
		/* Without a thread there still are the two ends. */
		e = target_start(w->target, LOOK_EVERY_MS, &note);
	}
	(void)e;
}

enum err lab_watch_during(struct lab_watch *w, struct load_plan *plan, struct err_note *note)
{
	if (w->target == NULL) {
		return ERR_OK;
	}
	plan->at_moment = at_moment;
	plan->moment_arg = w;
	return target_look(w->target, note);
}

unsigned lab_watch_now(const struct lab_watch *w, struct load_role *out)
{
	unsigned looks = w->target == NULL ? 0 : target_looks(w->target), n = 0;
	struct target_moment before = { 0 }, now = { 0 };

	if (looks < 2 || !target_look_at(w->target, looks - 2, &before) ||
	    !target_look_at(w->target, looks - 1, &now) || now.at_us <= before.at_us) {
		return 0;
	}
	double length_s = (double)(now.at_us - before.at_us) / 1e6;
	for (; n < target_roles(w->target); n++) {
		out[n] = load_role_of(w->target, n);
		out[n].cpu_s = (now.cpu_s[n] - before.cpu_s[n]) / length_s;
	}
	return n;
}

void lab_watch_take(struct lab_watch *w, const char *command, struct load_result *r)
{
	struct err_note trouble = { 0 };

	if (w->target == NULL) {
		return;
	}
	target_stop(w->target);
	if (target_trouble(w->target, &trouble) != ERR_OK) {
		fprintf(stderr, "plimsoll %s: watching the target: %s\n", command, trouble.text);
	}
	if (w->from_us == 0 || !load_use_take(r, w->target, w->from_us)) {
		fprintf(stderr, "plimsoll %s: nothing was learnt of the target's use\n", command);
	}
}

void lab_watch_close(struct lab_watch *w)
{
	target_close(&w->target);
}
