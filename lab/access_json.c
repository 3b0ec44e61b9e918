/*
 * Lines of JSON by the names that servers give their fields, and CSV of paths.
 */
#include "core/base/json.h"
#include "lab/access_line.h"

enum {
	NAMES_MOST = 8
};

static enum access_result broken(const char **ret_why, const char *why)
{
	*ret_why = why;
	return ACCESS_BROKEN;
}

/* ---- JSON ---- */

/* clang-format off */
static const char *const times[NAMES_MOST] = { "time", "timestamp", "@timestamp", "time_iso8601", "ts", "msec", "time_local", "StartUTC" },
	*const methods[NAMES_MOST] = { "method", "request_method", "RequestMethod", "verb" },
	*const paths[NAMES_MOST] = { "path", "uri", "request_uri", "url", "RequestPath", "target" },
	*const statuses[NAMES_MOST] = { "status", "status_code", "DownstreamStatus", "response_status", "code" },
	*const clients[NAMES_MOST] = { "client", "remote_addr", "client_ip", "remote_ip", "ClientHost", "ip", "remote" };
/* clang-format on */

/* The member of the first of those names that there is, in v or in the object "request" of it. */
static const struct json *find(const struct json *v, const char *const *names)
{
	const struct json *inner = json_member(v, "request");

	for (unsigned i = 0; i < NAMES_MOST && names[i] != NULL; i++) {
		const struct json *found = json_member(v, names[i]);
		if (found == NULL && json_count(inner) > 0 &&
		    json_kind(inner) == JSON_KIND_OBJECT) {
			found = json_member(inner, names[i]);
		}
		if (found != NULL) {
			return found;
		}
	}
	return NULL;
}

/* A string, or a number as its digits. */
static bool text_of(struct access_reader *r, const struct json *v, struct slice *ret)
{
	int64_t whole = 0;
	double real = 0;

	if (json_get_string(v, ret)) {
		return true;
	}
	if (v == NULL || !json_get_real(v, &real) || real < 0 || real > 9e18) {
		return false;
	}
	const char *text = json_get_i64(v, &whole)
			       ? arena_printf(&r->arena, "%lld", (long long)whole)
			       : arena_printf(&r->arena, "%.6f", real);
	*ret = slice_str(text);
	return text != NULL;
}

enum access_result access_read_json(
    struct access_reader *r, struct slice line, struct access_line *ret, const char **ret_why)
{
	struct err_note note = { 0 };
	const struct json *v = NULL;
	struct slice text = SLICE_EMPTY;

	arena_reset(&r->arena);
	if (json_parse(&r->arena, line, &v, &note) != ERR_OK || json_kind(v) != JSON_KIND_OBJECT) {
		return broken(ret_why, "no JSON object");
	}
	if (text_of(r, find(v, times), &text)) {
		if (log_time_parse(text, &ret->time) != ERR_OK) {
			return broken(ret_why, "a time that is none");
		}
		ret->has_time = true;
	}
	if (text_of(r, find(v, clients), &text)) {
		ret->client = access_client(text);
	}
	/* Either the whole request line, or its parts. */
	bool whole = json_get_string(json_member(v, "request"), &text);
	if (whole ? !access_take_request(text, ret)
		  : !text_of(r, find(v, paths), &text) || !access_take_path(text, ret)) {
		return broken(ret_why, "no path that can be sent");
	}
	if (!whole && text_of(r, find(v, methods), &text)) {
		ret->method = text;
	}
	if (text_of(r, find(v, statuses), &text) && !access_take_status(text, ret)) {
		return broken(ret_why, "a status that is none");
	}
	return ACCESS_TAKEN;
}

/* ---- CSV ---- */

