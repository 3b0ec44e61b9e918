/*
 * See health_answer.h. Of a head only the request line is looked at; the rest is waited for, so
 * that no client is answered, and its connection ended, while it is still sending.
 */
#include "core/role/health_answer.h"

enum outcome {
	OUTCOME_MORE,
	OUTCOME_LIVE,
	OUTCOME_READY,
	OUTCOME_WEIGHT,
	OUTCOME_BAD,	   /* no request */
	OUTCOME_NOT_FOUND, /* another path */
	OUTCOME_METHOD,	   /* neither GET nor HEAD */
};

static const struct {
	const char *path;
	enum outcome outcome;
} pages[] = {
	{ "/live", OUTCOME_LIVE },
	{ "/ready", OUTCOME_READY },
	{ "/__lbheartbeat__", OUTCOME_LIVE },
	{ "/__heartbeat__", OUTCOME_READY },
};

/* The first line without its end, which may be a bare LF; false: it has not come whole. */
static bool first_line(struct slice request, struct slice *ret)
{
	size_t end = slice_find(request, '\n', 0);

	if (end == request.len) {
		return false;
	}
	*ret = slice_sub(request, 0, end > 0 && request.ptr[end - 1] == '\r' ? end - 1 : end);
	return true;
}

static bool head_is_whole(struct slice request)
{
	for (size_t at = slice_find(request, '\n', 0); at < request.len;
	     at = slice_find(request, '\n', at + 1)) {
		struct slice rest = slice_sub(request, at + 1, request.len);
		if (slice_starts(rest, SLICE("\n")) || slice_starts(rest, SLICE("\r\n"))) {
			return true;
		}
	}
	return false;
}

static enum outcome outcome_of_path(struct slice target)
{
	struct slice path = slice_sub(target, 0, slice_find(target, '?', 0));

	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		if (slice_eq(path, slice_str(pages[i].path))) {
			return pages[i].outcome;
		}
	}
	return OUTCOME_NOT_FOUND;
}

/* METHOD TARGET HTTP/1.x */
static enum outcome parse(struct slice request, bool *ret_is_head)
{
	struct slice line = SLICE_EMPTY, method = SLICE_EMPTY, target = SLICE_EMPTY;

	*ret_is_head = false;
	if (!first_line(request, &line)) {
		return OUTCOME_MORE;
	}
	if (slice_eq(line, SLICE("load"))) {
		return OUTCOME_WEIGHT;
	}
	if (!slice_split(&line, ' ', &method) || !slice_split(&line, ' ', &target) ||
	    !slice_starts(line, SLICE("HTTP/1.")) || line.len != SLICE("HTTP/1.1").len) {
		return OUTCOME_BAD;
	}
	if (!head_is_whole(request)) {
		return OUTCOME_MORE;
	}
	*ret_is_head = slice_eq(method, SLICE("HEAD"));
	if (!*ret_is_head && !slice_eq(method, SLICE("GET"))) {
		return OUTCOME_METHOD;
	}
	return outcome_of_path(target);
}

static void put(struct buf *out, const char *status, const struct health_state *s, bool is_head,
    const char *text, const char *more)
{
	size_t len = slice_str(text).len + slice_str(more).len;

	buf_printf(out,
	    "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
	    "X-Load: %.2f\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n",
	    status, len, s->load);
	if (!is_head) {
		buf_append_str(out, text);
		buf_append_str(out, more);
	}
}

/* Is all well, or what is not? */
static void put_state(struct buf *out, bool good, const struct health_state *s, bool is_head,
    const char *text, const char *more)
{
	put(out, good ? "200 OK" : "503 Service Unavailable", s, is_head, text, more);
}

bool health_answer(struct slice request, const struct health_state *s, struct buf *out)
{
	bool is_head = false;
	enum outcome o = parse(request, &is_head);

	if (o == OUTCOME_MORE && request.len < HEALTH_REQUEST_MAX) {
		return false;
	}
	switch (o) {
	case OUTCOME_LIVE:
		put_state(out, s->alive, s, is_head, s->alive ? "ok" : "no turn for 30 s: ",
		    s->alive ? "" : role_name(s->silent_role));
		break;
	case OUTCOME_READY:
		put_state(out, s->ready, s, is_head, health_trouble_text(s->trouble), "");
		break;
	case OUTCOME_WEIGHT:
		buf_printf(out, "%u%%\n", load_weight(s->load));
		break;
	case OUTCOME_NOT_FOUND:
		put(out, "404 Not Found", s, is_head, "ask for /live or /ready", "");
		break;
	case OUTCOME_METHOD:
		put(out, "405 Method Not Allowed", s, is_head, "GET or HEAD", "");
		break;
	case OUTCOME_MORE:
		put(out, "431 Request Header Fields Too Large", s, is_head, "too long", "");
		break;
	case OUTCOME_BAD:
		put(out, "400 Bad Request", s, is_head, "not HTTP/1.1", "");
		break;
	}
	return true;
}
