/*
 * The service "well_known": the message between web and courier, and the courier's policy. The
 * fetching itself is in accounts/courier, which alone links libcurl.
 */
#include "accounts/well_known.h"

#include <stdlib.h>

#include "core/base/wire.h"

static const char *const outcome_texts[WELL_KNOWN_OUTCOMES] = {
	[WELL_KNOWN_OK] = "fetched",
	[WELL_KNOWN_STATUS] = "the answer is not 200",
	[WELL_KNOWN_UNREACHABLE] = "cannot be reached",
	[WELL_KNOWN_TIMEOUT] = "took too long",
	[WELL_KNOWN_TLS] = "no certificate that is trusted",
	[WELL_KNOWN_TYPE] = "not application/json",
	[WELL_KNOWN_TOO_BIG] = "too long",
	[WELL_KNOWN_ADDRESS] = "not an address of the public internet",
};

const char *well_known_outcome_text(enum well_known_outcome outcome)
{
	return outcome_texts[outcome];
}

void well_known_put_request(struct buf *out, const struct well_known_request *r)
{
	wire_put_bytes(out, r->host);
	wire_put_bytes(out, r->domain);
}

bool well_known_take_request(struct slice message, struct well_known_request *ret)
{
	struct wire_reader r = wire_reader_new(message);

	ret->host = wire_take_bytes(&r);
	ret->domain = wire_take_bytes(&r);
	return wire_done(&r);
}

void well_known_put_reply(struct buf *out, const struct well_known_reply *r)
{
	wire_put_u8(out, (uint8_t)r->outcome);
	wire_put_i64(out, r->status);
	wire_put_i64(out, r->max_age_ms);
	wire_put_bytes(out, r->body);
}

bool well_known_take_reply(struct slice message, struct well_known_reply *ret)
{
	struct wire_reader r = wire_reader_new(message);
	uint8_t outcome = wire_take_u8(&r);

	ret->outcome = (enum well_known_outcome)outcome;
	ret->status = wire_take_i64(&r);
	ret->max_age_ms = wire_take_i64(&r);
	ret->body = wire_take_bytes(&r);
	return wire_done(&r) && outcome < WELL_KNOWN_OUTCOMES;
}

/* ---- in the courier's process ---- */

struct well_known_state {
	struct well_known_policy policy;
	bool has_policy;
};

void well_known_set_policy(struct svc_env *env, const struct well_known_policy *policy)
{
	struct well_known_state *state = svc_state(env, &well_known_service);

	state->policy = *policy;
	state->has_policy = true;
}

const struct well_known_policy *well_known_policy_of(const struct svc_env *env)
{
	const struct well_known_state *state = svc_state(env, &well_known_service);

	return state->has_policy ? &state->policy : NULL;
}

enum well_known_metric {
	FETCH_SUCCESS,
	FETCH_ERROR,
	FETCH_METRICS
};

/* clang-format off */
static const struct metric_def metrics[FETCH_METRICS] = {
	[FETCH_SUCCESS] = { "fetch_well_known_success_seconds", METRIC_HIST, NULL, "Time to fetch the support document of another domain, where there is one." },
	[FETCH_ERROR] = { "fetch_well_known_error_seconds", METRIC_HIST, NULL, "Time to find that another domain has none, or cannot be reached." },
};
/* clang-format on */

void well_known_count(const struct svc_env *env, bool is_good, int64_t us)
{
	const struct metric_def *family = &metrics[is_good ? FETCH_SUCCESS : FETCH_ERROR];

	hist_record(metric_hist(env->metrics, family, NULL), us);
}

/* The courier takes these messages before they come here: it answers later, from a task. */
static enum err handle(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	(void)role_state;
	(void)info;
	(void)req;
	(void)reply;
	return err_note_set(note, ERR_UNSUPPORTED, "this process fetches nothing");
}

const struct rpc_def well_known_fetch = {
	.name = "courier.well_known",
	.from = ROLE_BIT(ROLE_WEB),
	.to = ROLE_COURIER,
	.max_req = 1024,
	.max_rep = WELL_KNOWN_MAX_BYTES + 64,
	.deadline_ms = 10000,
	.cost_us = 100000,
	.flags = RPC_IDEMPOTENT,
	.handle = handle,
};

/* ---- the service ---- */

static enum err start(struct svc_env *env, void **ret_state, struct err_note *note)
{
	(void)env;
	(void)note;
	*ret_state = calloc(1, sizeof(struct well_known_state));
	return *ret_state == NULL ? ERR_MEMORY : ERR_OK;
}

static void stop(struct svc_env *env, void *state)
{
	(void)env;
	free(state);
}

static const struct rpc_def *const rpcs[] = { &well_known_fetch };

const struct service well_known_service = {
	.name = "well_known",
	.summary = "documents of other domains, fetched for the other services",
	.carries_all = true,
	.rpcs = rpcs,
	.n_rpcs = sizeof(rpcs) / sizeof(rpcs[0]),
	.metrics = metrics,
	.n_metrics = FETCH_METRICS,
	.start = start,
	.stop = stop,
};
