/*
 * The metric families of a server.
 */
#include "core/http/cells.h"

#include <stdlib.h>

#include "core/http/server.h"

/* clang-format off */
static const struct metric_def requests = { "http_requests_total", METRIC_COUNTER, "op", "Requests answered, refusals included." };
static const struct metric_def refused = { "http_refused_total", METRIC_COUNTER, "op", "Requests refused with 503 for load." };
static const struct metric_def refused_why = { "http_refusals_total", METRIC_COUNTER, "why", "Requests refused with 503 for load, by what was short." };
static const struct metric_def client_errors = { "http_client_errors_total", METRIC_COUNTER, "op", "Requests answered with 4xx." };
static const struct metric_def server_errors = { "http_server_errors_total", METRIC_COUNTER, "op", "Requests answered with 5xx, refusals excepted." };
static const struct metric_def duration = { "http_request_seconds", METRIC_HIST, "op", "Time from the head's arrival to the end of the answer, refusals left out." };
static const struct metric_def responses = { "http_responses_total", METRIC_COUNTER, "class", "Answers by class of status." };
static const struct metric_def queue_delay = { "http_queue_delay_seconds", METRIC_HIST, "class", "Time that requests waited in their class queue." };
static const struct metric_def opened = { "http_connections_opened_total", METRIC_COUNTER, NULL, "Connections accepted." };
static const struct metric_def closed = { "http_connections_closed_total", METRIC_COUNTER, "why", "Connections ended." };
static const struct metric_def paused = { "http_accept_paused_total", METRIC_COUNTER, "why", "Times that accepting was paused." };
static const struct metric_def slow_heads = { "http_slow_heads_total", METRIC_COUNTER, NULL, "Heads that took longer than header_timeout (408)." };
static const struct metric_def received_bytes = { "http_received_bytes_total", METRIC_COUNTER, NULL, "Bytes read from clients." };
static const struct metric_def sent_bytes = { "http_sent_bytes_total", METRIC_COUNTER, NULL, "Bytes written to clients." };
static const struct metric_def queue_full = { "http_queue_full_total", METRIC_COUNTER, NULL, "Requests refused because their class queue was full." };
static const struct metric_def held_back = { "http_reads_held_total", METRIC_COUNTER, NULL, "Times that a refused connection was not read for a moment." };
static const struct metric_def body_full = { "http_body_memory_full_total", METRIC_COUNTER, NULL, "Requests refused because max_body_memory was used up." };
static const struct metric_def accept_queue = { "http_accept_queue", METRIC_GAUGE, NULL, "Connections waiting in the kernel to be accepted, all listeners." };
static const struct metric_def accept_limit = { "http_accept_queue_limit", METRIC_GAUGE, NULL, "Most connections that may wait there." };
static const struct metric_def overflows = { "http_listen_overflows_total", METRIC_COUNTER, NULL, "Accept queue overflows on this machine since start (TcpExt ListenOverflows)." };
static const struct metric_def drops = { "http_listen_drops_total", METRIC_COUNTER, NULL, "Connections dropped by listeners on this machine since start (TcpExt ListenDrops)." };
static const struct metric_def h2_sessions = { "http2_connections_total", METRIC_COUNTER, NULL, "Connections that became HTTP/2." };
static const struct metric_def h2_streams = { "http2_streams_total", METRIC_COUNTER, NULL, "HTTP/2 streams opened by clients." };
static const struct metric_def h2_refused = { "http2_streams_refused_total", METRIC_COUNTER, NULL, "HTTP/2 streams refused because the process had http2_streams_total." };
static const struct metric_def h2_cancelled = { "http2_streams_cancelled_total", METRIC_COUNTER, NULL, "HTTP/2 streams reset by clients, or for their errors, before they were answered." };
static const struct metric_def h2_reset = { "http2_streams_reset_total", METRIC_COUNTER, NULL, "HTTP/2 streams reset by us: the client took nothing for write_timeout, or an answer failed." };
static const struct metric_def h2_cut = { "http2_connections_cut_total", METRIC_COUNTER, "why", "HTTP/2 connections ended with an error." };
static const struct metric_def tls_done = { "tls_handshakes_total", METRIC_COUNTER, "kind", "TLS handshakes completed; full ones cost the signer a signature." };
static const struct metric_def tls_failed = { "tls_handshake_failures_total", METRIC_COUNTER, "why", "TLS handshakes that did not complete." };
static const struct metric_def tls_seconds = { "tls_handshake_seconds", METRIC_HIST, NULL, "Time of completed TLS handshakes." };
static const struct metric_def grace_wait = { "grace_wait_us", METRIC_GAUGE, "resource", "Standing wait in front of a resource, as this process sees it." };
static const struct metric_def grace_target = { "grace_target_us", METRIC_GAUGE, "resource", "Standing wait that is too long there." };
static const struct metric_def grace_load = { "grace_load_permille", METRIC_GAUGE, "resource", "Cost that is asked for, in thousandths of what the resource works off; 1200 at most." };
static const struct metric_def grace_budget = { "grace_budget_permille", METRIC_GAUGE, "resource", "Cost that is let in, in thousandths of what it works off; 1200: all." };
static const struct metric_def grace_cut_rank = { "grace_cut_rank", METRIC_GAUGE, "resource", "Rank that is refused in part, and all behind it whole: 1 (work begun) to 6 (first to go); 7: nobody is refused." };
static const struct metric_def grace_cut = { "grace_cut_permille", METRIC_GAUGE, "resource", "Share of the users of that rank who are let in, in thousandths." };
/* clang-format on */

