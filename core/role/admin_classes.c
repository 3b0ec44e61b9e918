/*
 * See admin_classes.h.
 */
#include "core/role/admin_classes.h"

#include "core/base/check.h"
#include "core/service.h"

static const struct {
	const char *name, *title;
} ranks[SHED_RANKS] = {
	[SHED_NEVER] = { "never", "health and what pages load" },
	[SHED_LAST] = { "last", "next steps of work begun" },
	[SHED_LATE] = { "late", "cheap and valuable" },
	[SHED_MIDDLE] = { "middle", "people who can try again" },
	[SHED_EARLY] = { "early", "new work of many steps" },
	[SHED_POLLING] = { "polling", "asking again and again" },
	[SHED_FIRST] = { "first", "what can wait" },
};

static void add(struct admin_classes *c, const struct op *op)
{
	CHECK(c->n < ADMIN_CLASS_OPS);
	c->ops[c->n].requests = metric_row_find(c->metrics, "http_requests_total", op->name);
	c->ops[c->n].refused = metric_row_find(c->metrics, "http_refused_total", op->name);
	c->ops[c->n].rank = op->rank;
	CHECK(c->ops[c->n].requests != NULL && c->ops[c->n].refused != NULL);
	c->n++;
	c->has[op->rank] = true;
}

void admin_classes_open(struct admin_classes *c, const struct svc_env *env)
{
	*c = (struct admin_classes){ .metrics = env->metrics };
	for (size_t i = 0; i < env->n_services; i++) {
		for (unsigned k = 0; k < env->services[i]->n_ops; k++) {
			add(c, &env->services[i]->ops[k]);
		}
	}
}

struct counts {
	int64_t admitted[SHED_RANKS], refused[SHED_RANKS];
};

static struct counts count(const struct admin_classes *c)
{
	struct counts n = { 0 };

	for (unsigned i = 0; i < c->n; i++) {
		int64_t refused = metric_row_sum(c->metrics, c->ops[i].refused);
		n.refused[c->ops[i].rank] += refused;
		n.admitted[c->ops[i].rank] +=
		    metric_row_sum(c->metrics, c->ops[i].requests) - refused;
	}
	return n;
}

void admin_classes_put_json(const struct admin_classes *c, struct json_writer *w)
{
	const struct counts n = count(c);

	json_begin_object(w);
	for (unsigned i = 0; i < SHED_RANKS; i++) {
		if (c->has[i]) {
			json_put_name(w, slice_str(ranks[i].name));
			json_begin_object(w);
			json_put_name(w, SLICE("title"));
			json_put_string(w, slice_str(ranks[i].title));
			json_put_name(w, SLICE("admitted"));
			json_put_i64(w, n.admitted[i]);
			json_put_name(w, SLICE("refused"));
			json_put_i64(w, n.refused[i]);
			json_end_object(w);
		}
	}
	json_end_object(w);
}

static void write_family(const struct admin_classes *c, const char *name, const char *help,
    const int64_t counts[SHED_RANKS], struct buf *out)
{
	buf_printf(out, "# HELP plimsoll_%s %s\n# TYPE plimsoll_%s counter\n", name, help, name);
	for (unsigned i = 0; i < SHED_RANKS; i++) {
		if (c->has[i]) {
			buf_printf(out, "plimsoll_%s{class=\"%s\"} %lld\n", name, ranks[i].name,
			    (long long)counts[i]);
		}
	}
}

void admin_classes_write_prometheus(const struct admin_classes *c, struct buf *out)
{
	const struct counts n = count(c);

	write_family(c, "class_admitted_total", "Requests let in, by how early they are refused.",
	    n.admitted, out);
	write_family(c, "class_refused_total",
	    "Requests refused for load, by how early they are refused.", n.refused, out);
}
