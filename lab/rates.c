/*
 * Text in two columns: what on the left, the reason below or behind. No figure is printed that was
 * not computed from the formula on the same line.
 */
#include "lab/rates.h"

#include <math.h>
#include <string.h>

#include "core/base/check.h"
#include "lab/formula.h"

enum {
	NAME_COLUMN = 24,
	WRAP_COLUMN = 96,
};

/* Words of text from column indent on, broken at the margin; ends the line. */
static void put_wrapped(struct buf *out, const char *text, unsigned indent)
{
	unsigned column = indent;
	bool first = true;

	buf_printf(out, "%*s", (int)indent, "");
	struct slice rest = slice_str(text);
	for (struct slice word; slice_split(&rest, ' ', &word);) {
		if (!first && column + 1 + word.len > WRAP_COLUMN) {
			buf_printf(out, "\n%*s", (int)indent, "");
			column = indent;
			first = true;
		}
		buf_append_str(out, first ? "" : " ");
		buf_append_slice(out, word);
		column += (unsigned)word.len + (first ? 0 : 1);
		first = false;
	}
	buf_append_char(out, '\n');
}

/* "formula = numbers = result"; the middle only where it differs. */
static void put_derivation(
    struct buf *out, const char *formula, formula_lookup *lookup, const void *arg, double result)
{
	struct buf numbers = buf_new(4096);

	formula_put_numbers(slice_str(formula), lookup, arg, &numbers);
	buf_append_str(out, formula);
	if (!slice_eq(buf_slice(&numbers), slice_str(formula))) {
		buf_append_str(out, " = ");
		buf_append_slice(out, buf_slice(&numbers));
	}
	struct buf value = buf_new(64);
	formula_put_number(result, &value);
	if (!slice_eq(buf_slice(&value), buf_slice(&numbers))) {
		buf_append_str(out, " = ");
		buf_append_slice(out, buf_slice(&value));
	}
	buf_free(&value);
	buf_free(&numbers);
}

static void put_population(const struct model *m, struct buf *out)
{
	buf_append_str(out, "\nAssumed of an active user\n");
	for (unsigned i = 0; i < m->n_values; i++) {
		const struct model_value *v = &m->values[i];
		if (v->formula == NULL) {
			buf_printf(out, "  %-*s ", NAME_COLUMN, v->name);
			formula_put_number(v->value, out);
			buf_append_char(out, '\n');
			put_wrapped(out, v->why, 6);
		}
	}
	buf_append_str(out, "\nDerived from that\n");
	for (unsigned i = 0; i < m->n_values; i++) {
		const struct model_value *v = &m->values[i];
		if (v->formula != NULL) {
			buf_printf(out, "  %-*s ", NAME_COLUMN, v->name);
			put_derivation(out, v->formula, model_lookup_derived, m, v->value);
			buf_append_char(out, '\n');
			put_wrapped(out, v->why, 6);
		}
	}
}

/* "once in 4 weeks" for what is rarer than once a day. */
static void put_period(double per_day, struct buf *out)
{
	if (per_day > 0 && per_day < 1) {
		buf_append_str(out, ", once in ");
		formula_put_number(1 / per_day, out);
		buf_append_str(out, " days");
	}
}

static void put_activities(const struct model *m, double users, struct buf *out)
{
	double sum = 0;

	buf_append_str(out, "\nWhat a user does a day, and what ");
	formula_put_number(users, out);
	buf_append_str(out, " of them do a second\n");
	for (unsigned i = 0; i < m->n_activities; i++) {
		const struct model_activity *a = &m->activities[i];
		double rate = model_rate(m, NULL, i, users);
		buf_printf(out, "  %-*s ", NAME_COLUMN, a->name);
		put_derivation(out, a->formula, model_lookup_derived, m, a->per_day);
		buf_append_str(out, " a day");
		put_period(a->per_day, out);
		buf_printf(out, "\n%*s", NAME_COLUMN + 3, "");
		formula_put_number(a->per_day, out);
		buf_append_str(out, " * ");
		formula_put_number(users, out);
		buf_printf(out, " / %d = %.2f a second\n", MODEL_DAY_S, rate);
		put_wrapped(out, a->why, 6);
		sum += rate;
	}
	buf_printf(out, "  %-*s %.2f a second\n", NAME_COLUMN, "together", sum);
}

