/*
 * The service "sync": its table, and its state in each role.
 */
#include "services/sync/sync.h"

#include <stdlib.h>

#include "services/sync/sync_priv.h"

struct sync_state *sync_state(const struct svc_env *env)
{
	return svc_state(env, &sync_service);
}

static enum err start(struct svc_env *env, void **ret_state, struct err_note *note)
{
	struct sync_state *state = calloc(1, sizeof(*state));

	if (state == NULL) {
		return err_note_set(note, ERR_MEMORY, "no memory for sync");
	}
	state->env = env;
	*ret_state = state;
	return ERR_OK;
}

static void stop(struct svc_env *env, void *state)
{
	(void)env;
	free(state);
}

const struct service sync_service = {
	.name = "sync",
	.summary = "Firefox Sync: bookmarks, history, passwords and tabs on your own machine",
	.listener = "main",
	.ops = sync_ops,
	.n_ops = SYNC_OPS,
	.decorate = sync_decorate,
	.start = start,
	.stop = stop,
};
