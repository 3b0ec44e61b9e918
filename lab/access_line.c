/*
 * The kinds that are no JSON, and what all share. A kind is told from the first line and kept: a
 * log does not change its kind.
 */
#include "lab/access_line.h"

#include "core/http/chars.h"

enum {
	ARENA_BYTES = 16 << 20,
	TEXT_BYTES = 64 << 10,
};

struct access_reader access_reader_new(enum access_format format)
{
	return (struct access_reader){
		.format = format, .arena = arena_new(ARENA_BYTES), .texts = buf_new(TEXT_BYTES)
	};
}

void access_reader_free(struct access_reader *r)
{
	arena_reset(&r->arena);
	buf_free(&r->texts);
}

static enum access_result broken(const char **ret_why, const char *why)
{
	*ret_why = why;
	return ACCESS_BROKEN;
}

/* ---- parts ---- */

bool access_take_path(struct slice target, struct access_line *ret)
{
	static const char *const schemes[] = { "http://", "https://" };

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (slice_starts(target, slice_str(schemes[i]))) {
			size_t slash = slice_find(target, '/', strlen(schemes[i]));
			target =
			    slash == target.len ? SLICE("/") : slice_sub(target, slash, target.len);
		}
	}
	target = slice_sub(target, 0, slice_find(target, '#', 0));
	if (target.len == 0 || target.len > ACCESS_PATH_MOST || target.ptr[0] != '/' ||
	    !http_chars_are(target, HTTP_CHAR_TARGET)) {
		return false;
	}
	ret->path = target;
	return true;
}

static bool take_method(struct slice text, struct access_line *ret)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < 'A' || text.ptr[i] > 'Z') {
			return false;
		}
	}
	ret->method = text;
	return text.len > 0 && text.len <= 20;
}

bool access_take_request(struct slice text, struct access_line *ret)
{
	size_t space = slice_find(text, ' ', 0);
	struct slice rest = slice_sub(text, space + 1, text.len);
	size_t end = slice_find(rest, ' ', 0);
	struct slice version = slice_sub(rest, end + 1, rest.len);

	return take_method(slice_sub(text, 0, space), ret) &&
	       (end == rest.len || (slice_starts(version, SLICE("HTTP/")) &&
				       slice_find(version, ' ', 0) == version.len)) &&
	       access_take_path(slice_sub(rest, 0, end), ret);
}

bool access_take_status(struct slice text, struct access_line *ret)
{
	uint64_t status = 0;

	if (slice_eq(text, SLICE("-")) || slice_to_u64(text, 999, &status) != ERR_OK ||
	    (status != 0 && status < 100)) {
		return false;
	}
	ret->status = (int)status;
	return true;
}

struct slice access_client(struct slice text)
{
	if (text.len > 0 && text.ptr[0] == '[') {
		return slice_sub(text, 1, slice_find(text, ']', 0));
	}
	size_t colon = slice_find(text, ':', 0);
	bool one = colon < text.len && slice_find(text, ':', colon + 1) == text.len;
	return one ? slice_sub(text, 0, colon) : text;
}

/* ---- Apache, nginx, HAProxy ---- */

/* The next of words between blanks; [..] and ".." with \" in it are one word, without their marks.
 */
static bool next_word(struct slice line, size_t *at, struct slice *ret)
{
	while (*at < line.len && line.ptr[*at] == ' ') {
		(*at)++;
	}
	if (*at == line.len) {
		return false;
	}
	char first = line.ptr[*at];
	if (first != '[' && first != '"') {
		size_t end = slice_find(line, ' ', *at);
		*ret = slice_sub(line, *at, end);
		*at = end;
		return true;
	}
	size_t from = ++*at;
	char last = first == '[' ? ']' : '"';
	while (*at < line.len && line.ptr[*at] != last) {
		*at += line.ptr[*at] == '\\' ? 2 : 1;
	}
	if (*at >= line.len) {
		*at = line.len;
		return false;
	}
	*ret = slice_sub(line, from, (*at)++);
	return true;
}

/* host ident user [time] "request" status bytes ... */
static enum access_result read_common(
    struct slice line, struct access_line *ret, const char **ret_why)
{
	struct slice words[6];
	size_t at = 0;

	for (unsigned i = 0; i < 6; i++) {
		if (!next_word(line, &at, &words[i])) {
			return broken(ret_why, "fewer fields than the common format has");
		}
		/* A user may hold blanks: the time is what stands in brackets. */
		while (i == 3 && line.ptr[at - 1] != ']') {
			if (!next_word(line, &at, &words[3])) {
				return broken(ret_why, "no [time]");
			}
		}
	}
	if (log_time_parse(words[3], &ret->time) != ERR_OK) {
		return broken(ret_why, "a time that is none");
	}
	ret->has_time = true;
	ret->client = words[0];
	if (!access_take_request(words[4], ret)) {
		return broken(ret_why, "no request that can be sent");
	}
	return access_take_status(words[5], ret) ? ACCESS_TAKEN
						 : broken(ret_why, "a status that is none");
}

/* ... client:port [time] frontend backend/server timers status bytes ... "request" */
static enum access_result read_haproxy(
    struct slice line, struct access_line *ret, const char **ret_why)
{
	struct slice word, before = SLICE_EMPTY, request = SLICE_EMPTY, status = SLICE_EMPTY;
	unsigned behind = 0; /* words behind the time */
	size_t at = 0;

