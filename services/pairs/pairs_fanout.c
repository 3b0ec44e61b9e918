/*
 * See pairs_fanout.h.
 */
#include "services/pairs/pairs_fanout.h"

#include "services/pairs/pairs_priv.h"

void pairs_tell(const struct svc_env *env, const struct pairs_told *told)
{
	const struct pairs_fanout *f = &pairs_state(env)->fanout;

	if (f->event != NULL) {
		f->event(f->arg, told);
	}
}

void pairs_signal(const struct svc_env *env, const struct pairs_signal *signal)
{
	const struct pairs_fanout *f = &pairs_state(env)->fanout;

	if (f->signal != NULL && signal->couple != 0) {
		f->signal(f->arg, signal);
	}
}

void pairs_recheck(const struct svc_env *env, int64_t couple, int64_t user)
{
	const struct pairs_fanout *f = &pairs_state(env)->fanout;

	if (f->recheck != NULL && couple != 0) {
		f->recheck(f->arg, couple, user);
	}
}
