/*
 * The service "accounts": what its tables are, and its state in each role.
 */
#include "accounts/accounts.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "accounts/accounts_priv.h"
#include "accounts/idp.h"
#include "accounts/login.h"
#include "accounts/mail_address.h"
#include "accounts/mail_admin.h"
#include "accounts/outbox.h"
#include "accounts/outbox_admin.h"
#include "accounts/outside.h"
#include "accounts/password.h"
#include "accounts/posts.h"
#include "core/base/check.h"
#include "core/ev/task.h"

struct accounts_state *accounts_state(const struct svc_env *env)
{
	return svc_state(env, &accounts_service);
}

static enum err start(struct svc_env *env, void **ret_state, struct err_note *note)
{
	struct accounts_state *state = calloc(1, sizeof(*state));
	enum err e = ERR_OK;

	if (state == NULL) {
		return ERR_MEMORY;
	}
	state->env = env;
	if (env->role == ROLE_SIGNER) {
		e = symmetric_keys_load(env->data_dir, &state->keys, note);
		state->has_keys = e == ERR_OK;
	}
	if (e != ERR_OK) {
		free(state);
		return e;
	}
	*ret_state = state;
	return ERR_OK;
}

static enum err ready(struct svc_env *env, void *v, struct err_note *note)
{
	struct accounts_state *state = v;

	if (env->role != ROLE_WEB) {
		return ERR_OK;
	}
	enum err e = symmetric_keys_fetch(env, &state->keys, note);
	state->has_keys = e == ERR_OK;
	if (env->loop != NULL) {
		mail_wait_start(env);
	}
	return e;
}

static void stop(struct svc_env *env, void *v)
{
	struct accounts_state *state = v;

	(void)env;
	OPENSSL_cleanse(&state->keys, sizeof(state->keys));
	OPENSSL_cleanse(&state->vapid, sizeof(state->vapid));
	free(state);
}

enum accounts_metric {
	MAIL_OLDEST,
	MAIL_QUEUED,
	MAIL_FAILED,
	MAIL_BOUNCED,
	POSTS_ENDED,
	PUSHES_ENDED = POSTS_ENDED + POST_OUTCOMES,
	ACCOUNTS_METRICS = PUSHES_ENDED + POST_OUTCOMES
};

/* clang-format off */
static const struct metric_def metrics[ACCOUNTS_METRICS] = {
	[MAIL_OLDEST] = { "mail_oldest_created_seconds", METRIC_GAUGE, NULL, "When the oldest mail that waits was made, in seconds since 1970; 0: none waits." },
	[MAIL_QUEUED] = { "mail_queued", METRIC_GAUGE, NULL, "Mails that wait." },
	[MAIL_FAILED] = { "mail_failed", METRIC_GAUGE, NULL, "Mails given up, of those still kept." },
	[MAIL_BOUNCED] = { "mail_bounced_addresses", METRIC_GAUGE, NULL, "Addresses that mail came back from for good, and that no mail has reached since; 1000: so many or more." },
	[POSTS_ENDED + POST_TAKEN] = { "posts_taken_total", METRIC_COUNTER, NULL, "Notices that the app's own server has taken." },
	[POSTS_ENDED + POST_RETRY] = { "posts_retried_total", METRIC_COUNTER, NULL, "Notices that it has not taken and that are sent again later." },
	[POSTS_ENDED + POST_REFUSED] = { "posts_refused_total", METRIC_COUNTER, NULL, "Notices that it has refused for good." },
	[POSTS_ENDED + POST_GONE] = { "posts_gone_total", METRIC_COUNTER, NULL, "Notices that had nowhere to go any more." },
	[POSTS_ENDED + POST_PUT_OFF] = { "posts_put_off_total", METRIC_COUNTER, NULL, "Notices that had to wait because too many were on their way." },
	[PUSHES_ENDED + POST_TAKEN] = { "push_taken_total", METRIC_COUNTER, NULL, "Pushes that a push service has taken." },
	[PUSHES_ENDED + POST_RETRY] = { "push_retried_total", METRIC_COUNTER, NULL, "Pushes that could not be handed over and are sent again later." },
	[PUSHES_ENDED + POST_REFUSED] = { "push_refused_total", METRIC_COUNTER, NULL, "Pushes that a push service has refused for good, or that may not go to its address." },
	[PUSHES_ENDED + POST_GONE] = { "push_gone_total", METRIC_COUNTER, NULL, "Pushes whose browser is not there any more: its subscription was forgotten." },
	[PUSHES_ENDED + POST_PUT_OFF] = { "push_put_off_total", METRIC_COUNTER, NULL, "Pushes that had to wait because too many to the same push service were on their way." },
};
/* clang-format on */

