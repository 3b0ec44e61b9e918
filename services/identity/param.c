/*
 * Checking the parameters of a call.
 */
#include "services/identity/param.h"

#include "accounts/kdf.h"
#include "accounts/password.h"
#include "core/base/check.h"
#include "core/http/http.h"
#include "services/identity/param_type.h"

#define NUMBER_MAX UINT64_C(1000000000000000)

enum {
	LONG_MIN_BYTES = 50,
	LONG_MAX_BYTES = 10240,
	EXTRA_MAX = 8,
	EXTRA_NAME_MAX = 64
};

static unsigned index_of(const struct params *p, const char *name)
{
	unsigned i = 0;

	while (i < p->n && strcmp(p->defs[i].name, name) != 0) {
		i++;
	}
	CHECK(i < p->n);
	return i;
}

struct slice param_text(const struct params *p, const char *name)
{
	const struct param_value *v = &p->values[index_of(p, name)];

	return v->is_there ? v->text : SLICE_EMPTY;
}

bool param_is_there(const struct params *p, const char *name)
{
	return p->values[index_of(p, name)].is_there;
}

bool param_flag(const struct params *p, const char *name)
{
	return p->values[index_of(p, name)].flag;
}

bool param_find(
    struct arena *arena, const struct param_source *source, const char *name, struct slice *ret)
{
	if (source->object != NULL) {
		return json_get_string(json_member(source->object, name), ret);
	}
	return http_form_get(arena, source->encoded, slice_str(name), ret);
}

static bool has_assertion_char(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		    c == '~' || c == '_' || c == '-') {
			return true;
		}
	}
	return false;
}

static const char *refuse_password(struct slice s)
{
	size_t units = utf16_length(s);

	return units < 8 || units > 80 || s.len > PASSWORD_MAX_BYTES
		   ? "not a valid password: 8 to 80 characters"
		   : NULL;
}

const char *param_refusal(enum param_type type, struct slice s)
{
	enum kdf_kind kind;
	uint64_t n = 0;
	bool is_long = s.len >= LONG_MIN_BYTES && s.len <= LONG_MAX_BYTES;

	switch (type) {
	case PARAM_EMAIL:
		return email_is_valid(s) ? NULL : "not a valid email";
	case PARAM_PASSWORD:
		return refuse_password(s);
	case PARAM_BOOL:
		return slice_eq(s, SLICE("true")) || slice_eq(s, SLICE("false"))
			   ? NULL
			   : "boolean required";
	case PARAM_TOKEN:
		return is_token(s) ? NULL : "not a valid token";
	case PARAM_ASSERTION:
		return is_long && has_assertion_char(s) ? NULL : "not a valid assertion";
	case PARAM_PUBKEY:
		return is_long ? NULL : "not a valid public key";
	case PARAM_HOSTNAME:
		return hostname_is_valid(s) ? NULL : "not a valid hostname";
	case PARAM_ORIGIN:
		return is_origin(s) ? NULL : "not a valid origin";
	case PARAM_COLOR:
		return is_color(s) ? NULL : "ValidatorError: Invalid hexcolor";
	case PARAM_IMAGE:
		return is_https_url(s) ? NULL : "Error: images must be served over https.";
	case PARAM_USERID:
		return slice_to_u64(s, INT64_MAX, &n) == ERR_OK ? NULL : "not a valid userid";
	case PARAM_KDF:
		return kdf_from_name(s, &kind) ? NULL : "must be plain or onepw-2";
	case PARAM_STRETCHED:
		return kdf_is_stretched(s) ? NULL : "64 lower-case hex digits are needed";
	case PARAM_HASH:
		return s.len < PASSWORD_HASH_SIZE && password_cost(s) > 0
			   ? NULL
			   : "not a bcrypt hash ($2a$, $2b$, $2y$)";
	case PARAM_USED_AS:
		return slice_eq(s, SLICE("primary")) || slice_eq(s, SLICE("secondary"))
			   ? NULL
			   : "must be primary or secondary";
	case PARAM_NUMBER:
		return slice_to_u64(s, NUMBER_MAX, &n) == ERR_OK ? NULL : "not a whole number";
	}
	return "not valid";
}

/* A public key is a string that holds JSON, or an object of its own when the body is JSON. */
static const char *refuse_pubkey(struct arena *arena, struct slice text)
{
	const struct json *parsed;

	return json_parse(arena, text, &parsed, NULL) == ERR_OK ? NULL : "not valid JSON";
}

/* One value that is there; the detail why it is refused, or NULL. */
static const char *take_text(
    struct arena *arena, const struct param_def *def, struct slice text, struct param_value *v)
{
	const char *detail = param_refusal(def->type, text);

