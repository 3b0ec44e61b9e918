/*
 * Capacity as texts. One table says what the families mean.
 */
#include <math.h>

#include "core/obs/capacity_priv.h"
#include "core/obs/headline.h"

enum family {
	LINE_WINDOW,
	LINE_NEAR,
	LINE_PEAK,
	LINE_USERS,
	LINE_MONTHS,
	FAMILIES
};

/* clang-format off */
static const struct {
	const char *name, *help, *computed;
} families[FAMILIES] = {
	[LINE_WINDOW] = { "line_window_share", "Share of the load line in use, over [capacity] window.",
		"As `line_share`, over a longer time: what warnings are made of." },
	[LINE_NEAR] = { "line_near", "1 while that share is beyond [capacity] warn_at.",
		"Back to 0 a tenth below it." },
	[LINE_PEAK] = { "line_peak_share", "The fullest window of the last 24 hours.",
		"Since the admin process began, where that is later." },
	[LINE_USERS] = { "line_users", "Active users that would be at the line.",
		"`active_users` at that peak over its share: use grows with the rate. An estimate; none below a tenth of the line, rough below half." },
	[LINE_MONTHS] = { "line_months", "Months until the peak is at the line, by [capacity] growth.",
		"log(1 / peak) / log(1 + growth)." },
};
/* clang-format on */

static double value_of(const struct capacity *c, enum family family)
{
	const struct capacity_figures *f = &c->figures;

	switch (family) {
	case LINE_WINDOW:
		return f->share;
	case LINE_NEAR:
		return f->near ? 1 : 0;
	case LINE_PEAK:
		return f->peak_share;
	case LINE_USERS:
		return f->line_users;
	case LINE_MONTHS:
		return f->months;
	case FAMILIES:
		break;
	}
	return (double)NAN;
}

void capacity_write_prometheus(const struct capacity *c, struct buf *out)
{
	for (enum family i = LINE_WINDOW; i < FAMILIES; i++) {
		double value = value_of(c, i);
		buf_printf(out, "# HELP plimsoll_%s %s\n# TYPE plimsoll_%s gauge\n",
		    families[i].name, families[i].help, families[i].name);
		if (!isnan(value)) {
			buf_printf(out, "plimsoll_%s ", families[i].name);
			headline_put_number(out, value);
			buf_append_char(out, '\n');
		}
	}
	buf_printf(out, "# HELP plimsoll_role_use Share of the role's time in use, over [capacity] "
			"window.\n# TYPE plimsoll_role_use gauge\n");
	for (enum role_id role = ROLE_WEB; role < ROLE_COUNT; role++) {
		if (!isnan(c->figures.role[role])) {
			buf_printf(out, "plimsoll_role_use{role=\"%s\"} ", role_name(role));
			headline_put_number(out, c->figures.role[role]);
			buf_append_char(out, '\n');
		}
	}
}

static void put_number(struct json_writer *w, const char *name, double value)
{
	struct buf text = buf_new(64);

	headline_put_number(&text, value);
	json_put_name(w, slice_str(name));
	json_put_raw(w, buf_slice(&text));
	buf_free(&text);
}

static void put_string(struct json_writer *w, const char *name, const char *value)
{
	json_put_name(w, slice_str(name));
	json_put_string(w, slice_str(value));
}

void capacity_put_json(const struct capacity *c, struct json_writer *w)
{
	const struct capacity_figures *f = &c->figures;

	json_begin_object(w);
	put_number(w, "share", f->share);
	put_string(w, "fullest", f->fullest);
	json_put_name(w, SLICE("near"));
	json_put_bool(w, f->near);
	put_number(w, "warn_at", c->o.warn_at);
	put_number(w, "growth", c->o.growth);
	json_put_name(w, SLICE("window_s"));
	json_put_i64(w, c->o.window_s);
	json_put_name(w, SLICE("roles"));
	json_begin_object(w);
	for (enum role_id role = ROLE_WEB; role < ROLE_COUNT; role++) {
		if (!isnan(f->role[role])) {
			put_number(w, role_name(role), f->role[role]);
		}
	}
	json_end_object(w);
	put_number(w, "peak_share", f->peak_share);
	put_string(w, "peak_fullest", f->peak_fullest);
	json_put_name(w, SLICE("peak_ms"));
	json_put_i64(w, f->peak_ms);
	put_number(w, "peak_users", f->peak_users);
	put_number(w, "line_users", f->line_users);
	put_number(w, "months", f->months);
	json_end_object(w);
}

void capacity_write_reference(struct buf *out)
{
	buf_append_str(out, "| family | what it says | how it is computed |\n|---|---|---|\n");
	for (enum family i = LINE_WINDOW; i < FAMILIES; i++) {
		buf_printf(out, "| `%s` | %s | %s |\n", families[i].name, families[i].help,
		    families[i].computed);
	}
	buf_append_str(out, "| `role_use` by `role` | Share of the role's time in use, over "
			    "[capacity] window. | As in `line_share`. |\n");
}