static void put_preset_rates(
    const struct model *m, const struct model_preset *p, double users, struct buf *out)
{
	buf_printf(out, "\nPreset %s: ", p->name);
	buf_printf(out, "%s\n  visits a day: ", p->about);
	put_derivation(out, p->visits, model_lookup_derived, m, p->visits_per_day);
	buf_printf(out, "; sum of the weights: %.6f\n", p->weight_sum);
	buf_printf(out, "  %-*s %-18s %10s %12s %12s\n", NAME_COLUMN, "activity", "weight",
	    "of a sum", "a second", "published");
	for (unsigned i = 0; i < m->n_activities; i++) {
		if (p->weights[i] == NULL) {
			continue;
		}
		double rate = model_rate(m, p, i, users);
		double page = p->published[i] * users / MODEL_CLAIM_USERS;
		buf_printf(out, "  %-*s %-18s %10.6f %12.2f", NAME_COLUMN, m->activities[i].name,
		    p->weights[i], p->weight[i], rate);
		if (p->published[i] >= 0) {
			/* To the digits printed: half of the last one, as the page has two. */
			double unit = users / MODEL_CLAIM_USERS;
			bool same = fabs(rate - page) < 0.00501 * (unit > 1 ? unit : 1);
			buf_printf(out, " %12.2f  %s", page, same ? "the same" : "DIFFERS");
		}
		buf_append_char(out, '\n');
	}
}

/* How far what follows is from what is said, in words. */
static void put_distance(double says, double follows, struct buf *out)
{
	if (says <= 0 || follows <= 0) {
		return;
	}
	double ratio = says / follows;
	if (ratio >= 1.95) {
		buf_printf(out, ": %.3g times too high", ratio);
	} else if (ratio <= 1 / 1.95) {
		buf_printf(out, ": %.3g times too low", 1 / ratio);
	} else {
		buf_printf(
		    out, ": %.3g %% too %s", fabs(ratio - 1) * 100, ratio > 1 ? "high" : "low");
	}
}

/* True if it agrees. */
static bool put_claim(const struct model_scope *scope, const struct model_claim *c, struct buf *out)
{
	struct err_note note = { 0 };
	double follows = 0;

	/* model_open() has tried it. */
	CHECK(formula_evaluate(
		  slice_str(c->formula), model_lookup_preset, scope, &follows, &note) == ERR_OK);
	bool agrees = fabs(follows - c->says) <= c->within * fabs(c->says);
	buf_printf(out, "  %s  %s: it says ", agrees ? "agrees     " : "CONTRADICTS", c->what);
	formula_put_number(c->says, out);
	buf_append_str(out, ", the model gives ");
	formula_put_number(follows, out);
	if (!agrees) {
		put_distance(c->says, follows, out);
	}
	buf_printf(out, "\n%*s", 15, "");
	put_derivation(out, c->formula, model_lookup_preset, scope, follows);
	buf_append_char(out, '\n');
	if (c->why[0] != '\0') {
		put_wrapped(out, c->why, 15);
	}
	return agrees;
}

static unsigned put_claims(const struct model *m, const struct model_preset *p, struct buf *out)
{
	const struct model_scope scope = { m, p };
	unsigned wrong = 0;

	if (p->n_claims == 0) {
		return 0;
	}
	buf_printf(out,
	    "\nWhat the source of %s says of a million users, and what follows from what it assumes\n",
	    p->name);
	for (unsigned i = 0; i < p->n_claims; i++) {
		wrong += put_claim(&scope, &p->claims[i], out) ? 0 : 1;
	}
	buf_printf(out, "  %u of %u contradict what they are derived from\n", wrong, p->n_claims);
	return wrong;
}

unsigned rates_print(
    const struct model *m, const struct model_preset *p, double users, struct buf *out)
{
	buf_printf(out, "%s: %s (%s)\n", m->name, m->about, m->path);
	put_population(m, out);
	put_activities(m, users, out);
	if (p == NULL) {
		return 0;
	}
	put_preset_rates(m, p, users, out);
	return put_claims(m, p, out);
}
