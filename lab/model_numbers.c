/*
 * The numbers of a model once it is read: by name for formulas, as rates for a number of users.
 */
#include <stdio.h>
#include <string.h>

#include "lab/model.h"

static double per_day(const struct model *m, const struct model_preset *p, unsigned activity)
{
	return p == NULL ? m->activities[activity].per_day : p->per_day[activity];
}

double model_rate(
    const struct model *m, const struct model_preset *p, unsigned activity, double users)
{
	return per_day(m, p, activity) * users / MODEL_DAY_S;
}

static bool find_rate(
    const struct model *m, const struct model_preset *p, struct slice name, double *ret)
{
	for (unsigned i = 0; i < m->n_activities; i++) {
		if (slice_eq(name, slice_str(m->activities[i].name))) {
			*ret = model_rate(m, p, i, MODEL_CLAIM_USERS);
			return true;
		}
	}
	return false;
}

bool model_lookup(
    const struct model *m, const struct model_preset *p, struct slice name, double *ret)
{
	if (slice_starts(name, SLICE("rate."))) {
		return find_rate(m, NULL, slice_sub(name, 5, name.len), ret);
	}
	if (slice_starts(name, SLICE("preset."))) {
		struct slice rest = slice_sub(name, 7, name.len);
		if (p != NULL && slice_eq(rest, SLICE("weights"))) {
			*ret = p->weight_sum;
			return true;
		}
		return p != NULL && find_rate(m, p, rest, ret);
	}
	for (unsigned i = 0; i < m->n_values; i++) {
		if (slice_eq(name, slice_str(m->values[i].name))) {
			*ret = m->values[i].value;
			return true;
		}
	}
	return false;
}

bool model_lookup_derived(const void *arg, struct slice name, double *ret)
{
	return model_lookup(arg, NULL, name, ret);
}

bool model_lookup_preset(const void *arg, struct slice name, double *ret)
{
	const struct model_scope *scope = arg;

	return model_lookup(scope->model, scope->preset, name, ret);
}

enum err model_find_preset(
    const struct model *m, const char *name, const struct model_preset **ret, struct err_note *note)
{
	char names[120] = "";
	size_t len = 0;

	*ret = NULL;
	if (name == NULL) {
		return ERR_OK;
	}
	for (unsigned i = 0; i < m->n_presets; i++) {
		if (strcmp(m->presets[i].name, name) == 0) {
			*ret = &m->presets[i];
			return ERR_OK;
		}
		int n = snprintf(names + len, sizeof(names) - len, "%s%s", len == 0 ? "" : ", ",
		    m->presets[i].name);
		len = n < 0 || len + (size_t)n >= sizeof(names) ? len : len + (size_t)n;
	}
	return err_note_set(note, ERR_NOT_FOUND, "%s has no preset \"%s\"; there %s: %s", m->path,
	    name, m->n_presets == 1 ? "is" : "are", m->n_presets == 0 ? "none" : names);
}
