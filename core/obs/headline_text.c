/*
 * The headline figures as texts.
 */
#include <math.h>
#include <stdio.h>

#include "core/obs/headline_priv.h"

enum {
	NUMBER_BYTES = 32
};

/* Six digits are more than any of them is worth. */
static struct slice number_text(double value, char out[NUMBER_BYTES])
{
	int n = isnan(value) ? 0 : snprintf(out, NUMBER_BYTES, "%.6g", value);

	return n > 0 ? SLICE_OF(out, (size_t)n) : SLICE("null");
}

void headline_put_number(struct buf *out, double value)
{
	char text[NUMBER_BYTES];

	buf_append_slice(out, number_text(value, text));
}

void headline_write_prometheus(const struct headline *h, struct buf *out)
{
	const struct headline_def *family = NULL;

	for (unsigned i = 0; i < headline_n(h); i++) {
		const struct headline_row row = headline_row(h, i);
		if (row.def != family) {
			family = row.def;
			buf_printf(out, "# HELP plimsoll_%s %s\n# TYPE plimsoll_%s gauge\n",
			    row.def->name, row.def->help, row.def->name);
		}
		if (isnan(headline_value(h, i))) {
			continue;
		}
		buf_printf(out, "plimsoll_%s", row.def->name);
		if (row.label_value != NULL) {
			buf_printf(
			    out, "{%s=\"%s\"}", headline_label(row.def->by), row.label_value);
		}
		buf_append_char(out, ' ');
		headline_put_number(out, headline_value(h, i));
		buf_append_char(out, '\n');
	}
}

static void put_value(struct json_writer *w, double value)
{
	char text[NUMBER_BYTES];

	json_put_raw(w, number_text(value, text));
}

void headline_put_json(const struct headline *h, struct json_writer *w)
{
	const struct headline_def *open = NULL;

	json_begin_object(w);
	for (unsigned i = 0; i < headline_n(h); i++) {
		const struct headline_row row = headline_row(h, i);
		if (open != NULL && open != row.def) {
			json_end_object(w);
			open = NULL;
		}
		if (row.label_value != NULL && open == NULL) {
			json_put_name(w, slice_str(row.def->name));
			json_begin_object(w);
			open = row.def;
		}
		json_put_name(
		    w, slice_str(row.label_value != NULL ? row.label_value : row.def->name));
		put_value(w, headline_value(h, i));
	}
	if (open != NULL) {
		json_end_object(w);
	}
	json_end_object(w);
}

static void put_series_name(struct json_writer *w, const struct headline_row *row)
{
	struct buf name = buf_new(256);

	buf_append_str(&name, row->def->name);
	if (row->label_value != NULL) {
		buf_append_char(&name, '.');
		buf_append_str(&name, row->label_value);
	}
	json_put_name(w, buf_slice(&name));
	buf_free(&name);
}

void headline_put_history(const struct headline *h, uint64_t since, struct json_writer *w)
{
	uint64_t last = headline_points(h);
	uint64_t first = last > HEADLINE_POINTS ? last - HEADLINE_POINTS : 0;

	/* A number from the future is that of an earlier process: everything is new. */
	first = since > first && since <= last ? since : first;
	json_begin_object(w);
	json_put_name(w, SLICE("seq"));
	json_put_i64(w, (int64_t)last);
	json_put_name(w, SLICE("since"));
	json_put_i64(w, (int64_t)first);
	json_put_name(w, SLICE("every_s"));
	json_put_i64(w, HEADLINE_POINT_S);
	json_put_name(w, SLICE("points"));
	json_begin_object(w);
	for (unsigned i = 0; i < headline_n(h); i++) {
		const struct headline_row row = headline_row(h, i);
		put_series_name(w, &row);
		json_begin_array(w);
		for (uint64_t p = first + 1; p <= last; p++) {
			put_value(w, headline_point(h, p, i));
		}
		json_end_array(w);
	}
	json_end_object(w);
	json_end_object(w);
}

void headline_write_reference(struct buf *out)
{
	buf_append_str(out, "| figure | unit | what it says | how it is computed | when to act |\n"
			    "|---|---|---|---|---|\n");
	for (unsigned i = 0; i < HEADLINE_COUNT; i++) {
		const struct headline_def *d = &headline_defs[i];
		const char *label = headline_label(d->by);
		buf_printf(out, "| `%s`%s%s%s | %s | %s | %s | %s |\n", d->name,
		    label == NULL ? "" : " by `", label == NULL ? "" : label,
		    label == NULL ? "" : "`", d->unit, d->help, d->computed, d->act);
	}
}