static const char *const refused_names[HTTP_REFUSED_WHYS] = {
	[HTTP_REFUSED_LATE] = "late",
	[HTTP_REFUSED_QUEUE] = "queue_full",
	[HTTP_REFUSED_BEHIND] = "behind",
	[HTTP_REFUSED_SITE] = "service",
};

static const char *refused_name(unsigned why)
{
	return why < GRACE_REFUSALS ? grace_refusal_names[why] : refused_names[why];
}

const char *const http_class_names[COST_CLASSES] = { "health", "memory", "read", "sign", "write",
	"compute", "stream" };

static const char *const status_names[HTTP_STATUS_CLASSES] = { "refused", "1xx", "2xx", "3xx",
	"4xx", "5xx" };

static const char *const close_names[HTTP_CLOSE_WHYS] = { "done", "client", "gone", "idle",
	"body_timeout", "write_timeout", "aborted", "address_limit", "drained", "proxy_header",
	"handed" };

static const char *const pause_names[HTTP_PAUSE_WHYS] = { "ahead", "limit", "descriptors",
	"handshakes" };

static const char *const tls_kinds[] = { "full", "resumed" };

static const char *const tls_failures[HTTP_TLS_FAILURES] = { "timeout", "client_gone", "alert",
	"version", "cipher", "alpn", "plain_http", "signer", "limit", "other" };

static const char *const h2_cut_names[HTTP_H2_CUTS] = { "resets", "noise", "header_list",
	"slow_head", "flooded", "protocol" };

static const struct metric_def *const grace_defs[] = { &grace_wait, &grace_target, &grace_load,
	&grace_budget, &grace_cut_rank, &grace_cut };

static void add_op(struct metric_schema *schema, const char *name)
{
	metric_schema_add(schema, &requests, name);
	metric_schema_add(schema, &refused, name);
	metric_schema_add(schema, &client_errors, name);
	metric_schema_add(schema, &server_errors, name);
	metric_schema_add(schema, &duration, name);
}

void http_metric_schema(
    struct metric_schema *schema, const struct http_site *const *sites, unsigned n_sites)
{
	static const struct metric_def *const single[] = { &opened, &slow_heads, &received_bytes,
		&sent_bytes, &held_back, &queue_full, &body_full, &accept_queue, &accept_limit,
		&overflows, &drops, &h2_sessions, &h2_streams, &h2_refused, &h2_cancelled,
		&h2_reset, &tls_seconds };

	for (unsigned i = 0; i < n_sites; i++) {
		for (unsigned k = 0; k < sites[i]->n_ops; k++) {
			add_op(schema, sites[i]->ops[k].name);
		}
	}
	for (unsigned i = 0; i < HTTP_BUILTINS; i++) {
		add_op(schema, http_builtin_ops[i].name);
	}
	for (unsigned i = 0; i < COST_CLASSES; i++) {
		metric_schema_add(schema, &queue_delay, http_class_names[i]);
	}
	for (unsigned i = 0; i < HTTP_STATUS_CLASSES; i++) {
		metric_schema_add(schema, &responses, status_names[i]);
	}
	for (unsigned i = 0; i < HTTP_REFUSED_WHYS; i++) {
		metric_schema_add(schema, &refused_why, refused_name(i));
	}
	for (unsigned i = 0; i < GRACE_RESOURCES; i++) {
		for (size_t k = 0; k < sizeof(grace_defs) / sizeof(grace_defs[0]); k++) {
			metric_schema_add(schema, grace_defs[k], grace_refusal_names[i]);
		}
	}
	for (unsigned i = 0; i < HTTP_CLOSE_WHYS; i++) {
		metric_schema_add(schema, &closed, close_names[i]);
	}
	for (unsigned i = 0; i < HTTP_PAUSE_WHYS; i++) {
		metric_schema_add(schema, &paused, pause_names[i]);
	}
	for (unsigned i = 0; i < HTTP_H2_CUTS; i++) {
		metric_schema_add(schema, &h2_cut, h2_cut_names[i]);
	}
	for (unsigned i = 0; i < 2; i++) {
		metric_schema_add(schema, &tls_done, tls_kinds[i]);
	}
	for (unsigned i = 0; i < HTTP_TLS_FAILURES; i++) {
		metric_schema_add(schema, &tls_failed, tls_failures[i]);
	}
	for (size_t i = 0; i < sizeof(single) / sizeof(single[0]); i++) {
		metric_schema_add(schema, single[i], NULL);
	}
}

