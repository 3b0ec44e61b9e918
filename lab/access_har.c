/*
 * A HAR document: what a browser's developer tools save. Bodies come along; all requests are one
 * client's.
 */
#include "core/base/json.h"
#include "lab/access_log.h"

enum {
	ARENA_BYTES = 1 << 30,
	BODY_MOST = 1 << 20,
};

/* False: no request that can be sent; why in *ret_why. */
static bool read_entry(const struct json *v, struct access_line *ret, struct slice *ret_body,
    struct slice *ret_type, const char **ret_why)
{
	const struct json *request = json_member(v, "request");
	const struct json *body = json_member(request, "postData");
	struct slice text = SLICE_EMPTY;
	int64_t status = 0;

	*ret_body = *ret_type = SLICE_EMPTY;
	*ret = (struct access_line){ .client = SLICE("har"), .count = 1 };
	*ret_why = "no time";
	if (!json_get_string(json_member(v, "startedDateTime"), &text) ||
	    log_time_parse(text, &ret->time) != ERR_OK) {
		return false;
	}
	ret->has_time = true;
	*ret_why = "no request that can be sent";
	if (!json_get_string(json_member(request, "method"), &ret->method) ||
	    !json_get_string(json_member(request, "url"), &text) || !access_take_path(text, ret)) {
		return false;
	}
	/* 0: the browser has no answer. */
	if (json_get_i64(json_member(json_member(v, "response"), "status"), &status) &&
	    status >= 100 && status <= 999) {
		ret->status = (int)status;
	}
	(void)json_get_string(json_member(body, "text"), ret_body);
	(void)json_get_string(json_member(body, "mimeType"), ret_type);
	*ret_why = "a body of more than a mebibyte";
	return ret_body->len <= BODY_MOST;
}

enum err access_har_read(struct access_log *l, struct slice text, struct err_note *note)
{
	struct arena arena = arena_new(ARENA_BYTES);
	struct err_note inner = { 0 };
	const struct json *v = NULL;
	enum err e = json_parse(&arena, text, &v, &inner);
	const struct json *entries = json_member(json_member(v, "log"), "entries");

	if (e != ERR_OK || entries == NULL || json_kind(entries) != JSON_KIND_ARRAY) {
		arena_reset(&arena);
		return err_note_set(note, ERR_SYNTAX, "no HAR document: %s",
		    e == ERR_OK ? "it has no log.entries" : inner.text);
	}
	l->format = ACCESS_HAR;
	for (size_t i = 0; e == ERR_OK && i < json_count(entries); i++) {
		struct access_line line;
		struct slice body, type;
		const char *why = NULL;
		l->n_lines++;
		if (read_entry(json_element(entries, i), &line, &body, &type, &why)) {
			e = access_log_add(l, &line, body, type);
		} else {
			access_log_break(l, SLICE("entry"), why);
		}
	}
	arena_reset(&arena);
	return e;
}