static enum access_column column_named(struct slice name)
{
	static const struct {
		const char *name;
		enum access_column column;
	} rows[] = { { "path", COLUMN_PATH }, { "uri", COLUMN_PATH }, { "url", COLUMN_PATH },
		{ "status", COLUMN_STATUS }, { "status code", COLUMN_STATUS },
		{ "count", COLUMN_COUNT }, { "method", COLUMN_METHOD }, { "client", COLUMN_CLIENT },
		{ "time", COLUMN_TIME } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (slice_eq_nocase(name, slice_str(rows[i].name))) {
			return rows[i].column;
		}
	}
	return COLUMN_OTHER;
}

/* The next field; in quotes it may hold commas, and "" for a quote. */
static bool next_field(struct access_reader *r, struct slice *rest, struct slice *ret)
{
	if (rest->ptr == NULL) {
		return false;
	}
	if (rest->len == 0 || rest->ptr[0] != '"') {
		if (!slice_split(rest, ',', ret)) {
			return false;
		}
		*ret = slice_trim(*ret);
		return true;
	}
	size_t from = r->texts.len, at = 1;
	for (; at < rest->len; at++) {
		if (rest->ptr[at] == '"') {
			if (at + 1 == rest->len || rest->ptr[at + 1] != '"') {
				break;
			}
			at++;
		}
		buf_append_char(&r->texts, rest->ptr[at]);
	}
	*ret = slice_sub(buf_slice(&r->texts), from, r->texts.len);
	size_t comma = slice_find(*rest, ',', at);
	*rest =
	    comma == rest->len ? (struct slice){ NULL, 0 } : slice_sub(*rest, comma + 1, rest->len);
	return !r->texts.failed;
}

/* True: the line named the columns. Without names they are path, status, count. */
static bool take_names(struct access_reader *r, struct slice line)
{
	static const enum access_column usual[] = { COLUMN_PATH, COLUMN_STATUS, COLUMN_COUNT };
	struct slice rest = line, name;
	bool named = false;

	while (r->n_columns < ACCESS_COLUMNS && next_field(r, &rest, &name)) {
		r->columns[r->n_columns++] = column_named(name);
		named = named || column_named(name) == COLUMN_PATH;
	}
	if (!named) {
		memcpy(r->columns, usual, sizeof(usual));
		r->n_columns = sizeof(usual) / sizeof(usual[0]);
	}
	return named;
}

static bool take_column(enum access_column column, struct slice text, struct access_line *ret)
{
	uint64_t n = 0;

	switch (column) {
	case COLUMN_PATH:
		return access_take_path(text, ret);
	case COLUMN_STATUS:
		return text.len == 0 || access_take_status(text, ret);
	case COLUMN_COUNT:
		if (slice_to_u64(text, 1000000, &n) != ERR_OK) {
			return false;
		}
		ret->count = (int64_t)n;
		return true;
	case COLUMN_METHOD:
		ret->method = text;
		return text.len > 0;
	case COLUMN_CLIENT:
		ret->client = text;
		return true;
	case COLUMN_TIME:
		ret->has_time = log_time_parse(text, &ret->time) == ERR_OK;
		return ret->has_time;
	case COLUMN_OTHER:
		return true;
	}
	return false;
}

enum access_result access_read_paths(
    struct access_reader *r, struct slice line, struct access_line *ret, const char **ret_why)
{
	struct slice rest = line, text;

	buf_clear(&r->texts);
	/* The room must not move while slices point into it. */
	if (buf_room(&r->texts, line.len) == NULL) {
		return broken(ret_why, "a line that is too long");
	}
	if (r->n_columns == 0 && take_names(r, line)) {
		return ACCESS_NOTHING;
	}
	buf_clear(&r->texts);
	for (unsigned i = 0; i < r->n_columns && next_field(r, &rest, &text); i++) {
		if (!take_column(r->columns[i], text, ret)) {
			return broken(ret_why, r->columns[i] == COLUMN_PATH
						   ? "no path that can be sent"
						   : "a column that is not what its name says");
		}
	}
	return ret->path.len > 0 ? ACCESS_TAKEN : broken(ret_why, "no path that can be sent");
}
