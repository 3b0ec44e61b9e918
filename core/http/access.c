/*
 * Counting and logging of finished requests.
 */
#include "core/http/access.h"

#include "core/base/trace.h"
#include "core/obs/log.h"

static void write_line(const struct http_req *r, int64_t us)
{
	uint64_t before = trace_set(r->call.trace);

	LOG(LOG_INFO, "http", "request", LOG_S("method", http_method_text(r)),
	    LOG_S("path", http_path(r)), LOG_I("status", r->status), LOG_I("us", us),
	    LOG_I("bytes", r->sent_bytes), LOG_C("op", r->call.op->name),
	    LOG_S("client", http_client_address(r)));
	(void)trace_set(before);
}

void access_done(struct http_req *r)
{
	struct http_server *s = r->server;
	struct http_op_cells *cells = r->cells;
	int64_t now_us = clock_mono_us();

	if (r->accounted || !r->replied) {
		return;
	}
	r->accounted = true;
	metric_add(cells->requests, 1);
	metric_add(s->cells.responses[r->refused ? 0 : r->status / 100], 1);
	if (r->refused) {
		metric_add(cells->refused, 1);
		metric_add(s->cells.refused_why[r->refused_why], 1);
	} else if (r->status >= 500) {
		metric_add(cells->server_errors, 1);
	} else if (r->status >= 400) {
		metric_add(cells->client_errors, 1);
	}
	if (r->admitted && !r->refused && r->status < 500) {
		grace_served(s->grace, &r->ask);
	}
	if (!r->refused) { /* thousands of refusals would hide how long the others take */
		hist_record(cells->duration, now_us - r->arrived_us);
	}
	/* What is refused to save time is counted and not written. */
	bool is_written = !r->refused || !s->grace->resources[GRACE_LOOP].is_over;
	if (is_written && s->o.access_log && s->settings.access_log) {
		write_line(r, now_us - r->arrived_us);
	}
}