static struct http_grace_cells grace_cells(const struct metrics *m, const char *name)
{
	return (struct http_grace_cells){
		.wait_us = metric_cell(m, &grace_wait, name),
		.target_us = metric_cell(m, &grace_target, name),
		.load = metric_cell(m, &grace_load, name),
		.budget = metric_cell(m, &grace_budget, name),
		.cut_rank = metric_cell(m, &grace_cut_rank, name),
		.cut = metric_cell(m, &grace_cut, name),
	};
}

static struct http_op_cells op_cells(const struct metrics *m, const char *name)
{
	return (struct http_op_cells){
		.requests = metric_cell(m, &requests, name),
		.refused = metric_cell(m, &refused, name),
		.client_errors = metric_cell(m, &client_errors, name),
		.server_errors = metric_cell(m, &server_errors, name),
		.duration = metric_hist(m, &duration, name),
	};
}

enum err http_cells_open(struct http_cells *c, const struct metrics *m,
    const struct http_site *const *sites, unsigned n_sites)
{
	unsigned n = 0;

	*c = (struct http_cells){
		.opened = metric_cell(m, &opened, NULL),
		.slow_heads = metric_cell(m, &slow_heads, NULL),
		.received_bytes = metric_cell(m, &received_bytes, NULL),
		.sent_bytes = metric_cell(m, &sent_bytes, NULL),
		.held_back = metric_cell(m, &held_back, NULL),
		.queue_full = metric_cell(m, &queue_full, NULL),
		.body_memory_full = metric_cell(m, &body_full, NULL),
		.accept_queue = metric_cell(m, &accept_queue, NULL),
		.accept_queue_limit = metric_cell(m, &accept_limit, NULL),
		.listen_overflows = metric_cell(m, &overflows, NULL),
		.listen_drops = metric_cell(m, &drops, NULL),
		.h2_sessions = metric_cell(m, &h2_sessions, NULL),
		.h2_streams = metric_cell(m, &h2_streams, NULL),
		.h2_refused = metric_cell(m, &h2_refused, NULL),
		.h2_reset = metric_cell(m, &h2_reset, NULL),
		.h2_cancelled = metric_cell(m, &h2_cancelled, NULL),
		.tls_seconds = metric_hist(m, &tls_seconds, NULL),
	};
	for (unsigned i = 0; i < GRACE_RESOURCES; i++) {
		c->grace[i] = grace_cells(m, grace_refusal_names[i]);
	}
	for (unsigned i = 0; i < n_sites; i++) {
		n += sites[i]->n_ops;
	}
	c->ops = calloc(n + 1, sizeof(*c->ops));
	if (c->ops == NULL) {
		return ERR_MEMORY;
	}
	n = 0;
	for (unsigned i = 0; i < n_sites; i++) {
		for (unsigned k = 0; k < sites[i]->n_ops; k++) {
			c->ops[n++] = op_cells(m, sites[i]->ops[k].name);
		}
	}
	for (unsigned i = 0; i < HTTP_BUILTINS; i++) {
		c->builtin[i] = op_cells(m, http_builtin_ops[i].name);
	}
	for (unsigned i = 0; i < COST_CLASSES; i++) {
		c->queue_delay[i] = metric_hist(m, &queue_delay, http_class_names[i]);
	}
	for (unsigned i = 0; i < HTTP_STATUS_CLASSES; i++) {
		c->responses[i] = metric_cell(m, &responses, status_names[i]);
	}
	for (unsigned i = 0; i < HTTP_REFUSED_WHYS; i++) {
		c->refused_why[i] = metric_cell(m, &refused_why, refused_name(i));
	}
	for (unsigned i = 0; i < HTTP_CLOSE_WHYS; i++) {
		c->closed[i] = metric_cell(m, &closed, close_names[i]);
	}
	for (unsigned i = 0; i < HTTP_PAUSE_WHYS; i++) {
		c->paused[i] = metric_cell(m, &paused, pause_names[i]);
	}
	for (unsigned i = 0; i < HTTP_H2_CUTS; i++) {
		c->h2_cut[i] = metric_cell(m, &h2_cut, h2_cut_names[i]);
	}
	for (unsigned i = 0; i < 2; i++) {
		c->tls_done[i] = metric_cell(m, &tls_done, tls_kinds[i]);
	}
	for (unsigned i = 0; i < HTTP_TLS_FAILURES; i++) {
		c->tls_failed[i] = metric_cell(m, &tls_failed, tls_failures[i]);
	}
	return ERR_OK;
}

void http_cells_close(struct http_cells *c)
{
	free(c->ops);
	c->ops = NULL;
}