	while (next_word(line, &at, &word)) {
		bool brackets = line.ptr[at - 1] == ']';
		if (behind == 0 && brackets && log_time_parse(word, &ret->time) == ERR_OK) {
			ret->has_time = true;
			ret->client = access_client(before);
			behind = 1;
			continue;
		}
		behind += behind > 0 ? 1 : 0;
		if (behind == 5) {
			status = word;
		}
		if (line.ptr[at - 1] == '"') {
			request = word;
		}
		before = word;
	}
	if (!ret->has_time) {
		return broken(ret_why, "no [time]");
	}
	if (!access_take_request(request, ret)) {
		return broken(ret_why, "no request that can be sent");
	}
	/* -1: the client was gone. */
	return access_take_status(status, ret) ? ACCESS_TAKEN
					       : broken(ret_why, "a status that is none");
}

/* ---- logfmt ---- */

/* key=value or key="value"; backslashes stay. */
static bool next_pair(struct slice line, size_t *at, struct slice *ret_key, struct slice *ret_value)
{
	while (*at < line.len && line.ptr[*at] == ' ') {
		(*at)++;
	}
	size_t equals = slice_find(line, '=', *at);
	if (equals == line.len || memchr(line.ptr + *at, ' ', equals - *at) != NULL) {
		return false;
	}
	*ret_key = slice_sub(line, *at, equals);
	*at = equals + 1;
	if (*at < line.len && line.ptr[*at] == '"') {
		return next_word(line, at, ret_value);
	}
	size_t end = slice_find(line, ' ', *at);
	*ret_value = slice_sub(line, *at, end);
	*at = end;
	return true;
}

static enum access_result read_logfmt(
    struct slice line, struct access_line *ret, const char **ret_why)
{
	struct slice key, value;
	bool good = true;

	for (size_t at = 0; good && next_pair(line, &at, &key, &value);) {
		if (slice_eq(key, SLICE("ts")) || slice_eq(key, SLICE("time"))) {
			ret->has_time = log_time_parse(value, &ret->time) == ERR_OK;
			good = ret->has_time;
		} else if (slice_eq(key, SLICE("method"))) {
			good = take_method(value, ret);
		} else if (slice_eq(key, SLICE("path"))) {
			good = access_take_path(value, ret);
		} else if (slice_eq(key, SLICE("status"))) {
			good = access_take_status(value, ret);
		} else if (slice_eq(key, SLICE("client"))) {
			ret->client = value;
		}
	}
	if (!good) {
		return broken(ret_why, "a field that is not what its name says");
	}
	/* Other things are logged too. */
	return ret->method.len > 0 && ret->path.len > 0 ? ACCESS_TAKEN : ACCESS_NOTHING;
}

/* ---- kinds ---- */

/* clang-format off */
static const struct {
	const char *name;
	enum access_format format;
} names[] = {
	{ "auto", ACCESS_AUTO }, { "common", ACCESS_COMMON }, { "combined", ACCESS_COMMON }, { "nginx", ACCESS_COMMON },
	{ "haproxy", ACCESS_HAPROXY }, { "json", ACCESS_JSON }, { "logfmt", ACCESS_LOGFMT }, { "paths", ACCESS_PATHS },
	{ "har", ACCESS_HAR },
};
/* clang-format on */

enum err access_format_parse(struct slice name, enum access_format *ret)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (slice_eq(name, slice_str(names[i].name))) {
			*ret = names[i].format;
			return ERR_OK;
		}
	}
	return ERR_INVALID;
}

const char *access_format_name(enum access_format format)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].format == format) {
			return names[i].name;
		}
	}
	return "auto";
}

/* The kind whose reader takes the line. */
static enum access_format tell(struct slice line)
{
	static const struct {
		enum access_format format;
		enum access_result (*read)(
		    struct slice line, struct access_line *ret, const char **ret_why);
	} kinds[] = { { ACCESS_COMMON, read_common }, { ACCESS_HAPROXY, read_haproxy },
		{ ACCESS_LOGFMT, read_logfmt } };
	struct slice text = slice_trim(line);
	const char *why = NULL;

	if (text.len > 0 && text.ptr[0] == '{') {
		return ACCESS_JSON;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct access_line l = { .count = 1 };
		if (kinds[i].read(line, &l, &why) == ACCESS_TAKEN) {
			return kinds[i].format;
		}
	}
	if (slice_starts(text, SLICE("ts=")) || slice_starts(text, SLICE("time="))) {
		return ACCESS_LOGFMT;
	}
	struct access_reader r = access_reader_new(ACCESS_PATHS);
	struct access_line l = { .count = 1 };
	bool paths = access_read_paths(&r, line, &l, &why) != ACCESS_BROKEN;
	access_reader_free(&r);
	return paths ? ACCESS_PATHS : ACCESS_AUTO;
}

enum access_result access_read(
    struct access_reader *r, struct slice line, struct access_line *ret, const char **ret_why)
{
	*ret = (struct access_line){ .method = SLICE("GET"), .count = 1 };
	if (line.len > 0 && line.ptr[line.len - 1] == '\r') {
		line.len--;
	}
	struct slice text = slice_trim(line);
	if (text.len == 0 || text.ptr[0] == '#') {
		return ACCESS_NOTHING;
	}
	if (memchr(line.ptr, '\0', line.len) != NULL) {
		return broken(ret_why, "a NUL byte");
	}
	if (r->format == ACCESS_AUTO) {
		r->format = tell(line);
	}
	switch (r->format) {
	case ACCESS_COMMON:
		return read_common(line, ret, ret_why);
	case ACCESS_HAPROXY:
		return read_haproxy(line, ret, ret_why);
	case ACCESS_LOGFMT:
		ret->method = SLICE_EMPTY;
		return read_logfmt(line, ret, ret_why);
	case ACCESS_JSON:
		return access_read_json(r, line, ret, ret_why);
	case ACCESS_PATHS:
		return access_read_paths(r, line, ret, ret_why);
	case ACCESS_AUTO:
	case ACCESS_HAR:
		break;
	}
	return broken(ret_why, "a line of no known kind");
}
