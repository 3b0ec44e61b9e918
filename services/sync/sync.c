/*
 * The service "sync": its table, and its state in each role.
 */
#include "services/sync/sync.h"

#include <stdlib.h>

#include "services/sync/db.h"
#include "services/sync/purge.h"
#include "services/sync/sync_priv.h"
#include "services/sync/write.h"

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
	state->limits = sync_limits_of(env->conf);
	*ret_state = state;
	return ERR_OK;
}

static void stop(struct svc_env *env, void *state)
{
	(void)env;
	free(state);
}

static void reload(struct svc_env *env, void *v)
{
	struct sync_state *state = v;

	state->limits = sync_limits_of(env->conf);
}

static const struct rpc_def *const rpcs[] = {
	&sync_write,
	&sync_purge,
};

const struct service sync_service = {
	.name = "sync",
	.summary = "Firefox Sync: bookmarks, history, passwords and tabs on your own machine",
	.listener = "main",
	.ops = sync_ops,
	.n_ops = SYNC_OPS,
	.not_found = sync_not_found,
	.wrong_method = sync_wrong_method,
	.error = sync_error,
	.decorate = sync_decorate,
	.rpcs = rpcs,
	.n_rpcs = sizeof(rpcs) / sizeof(rpcs[0]),
	.stmts = { sync_stmts, SYNC_STMTS },
	.migrations = sync_migrations,
	.n_migrations = SYNC_MIGRATIONS,
	.conf = { sync_conf_keys, SYNC_CONF_KEYS },
	.activities = sync_activities,
	.n_activities = SYNC_ACTIVITIES,
	.start = start,
	.stop = stop,
	.reload = reload,
	.watch = sync_purge_watch,
	.audit = sync_audit,
	.anonymise = sync_anonymise,
	.check = sync_conf_check,
};
