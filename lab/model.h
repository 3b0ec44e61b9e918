/*
 * A model: who the users are, what an active one does per day and why, and what each activity asks
 * of the server. It is a Lua file (models/, doc/MODELS.md) that declares; this is what it declared.
 * Rates are derived from behaviour by formulas which the file holds as text, so that `plimsoll
 * model rates` can print every step; presets hold published figures exactly, with the claims made
 * about them.
 */
#ifndef PLIMSOLL_LAB_MODEL_H
#define PLIMSOLL_LAB_MODEL_H

#include <stdbool.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "lab/behaviour.h"
#include "lab/script.h"

enum {
	MODEL_VALUES_MAX = 64,
	MODEL_ACTIVITIES_MAX = 32,
	MODEL_PRESETS_MAX = 8,
	MODEL_GETS_MAX = 16,
	MODEL_CLAIMS_MAX = 32,
	MODEL_DAY_S = 86400,
	MODEL_CLAIM_USERS = 1000000, /* whom claims and published rates are about */
};

/* A number of the population; formula NULL: assumed, else derived from those before it. */
struct model_value {
	const char *name, *formula, *why, *place; /* place: "file:line: " */
	double value;
};

struct model_activity {
	const char *name, *formula, *why, *place;
	double per_day; /* of one active user */
	int does;	/* reference of its function in the Lua registry, or LUA_NOREF: */
	const char *gets[MODEL_GETS_MAX]; /* paths that its user's device asks for */
	unsigned n_gets;
	const char *admits; /* the step whose right answer lets it in; or NULL */
};

/* What a page claims of a million users, and the formula of what follows from the model. */
struct model_claim {
	const char *what, *formula, *why, *place;
	double says, within; /* a share of says, within which they agree */
};

/* Published figures: weights of the activities, whose sum counts as 1, and visits a day. */
struct model_preset {
	const char *name, *about, *visits, *place;
	const char *weights[MODEL_ACTIVITIES_MAX]; /* formulas, or NULL: not in it */
	double published[MODEL_ACTIVITIES_MAX];	   /* per second and million users, or < 0 */
	double per_day[MODEL_ACTIVITIES_MAX];	   /* what follows */
	double weight[MODEL_ACTIVITIES_MAX], weight_sum, visits_per_day;
	struct model_claim claims[MODEL_CLAIMS_MAX];
	unsigned n_claims;
};

struct model {
	struct script *script; /* owned */
	struct arena texts;
	const char *path, *name, *about;
	struct model_value values[MODEL_VALUES_MAX];
	struct model_activity activities[MODEL_ACTIVITIES_MAX];
	struct model_preset presets[MODEL_PRESETS_MAX];
	unsigned n_values, n_activities, n_presets, n_keys;
	struct behaviour behaviour;
	int warm;    /* reference of the function that prepares a user, or LUA_NOREF */
	int pretend; /* of the one that answers in place of a server, or LUA_NOREF */
	int routes;  /* of the list of { name, pattern of Lua }, or LUA_NOREF */
};

/*
 * Loads a model and derives its numbers. Errors name file and line in note. *ret is owned by the
 * caller; it must not move, its script points to it.
 */
NODISCARD enum err model_open(
    const char *path, uint64_t seed, struct model **ret, struct err_note *note);
/* The same with the text of the file in hand; path is for messages and stays the caller's. */
NODISCARD enum err model_open_text(
    const char *path, struct slice text, uint64_t seed, struct model **ret, struct err_note *note);
void model_close(struct model **m);

/* The preset of that name; name NULL gives NULL, the derived rates. ERR_NOT_FOUND names those there
 * are. */
NODISCARD enum err model_find_preset(const struct model *m, const char *name,
    const struct model_preset **ret, struct err_note *note);

/*
 * Appends the name of what a path asks for: of the first of the model's routes whose pattern it
 * has, else route_put()'s. ERR_INVALID: a pattern that is none.
 */
NODISCARD enum err model_route(
    const struct model *m, struct slice path, struct buf *out, struct err_note *note);

/* Activities per second of that many users; preset NULL: derived. */
double model_rate(
    const struct model *m, const struct model_preset *p, unsigned activity, double users);

/*
 * The value of a name in formulas: population; "rate.NAME", derived, and "preset.NAME" of a million
 * users; "preset.weights", the sum of them. False: there is none.
 */
bool model_lookup(
    const struct model *m, const struct model_preset *p, struct slice name, double *ret);

/* The same for formula.h: arg is a struct model, or a struct model_scope. */
struct model_scope {
	const struct model *model;
	const struct model_preset *preset;
};
bool model_lookup_derived(const void *arg, struct slice name, double *ret);
bool model_lookup_preset(const void *arg, struct slice name, double *ret);

#endif
