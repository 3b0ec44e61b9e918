/*
 * plimsoll metrics: the page doc/METRICS.md, made from the tables that the server counts by.
 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "core/obs/capacity.h"
#include "core/obs/headline.h"
#include "core/role/app.h"

enum {
	PAGE_BYTES = 1024 * 1024
};

static const char intro[] =
    "# Metrics\n\n"
    "What the admin listener (`[admin] listen`) shows, and what each figure means. The same names stand\n"
    "in Prometheus (`/metrics`, with `plimsoll_` before them), in statsd (`[statsd] address`), in `/status`\n"
    "(JSON) and on the live page at `/`. This page is made by `plimsoll metrics --reference`.\n\n"
    "## The headline figures\n\n"
    "They do not depend on how the server is built: they can be compared between versions, machines, and\n"
    "between a load test and the real thing. Rates and quantiles are those of the last ten seconds.\n\n";

static const char capacity_intro[] =
    "\n## Headroom and classes\n\n"
    "How far it is to the line, on `/metrics` and, as `capacity` and `classes`, in `/status`.\n\n";

static const char classes_text[] =
    "| `class_admitted_total`, `class_refused_total` by `class` | Requests let in, and refused for load. | "
    "Sums over the operations of each shed rank: `never`, `last` (next steps of work begun), `late`, "
    "`middle`, `early` (new work of many steps), `polling`, `first` to go. |\n";

static const char activities_intro[] =
    "\n## Activities\n\n"
    "What users do, as each service defines it. An active user is one who behaves as the service's model\n"
    "says; the model's rate is for a million of them. Activities without a rate are shown but do not count\n"
    "towards `active_users`, because others cause them too.\n\n"
    "| activity | what counts as one | completed by | per second and million users |\n|---|---|---|---|\n";

static const char line_text[] =
    "\n## What the load line is\n\n"
    "The line is the point from which on the server refuses instead of becoming slow. `line_share` says how\n"
    "full the fullest resource is: a role whose processes were busy 45 % of the last ten seconds gives 0.45.\n"
    "Busy is what a process cannot give to somebody else: for the event loops all time but waiting for\n"
    "events (for the store that includes waiting for the disk), for compute the time that a job ran. The\n"
    "processor share is a second measure beside the roles, because roles share cores. `/status` names what\n"
    "is fullest.\n\n"
    "It does not say how much more load would come if nobody were refused, nor that half the share is half\n"
    "the users: short bursts fill a role for a moment that the mean of ten seconds hides (see\n"
    "`queue_wait_seconds`). What a machine carries is found by a load test; this figure says where on that\n"
    "scale one stands.\n\n"
    "## statsd\n\n"
    "Each figure is sent as a gauge: `PREFIX.NAME:VALUE|g`, with the label's value behind another dot\n"
    "(`.` in it becomes `_`). What is counted is sent also as `PREFIX.NAME.count:N|c`, the number since the\n"
    "last time, so that several machines add up. Datagrams have at most 1432 bytes. Nothing waits for a\n"
    "statsd that is away.\n\n"
    "## All families\n\n"
    "On `/metrics`, each with the labels `role` and `instance` beside its own. Histograms have buckets at\n"
    "powers of two from 32 us to 33.5 s; rows without a record are left out.\n\n";

static void put_activities(const struct app *app, struct buf *out)
{
	for (size_t i = 0; i < app->n_services; i++) {
		const struct service *s = app->services[i];
		for (unsigned k = 0; k < s->n_activities; k++) {
			const struct activity *a = &s->activities[k];
			buf_printf(out, "| `%s` | %s | ", a->name, a->help);
			for (unsigned n = 0; n < ACTIVITY_OPS && a->ops[n] != NULL; n++) {
				buf_printf(out, "%s`%s`", n == 0 ? "" : ", ", a->ops[n]);
			}
			if (a->per_million > 0) {
				buf_printf(out, " | %.2f |\n", a->per_million);
			} else {
				buf_append_str(out, " | |\n");
			}
		}
	}
}

int cmd_metrics(const struct app *app, struct conf *conf, const struct cmd_options *o)
{
	struct metric_schema *schema = NULL;
	struct buf page = buf_new(PAGE_BYTES);
	struct slice text = SLICE_EMPTY;
	enum err e = app_metric_schema(app, &schema);

	(void)conf;
	(void)o;
	if (e == ERR_OK) {
		buf_append_str(&page, intro);
		headline_write_reference(&page);
		buf_append_str(&page, activities_intro);
		put_activities(app, &page);
		buf_append_str(&page, capacity_intro);
		capacity_write_reference(&page);
		buf_append_str(&page, classes_text);
		buf_append_str(&page, line_text);
		metric_schema_write_reference(schema, &page);
		e = buf_finish(&page, &text);
	}
	if (e == ERR_OK) {
		printf("%.*s", SLICE_ARG(text));
	} else {
		fprintf(stderr, "plimsoll metrics: %s\n", err_text(e));
	}
	metric_schema_free(&schema);
	buf_free(&page);
	return e == ERR_OK ? EXIT_OK : EXIT_FAILED;
}
