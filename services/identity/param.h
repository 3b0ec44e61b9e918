/*
 * Parameters of /wsapi calls: types with their rules (persona.md 2.1), and the check of a whole
 * call against the list of its row. The texts of refusals are part of the protocol.
 */
#ifndef PLIMSOLL_IDENTITY_PARAM_H
#define PLIMSOLL_IDENTITY_PARAM_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/json.h"
#include "core/base/slice.h"

enum param_type {
	PARAM_EMAIL,
	PARAM_PASSWORD, /* 8..80 UTF-16 units */
	PARAM_BOOL,
	PARAM_TOKEN,
	PARAM_ASSERTION,
	PARAM_PUBKEY,
	PARAM_HOSTNAME,
	PARAM_ORIGIN,
	PARAM_COLOR,
	PARAM_IMAGE,
	PARAM_USERID,
	PARAM_KDF,	 /* "plain" or "onepw-2" */
	PARAM_STRETCHED, /* 64 lower-case hex digits */
	PARAM_HASH,	 /* a bcrypt hash as `plimsoll user import` takes them */
	PARAM_USED_AS,	 /* "primary" or "secondary" */
	PARAM_NUMBER,	 /* whole, not negative */
};

struct param_def {
	const char *name;
	enum param_type type;
	bool is_optional;
};

enum {
	PARAMS_MAX = 10
};

struct param_value {
	bool is_there;
	struct slice text; /* empty for booleans */
	bool flag;
};

/* What a call brought, in the order of its row's list. */
struct params {
	const struct param_def *defs;
	unsigned n;
	struct param_value values[PARAMS_MAX];
};

/* The value of a parameter of the list (another name is a broken invariant); empty if absent. */
struct slice param_text(const struct params *p, const char *name);
bool param_is_there(const struct params *p, const char *name);
bool param_flag(const struct params *p, const char *name);

/* Where parameters come from: a JSON object, or a form or query as sent. */
struct param_source {
	const struct json *object; /* or NULL: */
	struct slice encoded;
};

/* Text of one parameter whatever its rules are; false if it is not there or no text. */
bool param_find(
    struct arena *arena, const struct param_source *source, const char *name, struct slice *ret);

/*
 * Checks what came against the list and takes it. *ret_reason is NULL, or why it is refused:
 * "missing required parameter: 'NAME'", "NAME: detail", "extra parameters are not allowed: a, b".
 * "csrf" is always allowed.
 */
NODISCARD enum err params_take(struct arena *arena, const struct param_source *source,
    const struct param_def *defs, unsigned n, struct params *ret, const char **ret_reason);

/* One value against its type: NULL or the detail. */
const char *param_refusal(enum param_type type, struct slice text);

/* Splits an origin that passed PARAM_ORIGIN: its host without port. */
struct slice origin_host(struct slice origin);

#endif