void posts_count(const struct svc_env *env, const struct post *p, enum post_outcome outcome)
{
	int family = (p->target.len > 0 ? PUSHES_ENDED : POSTS_ENDED) + (int)outcome;

	metric_add(metric_cell(env->metrics, &metrics[family], NULL), 1);
}

/* While the store is away the gauges stay, so that a mail that waits goes on to age. */
static void watch(struct svc_env *env, void *v)
{
	struct arena arena = arena_new(4096);
	struct slice reply = SLICE_EMPTY;
	struct err_note note = { 0 };
	struct outbox_stats stats;

	(void)v;
	if (rpc_call(env->peer[ROLE_STORE], &accounts_outbox_stats, SLICE_EMPTY, DEADLINE_NONE, 0,
		&arena, &reply, &note) == ERR_OK) {
		CHECK(outbox_take_stats(reply, &stats));
		metric_set(metric_cell(env->metrics, &metrics[MAIL_OLDEST], NULL),
		    stats.oldest_queued_ms / 1000);
		metric_set(metric_cell(env->metrics, &metrics[MAIL_QUEUED], NULL), stats.queued);
		metric_set(metric_cell(env->metrics, &metrics[MAIL_FAILED], NULL), stats.failed);
		metric_set(metric_cell(env->metrics, &metrics[MAIL_BOUNCED], NULL), stats.bounced);
	}
	arena_reset(&arena);
}

/* clang-format off */
static const struct op admin_ops[] = {
	{ "accounts.outbox", HTTP_GET, "/outbox", COST_WRITE, SHED_NEVER, 5000, 0, 0, outbox_admin_page },
	{ "accounts.outbox_json", HTTP_GET, "/outbox.json", COST_WRITE, SHED_NEVER, 5000, 0, 0, outbox_admin_json },
	{ "accounts.mail_bounce", HTTP_POST, "/mail/bounce", COST_WRITE, SHED_NEVER, 5000, BOUNCE_MESSAGE_MAX, 0, mail_admin_bounce },
};
/* clang-format on */

static const struct rpc_def *const rpcs[] = {
	&accounts_symmetric_keys,
	&accounts_password_hash,
	&accounts_password_verify,
	&accounts_login_result,
	&accounts_outbox_lease,
	&accounts_outbox_sent,
	&accounts_outbox_retry,
	&accounts_outbox_recent,
	&accounts_outbox_stats,
	&accounts_mail_bounced,
	&accounts_courier_wake,
	&accounts_outside,
	&accounts_post_lease,
	&accounts_post_done,
	&accounts_vapid_key,
	&accounts_vapid_sign,
	&accounts_idp_mark,
};

const struct service accounts_service = {
	.name = "accounts",
	.summary = "accounts, sessions and the mail outbox behind the other services",
	.admin_ops = admin_ops,
	.n_admin_ops = sizeof(admin_ops) / sizeof(admin_ops[0]),
	.rpcs = rpcs,
	.n_rpcs = sizeof(rpcs) / sizeof(rpcs[0]),
	.metrics = metrics,
	.n_metrics = ACCOUNTS_METRICS,
	.watch = watch,
	.load = mail_wait_load,
	.stmts = { accounts_stmts, ACCOUNTS_STMT_COUNT },
	.migrations = accounts_migrations,
	.n_migrations = ACCOUNTS_MIGRATIONS,
	.conf = { accounts_conf_keys, ACCOUNTS_CONF_KEYS },
	.start = start,
	.stop = stop,
	.ready = ready,
	.audit = accounts_audit,
	.anonymise = accounts_anonymise,
	.check = accounts_conf_check,
};
