/*
 * Opening a model: its file is run, then presets and claims are worked out, so that a number that
 * cannot be is told before anything is done with it.
 */
#include "lab/model.h"

#include <lauxlib.h>
#include <stdlib.h>

#include "lab/formula.h"
#include "lab/model_declare.h"

enum {
	TEXT_BYTES = 1 << 20
};

static enum err derive_preset(struct model *m, struct model_preset *p, struct err_note *note)
{
	struct err_note inner = { 0 };
	enum err e = formula_evaluate(
	    slice_str(p->visits), model_lookup_derived, m, &p->visits_per_day, &inner);

	for (unsigned i = 0; e == ERR_OK && i < m->n_activities; i++) {
		if (p->weights[i] != NULL) {
			e = formula_evaluate(slice_str(p->weights[i]), model_lookup_derived, m,
			    &p->weight[i], &inner);
			p->weight_sum += p->weight[i];
		}
	}
	if (e == ERR_OK && p->weight_sum <= 0) {
		e = err_note_set(&inner, ERR_INVALID, "the weights are nothing together");
	}
	if (e != ERR_OK) {
		return err_note_set(note, e, "%spreset %s: %s", p->place, p->name, inner.text);
	}
	for (unsigned i = 0; i < m->n_activities; i++) {
		p->per_day[i] = p->weight[i] / p->weight_sum * p->visits_per_day;
	}
	return ERR_OK;
}

static enum err finish(struct model *m, struct err_note *note)
{
	enum err e = ERR_OK;

	if (m->name == NULL) {
		return err_note_set(note, ERR_INVALID, "%s: no model { name = ... }", m->path);
	}
	if (m->n_activities == 0) {
		return err_note_set(note, ERR_INVALID, "%s: no activity { ... }", m->path);
	}
	for (unsigned i = 0; e == ERR_OK && i < m->n_presets; i++) {
		e = derive_preset(m, &m->presets[i], note);
	}
	/* What follows from claims is computed when it is printed; that it can be is checked here.
	 */
	for (unsigned i = 0; e == ERR_OK && i < m->n_presets; i++) {
		const struct model_preset *p = &m->presets[i];
		for (unsigned k = 0; e == ERR_OK && k < p->n_claims; k++) {
			struct err_note inner = { 0 };
			double value = 0;
			const struct model_scope scope = { m, p };
			e = formula_evaluate(slice_str(p->claims[k].formula), model_lookup_preset,
			    &scope, &value, &inner);
			e = e == ERR_OK ? e
					: err_note_set(note, e, "%sclaim \"%s\": %s", p->place,
					      p->claims[k].what, inner.text);
		}
	}
	return e;
}

enum err model_open_text(
    const char *path, struct slice text, uint64_t seed, struct model **ret, struct err_note *note)
{
	const struct script_limits limits = SCRIPT_LIMITS_DEFAULT;
	struct model *m = calloc(1, sizeof(*m));

	if (m == NULL) {
		return ERR_MEMORY;
	}
	m->texts = arena_new(TEXT_BYTES);
	m->path = path;
	m->warm = m->pretend = m->routes = LUA_NOREF;
	m->behaviour = BEHAVIOUR_DEFAULT;
	enum err e = script_open(&limits, seed, &m->script);
	if (e == ERR_OK) {
		m->script->owner = m;
		model_add_declarations(m);
		e = script_run_text(m->script, path, text, note);
	}
	if (e == ERR_OK) {
		e = finish(m, note);
	}
	if (e != ERR_OK) {
		model_close(&m);
		return err_note_set(note, e, "%s: %s", path, err_text(e));
	}
	*ret = m;
	return ERR_OK;
}

enum err model_open(const char *path, uint64_t seed, struct model **ret, struct err_note *note)
{
	struct buf text = buf_new(SCRIPT_FILE_BYTES);
	enum err e = script_read_file(path, &text, note);

	if (e == ERR_OK) {
		e = model_open_text(path, buf_slice(&text), seed, ret, note);
	}
	buf_free(&text);
	return e;
}

void model_close(struct model **mp)
{
	struct model *m = *mp;

	if (m == NULL) {
		return;
	}
	script_close(&m->script);
	arena_reset(&m->texts);
	free(m);
	*mp = NULL;
}
