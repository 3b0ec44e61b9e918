/*
 * For whoever keeps more of a run than sums: each activity at its end, each refusal.
 */
#include <string.h>

#include "lab/load_priv.h"

void load_run_note_right(struct load_run *run, int64_t now_us)
{
	const struct load_step *step = load_run_step(run);

	if (step == NULL) {
		return;
	}
	int64_t took_us = now_us - run->step_intended_us;
	run->slowest_us = took_us > run->slowest_us ? took_us : run->slowest_us;
	const char *admits = run->load->model->activities[run->activity].admits;
	run->admitted = run->admitted || (admits != NULL && strcmp(step->name, admits) == 0);
}

void load_tell_end(const struct load_run *run, enum load_outcome outcome, int64_t took_us)
{
	const struct load *l = run->load;

	if (l->plan.at_ended == NULL) {
		return;
	}
	const struct load_ended e = { .activity = (unsigned)run->activity,
		.user = l->first_user + run->user,
		.how = outcome,
		.due_us = run->intended_us - l->start_us,
		.took_us = took_us,
		.slowest_us = run->slowest_us,
		.admitted = run->admitted };
	l->plan.at_ended(l->plan.ended_arg, &e);
}

void load_tell_refusal(const struct load_run *run, int64_t now_us)
{
	const struct load *l = run->load;

	if (l->plan.at_refusal != NULL) {
		l->plan.at_refusal(l->plan.ended_arg, now_us - l->start_us, now_us - run->sent_us);
	}
}

void load_tell_missed(const struct load *l, unsigned activity, uint64_t user, int64_t at_us)
{
	const struct load_ended e = { .activity = activity,
		.user = l->first_user + user,
		.how = RUN_MISSED,
		.due_us = at_us - l->start_us };

	if (l->plan.at_ended != NULL) {
		l->plan.at_ended(l->plan.ended_arg, &e);
	}
}
