/*
 * Lines of access logs: what is taken can be sent as it is, whatever the kind is said to be; and
 * HAR documents.
 */
#include "test/fuzz/fuzz.h"

#include "core/base/check.h"
#include "core/http/chars.h"
#include "lab/access_log.h"
#include "lab/route.h"

static void look_at(const struct access_line *l)
{
	struct buf route = buf_new(1000);

	CHECK(l->path.len > 0 && l->path.len <= ACCESS_PATH_MOST && l->path.ptr[0] == '/');
	CHECK(http_chars_are(l->path, HTTP_CHAR_TARGET));
	CHECK(l->status == 0 || (l->status >= 100 && l->status <= 999));
	CHECK(!l->has_time || l->time.us >= 0);
	CHECK(l->count >= 0 && l->count <= 1000000);
	route_put(l->path, &route);
	CHECK(!route.failed && route.len > 0 && route.len <= ROUTE_BYTES + 16);
	buf_free(&route);
}

static void read_lines(struct slice text, enum access_format format)
{
	struct access_reader r = access_reader_new(format);
	struct access_line l;
	const char *why = NULL;

	for (struct slice line; slice_split(&text, '\n', &line); why = NULL) {
		enum access_result got = access_read(&r, line, &l, &why);
		if (got == ACCESS_TAKEN) {
			look_at(&l);
		}
		CHECK(got != ACCESS_BROKEN || why != NULL);
	}
	access_reader_free(&r);
}

static void read_har(struct slice text)
{
	struct access_log log = { .clients = names_new(10, 1000),
		.paths = names_new(100, 100000),
		.methods = names_new(10, 1000),
		.bodies = names_new(100, 1 << 20) };
	struct err_note note = { 0 };

	if (access_har_read(&log, text, &note) == ERR_SYNTAX) {
		CHECK(note.text[0] != '\0' && log.n == 0);
	}
	access_log_free(&log);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = SLICE_OF(data, size);

	for (int f = ACCESS_AUTO; f <= ACCESS_PATHS; f++) {
		read_lines(text, (enum access_format)f);
	}
	read_har(text);
	return 0;
}
