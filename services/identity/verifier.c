/*
 * The service "verifier": the remote verifier alone, for a site that wants one at its own place
 * (persona.md 2.5, the stand-alone verifier). It has no accounts, no keys, no mail and no database.
 * It looks providers up as the whole service does, and trusts one host that the configuration names
 * for all domains without a provider.
 */
#include <stdlib.h>

#include "services/identity/identity.h"
#include "services/identity/identity_priv.h"
#include "services/identity/param_type.h"

enum {
	BODY_MAX = 10240, /* as /verify of identity */
	N_KEYS = 1,
	N_OPS = 4,
	N_ACTIVITIES = 1,
	DEADLINE_MS = 10000 /* as /verify of identity: domains are asked */
};

/* /status: a process that can answer. */
static enum err show_status(struct op_call *c)
{
	http_reply(c->req, 200, SLICE("text/plain; charset=utf-8"), SLICE("OK"));
	return ERR_OK;
}

/* clang-format off */
static const struct conf_key keys[N_KEYS] = {
	{ .section = "verifier", .name = "fallback", .type = CONF_STRING, .max = 255, .reloadable = true,
	  .help = "Host that the service \"verifier\" trusts for addresses whose domain has no provider, such as login.example.org; its key comes from the same places as those of providers. Empty: none." },
};

static const struct op ops[N_OPS] = {
	{ "verifier.verify", HTTP_POST, "/verify", COST_SIGN, SHED_LATE, DEADLINE_MS, BODY_MAX, 0, identity_verify },
	{ "verifier.root", HTTP_POST, "/", COST_SIGN, SHED_LATE, DEADLINE_MS, BODY_MAX, 0, identity_verify },
	{ "verifier.verify_v2", HTTP_POST, "/v2", COST_SIGN, SHED_LATE, DEADLINE_MS, BODY_MAX, 0, identity_verify_v2 },
	{ "verifier.status", HTTP_GET, "/status", COST_MEMORY, SHED_LATE, 1000, 0, OP_INLINE, show_status },
};

static const struct activity activities[N_ACTIVITIES] = {
	{ "verifier.verify", "A site had an assertion checked.", { "verifier.verify", "verifier.root", "verifier.verify_v2", NULL }, 0 },
};
/* clang-format on */

static void decorate(struct op_call *c)
{
	static const struct http_fixed_header headers[] = {
		{ "X-Content-Type-Options", "nosniff" },
		{ "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'" },
		{ NULL, NULL },
	};

	http_add_headers(c->req, headers);
	identity_add_hsts(c);
}

static enum err handle_verify(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct identity_state *state = svc_state(role_state, &verifier_service);

	(void)info;
	return bundle_answer(&state->own, req, reply, note);
}

static const struct rpc_def verify_row = {
	.name = "verifier.bundle_verify",
	BUNDLE_VERIFY_ROW,
	.handle = handle_verify,
};
static const struct rpc_def *const rpcs[] = { &verify_row };

static void free_state(struct identity_state *state)
{
	own_keys_free(&state->own);
	discovery_free(&state->discovery);
	free(state);
}

static enum err start(struct svc_env *env, void **ret_state, struct err_note *note)
{
	struct identity_state *state = calloc(1, sizeof(*state));

	if (state == NULL) {
		return ERR_MEMORY;
	}
	state->env = env;
	state->is_verifier = true;
	state->verify_row = &verify_row;
	enum err e = public_url_parse(
	    slice_str(conf_str(env->conf, "plimsoll", "public_url")), &state->url, note);
	if (e == ERR_OK && env->role == ROLE_WEB) {
		e = discovery_new(env, "", &state->discovery, note);
	}
	if (e == ERR_OK && env->role == ROLE_COURIER) {
		e = discovery_allow(env, note);
	}
	if (e != ERR_OK) {
		free_state(state);
		return e;
	}
	*ret_state = state;
	return ERR_OK;
}

static void stop(struct svc_env *env, void *state)
{
	if (env->role == ROLE_COURIER) {
		discovery_forbid(env);
	}
	free_state(state);
}

static enum err check(const struct conf *conf, struct err_note *note)
{
	struct slice fallback = slice_str(conf_str(conf, "verifier", "fallback"));
	struct providers *providers = NULL;
	struct public_url url;

	if (fallback.len > 0 && !hostname_is_valid(fallback)) {
		return err_note_set(note, ERR_CONFIG,
		    "[verifier] fallback: \"%.*s\" is no host name (without scheme and port)",
		    SLICE_ARG(fallback));
	}
	enum err e =
	    public_url_parse(slice_str(conf_str(conf, "plimsoll", "public_url")), &url, note);
	if (e == ERR_OK) {
		e = providers_load(conf, &providers, note);
		providers_free(&providers);
	}
	if (e == ERR_OK) {
		e = discovery_conf_check(conf, note);
	}
	return e == ERR_OK ? identity_doors_check(conf, &url, note) : e;
}

const struct service verifier_service = {
	.name = "verifier",
	.summary = "checks assertions for sites, without accounts or keys",
	.listener = "main",
	.stands_alone = true,
	.ops = ops,
	.n_ops = N_OPS,
	.not_found = identity_not_found,
	.error = identity_error,
	.decorate = decorate,
	.rpcs = rpcs,
	.n_rpcs = sizeof(rpcs) / sizeof(rpcs[0]),
	.conf = { keys, N_KEYS },
	.activities = activities,
	.n_activities = N_ACTIVITIES,
	.start = start,
	.stop = stop,
	.check = check,
};
