/*
 * The message between web and courier, and what the courier knows. The asking itself is in
 * accounts/courier, which alone links libcurl.
 */
#include "accounts/outside.h"

#include "accounts/accounts_priv.h"
#include "core/base/wire.h"

void outside_put_request(struct buf *out, const struct outside_request *r)
{
	wire_put_bytes(out, r->path);
	wire_put_bytes(out, r->body);
}

bool outside_take_request(struct slice message, struct outside_request *ret)
{
	struct wire_reader r = wire_reader_new(message);

	ret->path = wire_take_bytes(&r);
	ret->body = wire_take_bytes(&r);
	return wire_done(&r) && ret->path.len <= OUTSIDE_PATH_MAX;
}

void outside_put_reply(struct buf *out, const struct outside_reply *r)
{
	wire_put_i64(out, r->status);
	wire_put_bytes(out, r->body);
}

bool outside_take_reply(struct slice message, struct outside_reply *ret)
{
	struct wire_reader r = wire_reader_new(message);

	ret->status = wire_take_i64(&r);
	ret->body = wire_take_bytes(&r);
	return wire_done(&r);
}

void outside_set_server(struct svc_env *env, const char *url)
{
	accounts_state(env)->outside = url;
}

const char *outside_server(const struct svc_env *env)
{
	const char *url = accounts_state(env)->outside;

	return url == NULL ? "" : url;
}

/* The courier takes these messages before they come here: it answers later, from a task. */
static enum err handle(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	(void)role_state;
	(void)info;
	(void)req;
	(void)reply;
	return err_note_set(note, ERR_UNSUPPORTED, "this process asks nobody");
}

const struct rpc_def accounts_outside = {
	.name = "courier.outside",
	.from = ROLE_BIT(ROLE_WEB),
	.to = ROLE_COURIER,
	.max_req = OUTSIDE_MAX_BYTES + OUTSIDE_PATH_MAX + 16,
	.max_rep = OUTSIDE_MAX_BYTES + 64,
	.deadline_ms = 10000,
	.cost_us = 50000,
	.flags = RPC_IDEMPOTENT,
	.handle = handle,
};
