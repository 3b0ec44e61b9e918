/*
 * Reading support documents. They come from strangers: what is kept of one is checked and, where it
 * goes on to browsers or other roles, rewritten.
 */
#include "services/identity/support_document.h"

#include "core/base/buf.h"
#include "core/base/json.h"
#include "services/identity/param_type.h"
#include "services/identity/pubkey.h"

/* As JavaScript takes it for true; the first implementation did no more than that. */
static bool is_truthy(const struct json *v)
{
	struct slice text;
	double number;
	bool flag;

	if (v == NULL || json_kind(v) == JSON_KIND_NULL) {
		return false;
	}
	return json_get_bool(v, &flag)	   ? flag
	       : json_get_string(v, &text) ? text.len > 0
	       : json_get_real(v, &number) ? number < 0 || number > 0
					   : true;
}

/* A path that can stand behind "https://host" in a page: from '/', printable, nothing to escape. */
static bool is_path(struct slice s)
{
	if (s.len > SUPPORT_PATH_MAX || !slice_starts(s, SLICE("/"))) {
		return false;
	}
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		if (c <= ' ' || c >= 0x7f || strchr("\"<>\\^`{|}", c) != NULL) {
			return false;
		}
	}
	return true;
}

static bool take_path(const struct json *document, const char *member, struct slice *ret)
{
	return json_get_string(json_member(document, member), ret) && is_path(*ret);
}

/* The key's text in the form that verifying reads (its members are strings); checked once here. */
static enum err take_key(struct arena *arena, const struct json *v, struct slice *ret)
{
	struct pubkey key = { .verifier = NULL };
	struct buf text = buf_new(SUPPORT_KEY_MAX);
	struct json_writer w = json_writer_new(&text);
	const struct json *value;
	struct slice name, member;
	void *cursor = NULL;
	enum err e = v == NULL || pubkey_parse(v, &key, NULL) != ERR_OK ? ERR_INVALID : ERR_OK;

	json_begin_object(&w);
	while (e == ERR_OK && json_next(v, &cursor, &name, &value)) {
		if (json_get_string(value, &member)) {
			json_put_name(&w, name);
			json_put_string(&w, member);
		}
	}
	json_end_object(&w);
	if (e == ERR_OK) {
		e = text.failed ? ERR_INVALID : arena_copy(arena, buf_slice(&text), ret);
	}
	pubkey_free(&key);
	buf_free(&text);
	return e;
}

static enum err find_key(struct arena *arena, const struct json *document, struct slice *ret)
{
	const struct json *keys = json_member(document, "keys");
	enum err e = take_key(arena, json_member(document, "public-key"), ret);

	for (size_t i = 0; e == ERR_INVALID && keys != NULL && i < json_count(keys); i++) {
		e = take_key(arena, json_element(keys, i), ret);
	}
	return e;
}

enum err support_document_parse(
    struct arena *arena, struct slice text, struct support_document *ret)
{
	const struct json *document = NULL;
	struct support_document d = { .kind = SUPPORT_DISABLED };
	enum err e = json_parse(arena, text, &document, NULL);

	if (e != ERR_OK || json_kind(document) != JSON_KIND_OBJECT) {
		return e == ERR_MEMORY ? e : ERR_INVALID;
	}
	if (is_truthy(json_member(document, "disabled"))) {
		*ret = d;
		return ERR_OK;
	}
	if (json_get_string(json_member(document, "authority"), &d.authority)) {
		d.kind = SUPPORT_AUTHORITY;
		e = hostname_is_valid(d.authority) ? host_key(arena, d.authority, &d.authority)
						   : ERR_INVALID;
	} else {
		d.kind = SUPPORT_KEY;
		e = take_path(document, "authentication", &d.auth_path) &&
			    take_path(document, "provisioning", &d.prov_path)
			? find_key(arena, document, &d.key_json)
			: ERR_INVALID;
	}
	if (e == ERR_OK) {
		*ret = d;
	}
	return e;
}
