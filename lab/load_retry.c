/*
 * What a client does about an answer that is none, or not the one it wanted; see lab/behaviour.h.
 */
#include "core/base/clock.h"
#include "lab/load_priv.h"

static const double asked_max_s = 86400;

/* A header that says seconds, fractions allowed; < 0: there is none that does. */
static double seconds_in(const struct answer *a, struct slice name)
{
	struct slice value = answer_find(a, name);
	uint64_t whole = 0;

	value = slice_trim(slice_sub(value, 0, slice_find(value, '.', 0)));
	if (value.ptr == NULL || value.len == 0 ||
	    slice_to_u64(value, (uint64_t)asked_max_s, &whole) != ERR_OK) {
		return -1;
	}
	return (double)whole;
}

/* False: the user would have given up by then, or the run is over, or there is no room to wait. */
static bool try_later(struct load_run *run, double wait_s)
{
	struct load *l = run->load;
	struct load_step *step = load_run_step(run);
	int64_t at_us = clock_mono_us() + (int64_t)(wait_s * 1e6);

	if (at_us >= run->give_up_us || (l->start_us != 0 && at_us >= l->give_up_us) ||
	    due_add(&l->due, (struct due){ at_us, run }) != ERR_OK) {
		return false;
	}
	run->tries++;
	run->repeated = false;
	run->waits_to_retry = true;
	if (step != NULL) {
		step->retried++;
	}
	return true;
}

static void stay_away(struct load_run *run, double seconds)
{
	int64_t until_us = clock_mono_us() + (int64_t)(seconds * 1e6);

	if (away_set(&run->load->away, run->user, until_us) != ERR_OK) {
		run->load->result->own_faults++;
	}
}

/* Firefox Sync: this user's next activity waits, by what the answer asks or by errors in a row. */
static void stay_away_for(struct load_run *run, enum behaviour_trouble trouble, double asked_s)
{
	struct load *l = run->load;

	if (trouble == TROUBLE_REFUSED && asked_s >= 0) {
		stay_away(run, behaviour_away_s(asked_s, 0, &l->mood));
	} else if (trouble != TROUBLE_WRONG) {
		unsigned errors = away_count_error(&l->away, run->user);
		stay_away(run, behaviour_away_s(-1, errors == 0 ? 1 : errors, &l->mood));
	}
}

bool load_run_retry(struct load_run *run, const struct answer *a)
{
	struct load *l = run->load;
	enum behaviour_trouble trouble =
	    a == NULL ? TROUBLE_NO_ANSWER : behaviour_trouble_of(a->status);
	double asked_s = a == NULL ? -1 : seconds_in(a, SLICE("retry-after")), wait_s = 0;

	if (l->behaviour.retry == RETRY_WEAVE) {
		stay_away_for(run, trouble, asked_s);
	}
	const struct behaviour own = behaviour_of_user(&l->behaviour, run->user);
	return behaviour_tries_again(&own, trouble, run->tries, asked_s, &l->mood, &wait_s) &&
	       try_later(run, wait_s);
}

void load_run_heed(struct load_run *run, const struct answer *a)
{
	struct load *l = run->load;

	if (l->behaviour.retry != RETRY_WEAVE) {
		return;
	}
	double asked_s = seconds_in(a, SLICE("x-weave-backoff"));
	if (asked_s < 0) {
		asked_s = seconds_in(a, SLICE("x-backoff")); /* of the token server */
	}
	/* No time is none, also for who was due before the answer came and could not begin. */
	if (asked_s > 0) {
		stay_away(run, behaviour_away_s(asked_s, 0, &l->mood));
	}
	if (a->status < 500) {
		away_forget_errors(&l->away, run->user);
	}
}
