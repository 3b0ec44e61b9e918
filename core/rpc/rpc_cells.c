/*
 * One row per counter: its member in struct rpc_stats, and its family on either side of a call.
 * Counters of a process begin at nought while those in the block go on, so differences are added.
 */
#include "core/rpc/rpc_cells.h"

#include <string.h>

#include "core/base/check.h"

/* clang-format off */
static const struct {
	size_t member_at;
	struct metric_def calls, served; /* a caller alone counts some: served.name NULL */
} rows[RPC_COUNTED] = {
#define CALLS(member, name, help) .member_at = offsetof(struct rpc_stats, member), .calls = { "rpc_" name, METRIC_COUNTER, "to", help }
#define SERVED(name, help) .served = { "rpc_served_" name, METRIC_COUNTER, NULL, help }
	{ CALLS(calls, "calls_total", "Calls to another role."),
	  SERVED("calls_total", "Calls that came from other roles.") },
	{ CALLS(errors, "errors_total", "Calls that ended in an error."),
	  SERVED("errors_total", "Calls answered with an error.") },
	{ CALLS(refused, "refused_total", "Calls not sent, for want of credit."),
	  SERVED("refused_total", "Calls not begun: too late, or draining.") },
	{ CALLS(timeouts, "timeouts_total", "Calls ended by their deadline."),
	  SERVED("timeouts_total", "Calls that came after their deadline.") },
	{ CALLS(cancelled, "cancelled_total", "Calls that their task gave up."),
	  SERVED("cancelled_total", "Calls whose caller gave up.") },
	{ CALLS(peers_lost, "peers_lost_total", "Processes of that role whose channel ended."),
	  SERVED("callers_lost_total", "Callers whose channel ended.") },
	{ CALLS(bytes_sent, "sent_bytes_total", "Bytes sent to that role."),
	  SERVED("sent_bytes_total", "Bytes of answers.") },
	{ CALLS(bytes_received, "received_bytes_total", "Bytes received from that role."),
	  SERVED("received_bytes_total", "Bytes of requests.") },
	{ CALLS(retries, "retries_total", "Calls sent again after a peer was gone.") },
	{ CALLS(unknown, "unknown_total", "Calls whose outcome is unknown: the peer died.") },
#undef CALLS
#undef SERVED
};
/* clang-format on */

static int64_t value(const struct rpc_stats *stats, unsigned i)
{
	uint64_t n = 0;

	memcpy(&n, (const char *)stats + rows[i].member_at, sizeof(n));
	return (int64_t)n;
}

void rpc_metric_schema(struct metric_schema *schema)
{
	for (unsigned i = 0; i < RPC_COUNTED; i++) {
		for (enum role_id to = ROLE_WEB; to < ROLE_COUNT; to++) {
			metric_schema_add(schema, &rows[i].calls, role_name(to));
		}
		if (rows[i].served.name != NULL) {
			metric_schema_add(schema, &rows[i].served, NULL);
		}
	}
}

void rpc_cells_find(struct rpc_cells *c, const struct metrics *m)
{
	*c = (struct rpc_cells){ .served = { NULL } };
	for (unsigned i = 0; i < RPC_COUNTED; i++) {
		for (enum role_id to = ROLE_WEB; to < ROLE_COUNT; to++) {
			c->calls[to][i] = metric_cell(m, &rows[i].calls, role_name(to));
		}
		if (rows[i].served.name != NULL) {
			c->served[i] = metric_cell(m, &rows[i].served, NULL);
		}
	}
}

static void add(_Atomic int64_t *const cells[RPC_COUNTED], struct rpc_stats *before,
    const struct rpc_stats *now)
{
	for (unsigned i = 0; i < RPC_COUNTED; i++) {
		if (cells[i] != NULL) {
			metric_add(cells[i], value(now, i) - value(before, i));
		}
	}
	*before = *now;
}

void rpc_cells_update(
    struct rpc_cells *c, struct rpc_pool *const peer[ROLE_COUNT], const struct rpc_server *s)
{
	for (enum role_id to = ROLE_WEB; to < ROLE_COUNT; to++) {
		if (peer[to] != NULL) {
			const struct rpc_stats now = rpc_pool_stats(peer[to]);
			add(c->calls[to], &c->calls_before[to], &now);
		}
	}
	if (s != NULL) {
		const struct rpc_stats now = rpc_server_stats(s);
		add(c->served, &c->served_before, &now);
	}
}
