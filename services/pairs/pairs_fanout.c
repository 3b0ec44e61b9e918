/*
 * See pairs_fanout.h.
 */
#include "services/pairs/pairs_fanout.h"

#include "services/pairs/pairs_priv.h"

void pairs_set_fanout(const struct svc_env *env, const struct pairs_fanout *fanout)
{
	pairs_state(env)->fanout = *fanout;
}

void pairs_tell(const struct svc_env *env, const struct pairs_told *told)
{
	const struct pairs_fanout *f = &pairs_state(env)->fanout;

	if (f->event != NULL) {
		f->event(f->arg, told);
	}
	bool is_end = slice_eq(told->event, SLICE("couple")) &&
		      slice_ends(told->body, SLICE("\"ended\":true}"));
	if (is_end && f->end != NULL) {
		f->end(f->arg, told->couple);
	}
}

void pairs_signal(const struct svc_env *env, int64_t couple, int64_t from_user, const char *event,
    struct slice json)
{
	const struct pairs_fanout *f = &pairs_state(env)->fanout;

	if (f->signal != NULL) {
		f->signal(f->arg, couple, from_user, event, json);
	}
}
