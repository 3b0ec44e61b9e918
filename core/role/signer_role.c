/*
 * Role: signer. The only holder of private keys; the services load them in their start(), those of
 * TLS come from the supervisor (tls_keys.c). A
 * signature takes some hundred microseconds, so handlers run on the loop: the role's server has no
 * executor of its own, queues in order of arrival and measures its expected wait itself.
 */
#include "core/role/roles.h"
#include "core/role/tls_keys.h"

enum {
	STAMP_MS = 100
};

/* For admin and "plimsoll status"; callers learn the queue from each reply. */
static void stamp(void *arg)
{
	struct role_ctx *r = arg;
	struct metric_slot *slot = metrics_own_slot(r->env.metrics);
	const struct rpc_queue_state queue = rpc_server_queue(r->server);

	metric_set(&slot->queue_len, queue.waiting);
	metric_set(&slot->queue_wait_us, queue.wait_us);
	metric_set(&slot->busy, rpc_server_in_flight(r->server));
}

static enum err signer_role_start(struct role_ctx *r, struct err_note *note)
{
	const struct rpc_executor on_loop = { .role_state = &r->env };
	enum err e = rpc_server_new(r->env.loop, &r->registry, ROLE_SIGNER, &on_loop, &r->server);

	if (e != ERR_OK) {
		return err_note_set(note, e, "RPC server: %s", err_text(e));
	}
	loop_every(r->env.loop, STAMP_MS, stamp, r);
	return tls_keys_start(r);
}

const struct role_ops signer_role_ops = { .start = signer_role_start,
	.prepare = tls_keys_await,
	.reload = tls_keys_reload,
	.tls = tls_keys_take,
	.stop = tls_keys_stop };
