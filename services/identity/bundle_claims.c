/* See bundle_claims.h. */
#include "services/identity/bundle_claims.h"

#include "core/base/buf.h"

enum {
	CLAIM_NAME_MAX = 256,  /* bytes, in a principal */
	CLAIMS_MAX = 6 * 10240 /* bytes: an escaped byte takes six */
};

static bool is_reserved(struct slice name)
{
	static const char *const names[] = { "iss", "sub", "aud", "exp", "nbf", "iat", "jti",
		"public-key", "pubkey", "principal" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (slice_eq(name, slice_str(names[i]))) {
			return true;
		}
	}
	return false;
}

/* Members of a payload that are not the protocol's; of its principal those that are not there. */
static void put_claims(
    struct json_writer *w, const struct json *object, const struct json *above, unsigned *n)
{
	struct slice name;
	const struct json *value;
	void *cursor = NULL;
	char key[CLAIM_NAME_MAX];

	while (json_next(object, &cursor, &name, &value)) {
		bool is_taken =
		    above != NULL && (slice_eq(name, SLICE("email")) ||
					 slice_to_cstr(name, key, sizeof(key)) != ERR_OK ||
					 json_member(above, key) != NULL);
		if (!is_reserved(name) && !is_taken) {
			json_put_name(w, name);
			json_put_value(w, value);
			(*n)++;
		}
	}
}

enum err bundle_claims(struct arena *arena, const struct json *payload, struct slice *ret)
{
	struct buf text = buf_new(CLAIMS_MAX);
	struct json_writer w = json_writer_new(&text);
	unsigned n = 0;
	struct slice all = SLICE_EMPTY;

	json_begin_object(&w);
	put_claims(&w, payload, NULL, &n);
	put_claims(&w, json_member(payload, "principal"), payload, &n);
	json_end_object(&w);
	enum err e = buf_finish(&text, &all);
	*ret = SLICE_EMPTY;
	if (e == ERR_OK && n > 0) {
		e = arena_copy(arena, all, ret);
	}
	buf_free(&text);
	return e;
}
