/*
 * The content of a session cookie, "NAME={json}": members that are absent are empty.
 */
#include "accounts/session_content.h"

#include <string.h>

#include "core/base/arena.h"
#include "core/base/json.h"

enum {
	ARENA_MAX = 64 * 1024
};

static const char *const pending_names[PENDING_COUNT] = {
	[PENDING_CREATION] = "pendingCreation",
	[PENDING_ADDITION] = "pendingAddition",
	[PENDING_RESET] = "pendingReset",
	[PENDING_REVERIFICATION] = "pendingReverification",
};

void session_content_put(const struct session *s, const char *name, struct buf *out)
{
	struct json_writer w = json_writer_new(out);

	buf_append_str(out, name);
	buf_append_char(out, '=');
	json_begin_object(&w);
	if (s->csrf[0] != '\0') {
		json_put_name(&w, SLICE("csrf"));
		json_put_string(&w, slice_str(s->csrf));
	}
	if (s->userid != 0) {
		json_put_name(&w, SLICE("userid"));
		json_put_i64(&w, s->userid);
		json_put_name(&w, SLICE("auth_level"));
		json_put_string(
		    &w, s->level == SESSION_PASSWORD ? SLICE("password") : SLICE("assertion"));
		json_put_name(&w, SLICE("lastPasswordReset"));
		json_put_i64(&w, s->last_reset_ms);
	}
	if (s->known_user != 0 && s->known_user != s->userid) {
		json_put_name(&w, SLICE("known"));
		json_put_i64(&w, s->known_user);
	}
	for (int i = 0; i < PENDING_COUNT; i++) {
		if (s->pending[i][0] != '\0') {
			json_put_name(&w, slice_str(pending_names[i]));
			json_put_string(&w, slice_str(s->pending[i]));
		}
	}
	json_end_object(&w);
}

/* A string member into a fixed array; absent is fine, too long or of another type is not. */
static bool take_string(const struct json *o, const char *name, char *out, size_t size)
{
	struct slice text;
	const struct json *v = json_member(o, name);

	return v == NULL || (json_get_string(v, &text) && slice_to_cstr(text, out, size) == ERR_OK);
}

static bool take_user(const struct json *o, struct session *s)
{
	struct slice level;
	const struct json *known = json_member(o, "known");

	if (known != NULL && !json_get_i64(known, &s->known_user)) {
		return false;
	}
	if (json_member(o, "userid") == NULL) {
		return true;
	}
	if (!json_get_i64(json_member(o, "userid"), &s->userid) || s->userid <= 0 ||
	    !json_get_i64(json_member(o, "lastPasswordReset"), &s->last_reset_ms) ||
	    !json_get_string(json_member(o, "auth_level"), &level)) {
		return false;
	}
	s->known_user = s->userid;
	s->level = slice_eq(level, SLICE("password")) ? SESSION_PASSWORD : SESSION_ASSERTION;
	return true;
}

enum err session_content_take(struct slice plain, const char *name, struct session *s)
{
	struct arena arena = arena_new(ARENA_MAX);
	const struct json *o = NULL;
	size_t name_len = strlen(name);
	enum err e = ERR_SYNTAX;

	if (plain.len > name_len && slice_starts(plain, slice_str(name)) &&
	    plain.ptr[name_len] == '=') {
		e = json_parse(&arena, slice_sub(plain, name_len + 1, plain.len), &o, NULL);
	}
	if (e == ERR_OK && (json_kind(o) != JSON_KIND_OBJECT || !take_user(o, s) ||
			       !take_string(o, "csrf", s->csrf, sizeof(s->csrf)))) {
		e = ERR_SYNTAX;
	}
	for (int i = 0; e == ERR_OK && i < PENDING_COUNT; i++) {
		if (!take_string(o, pending_names[i], s->pending[i], sizeof(s->pending[i]))) {
			e = ERR_SYNTAX;
		}
	}
	arena_reset(&arena);
	return e;
}