	if (detail == NULL && def->type == PARAM_PUBKEY) {
		detail = refuse_pubkey(arena, text);
	}
	if (detail == NULL) {
		*v = (struct param_value){ .is_there = true,
			.text = text,
			.flag = def->type == PARAM_BOOL && slice_eq(text, SLICE("true")) };
	}
	return detail;
}

static const char *take_json(struct arena *arena, const struct param_def *def,
    const struct json *value, struct param_value *v)
{
	struct slice text;
	int64_t n;
	bool flag;

	if (def->type == PARAM_BOOL) {
		if (!json_get_bool(value, &flag)) {
			return "boolean required";
		}
		*v = (struct param_value){ .is_there = true, .flag = flag };
		return NULL;
	}
	bool is_number = def->type == PARAM_USERID || def->type == PARAM_NUMBER;
	if (is_number && json_get_i64(value, &n)) {
		const char *digits = arena_printf(arena, "%lld", (long long)n);
		text = slice_str(digits);
	} else if (!json_get_string(value, &text)) {
		return "string required";
	}
	return take_text(arena, def, text, v);
}

static const struct param_def *find_def(const struct params *p, struct slice name, unsigned *ret_i)
{
	for (unsigned i = 0; i < p->n; i++) {
		if (slice_eq(name, slice_str(p->defs[i].name))) {
			*ret_i = i;
			return &p->defs[i];
		}
	}
	return NULL;
}

/* Names of parameters that are not in the list, for the refusal. */
struct extras {
	struct buf names; /* freed by the caller */
	unsigned n;
};

static void add_extra(struct extras *x, struct slice name)
{
	if (slice_eq(name, SLICE("csrf"))) {
		return;
	}
	if (x->n < EXTRA_MAX) {
		buf_append_str(&x->names, x->n > 0 ? ", " : "");
		buf_append_slice(&x->names, slice_sub(name, 0, EXTRA_NAME_MAX));
	}
	x->n++;
}

/* The next parameter of the source, with its value as JSON or as text. */
struct cursor {
	void *member;
	struct slice rest;
};

static bool next(struct arena *arena, const struct param_source *source, struct cursor *at,
    struct slice *ret_name, const struct json **ret_json, struct slice *ret_text)
{
	*ret_json = NULL;
	if (source->object != NULL) {
		return json_next(source->object, &at->member, ret_name, ret_json);
	}
	return http_form_next(arena, &at->rest, ret_name, ret_text);
}

/* A refusal stays one when the arena has no room for its words. */
static const char *or_static(const char *reason)
{
	return reason != NULL ? reason : "invalid parameters";
}

enum err params_take(struct arena *arena, const struct param_source *source,
    const struct param_def *defs, unsigned n, struct params *ret, const char **ret_reason)
{
	struct params p = { .defs = defs, .n = n };
	struct extras extras = { .names = buf_new(EXTRA_MAX * (EXTRA_NAME_MAX + 2)) };
	struct cursor at = { .member = NULL, .rest = source->encoded };
	const struct json *value;
	struct slice name, text = SLICE_EMPTY;
	const char *reason = NULL;
	unsigned i = 0;

	CHECK(n <= PARAMS_MAX);
	while (reason == NULL && next(arena, source, &at, &name, &value, &text)) {
		const struct param_def *def = find_def(&p, name, &i);
		const char *detail = NULL;

		if (def == NULL) {
			add_extra(&extras, name);
		} else if (value != NULL && json_kind(value) == JSON_KIND_NULL &&
			   def->is_optional) {
			continue; /* the same as not there */
		} else if (value != NULL) {
			detail = take_json(arena, def, value, &p.values[i]);
		} else {
			detail = take_text(arena, def, text, &p.values[i]);
		}
		if (detail != NULL) {
			reason = or_static(arena_printf(arena, "%s: %s", def->name, detail));
		}
	}
	for (i = 0; reason == NULL && i < n; i++) {
		if (!defs[i].is_optional && !p.values[i].is_there) {
			reason = or_static(
			    arena_printf(arena, "missing required parameter: '%s'", defs[i].name));
		}
	}
	if (reason == NULL && extras.n > 0) {
		reason = or_static(arena_printf(arena, "extra parameters are not allowed: %.*s",
		    SLICE_ARG(buf_slice(&extras.names))));
	}
	buf_free(&extras.names);
	*ret = p;
	*ret_reason = reason;
	return ERR_OK;
}

struct slice origin_host(struct slice origin)
{
	size_t from = slice_find(origin, ':', 0) + 3;

	return slice_sub(origin, from, slice_find(origin, ':', from));
}
