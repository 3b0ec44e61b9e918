/*
 * Lines of all kinds as servers write them, broken ones, times, routes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lab/access_line.h"
#include "lab/names.h"
#include "lab/route.h"

struct row {
	const char *line;
	enum access_format format; /* that it is told to be */
	const char *client, *method, *path;
	int status;
	int64_t time_us; /* -1: none */
};

/* clang-format off */
static const struct row rows[] = {
	{ "127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] \"GET /apache_pb.gif HTTP/1.0\" 200 2326",
	  ACCESS_COMMON, "127.0.0.1", "GET", "/apache_pb.gif", 200, 971211336000000 },
	{ "::1 - - [10/Oct/2000:13:55:36 +0000] \"POST /a?b=%20c HTTP/1.1\" 302 - \"http://x/ \\\"q\\\"\" \"Mozilla/4.08 [en]\"",
	  ACCESS_COMMON, "::1", "POST", "/a?b=%20c", 302, 971186136000000 },
	{ "10.1.1.1 - a b c [10/Oct/2000:13:55:36 +0000] \"GET http://host/x HTTP/1.1\" 404 1 \"-\" \"-\"",
	  ACCESS_COMMON, "10.1.1.1", "GET", "/x", 404, 971186136000000 },
	{ "Feb  6 12:14:14 localhost haproxy[14389]: 10.0.1.2:33317 [06/Feb/2009:12:14:14.655] http-in static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {1wt.eu} {} \"GET /index.html HTTP/1.1\"",
	  ACCESS_HAPROXY, "10.0.1.2", "GET", "/index.html", 200, 1233922454655000 },
	{ "10.0.1.2:33317 [06/Feb/2009:12:14:14.655] in~ b/s 1/0/0/2/3 503 12 - - ---- 1/1/1/1/0 0/0 \"HEAD /h HTTP/1.1\"",
	  ACCESS_HAPROXY, "10.0.1.2", "HEAD", "/h", 503, 1233922454655000 },
	{ "{\"time_iso8601\":\"2026-05-31T12:00:00+02:00\",\"remote_addr\":\"10.0.0.1\",\"request\":\"GET /j HTTP/2.0\",\"status\":\"200\"}",
	  ACCESS_JSON, "10.0.0.1", "GET", "/j", 200, 1780221600000000 },
	{ "{\"ts\":1646861401.5241024,\"request\":{\"remote_ip\":\"10.0.0.9\",\"method\":\"PUT\",\"uri\":\"/caddy\"},\"status\":201}",
	  ACCESS_JSON, "10.0.0.9", "PUT", "/caddy", 201, 1646861401524102 },
	{ "{\"path\":\"/only\"}", ACCESS_JSON, "", "GET", "/only", 0, -1 },
	{ "ts=2026-11-21T09:30:00.123Z level=info role=web.0 mod=http event=request method=GET path=/wsapi/x status=200 us=12 bytes=9 op=identity.x client=10.0.0.7",
	  ACCESS_LOGFMT, "10.0.0.7", "GET", "/wsapi/x", 200, 1795253400123000 },
	{ "/just/a/path,404,3", ACCESS_PATHS, "", "GET", "/just/a/path", 404, -1 },
	{ "\"/with,comma\",200", ACCESS_PATHS, "", "GET", "/with,comma", 200, -1 },
};
static const struct {
	enum access_format format;
	const char *line, *why;
} wrong[] = {
	{ ACCESS_COMMON, "1.2.3.4 - - [10/Oct/2000:13:55:36 +0000] \"-\" 408 0 \"-\" \"-\"", "no request" },
	{ ACCESS_COMMON, "1.2.3.4 - - [10/Oct/2000:13:55:36 +0000] \"GET /", "fewer fields" },
	{ ACCESS_COMMON, "1.2.3.4 - - [10/Okt/2000:13:55:36 +0000] \"GET / HTTP/1.1\" 200 1", "a time" },
	{ ACCESS_COMMON, "1.2.3.4 - - [10/Oct/2000:13:55:36 +0000] \"GET / HTTP/1.1\" 99 1", "a status" },
	{ ACCESS_COMMON, "1.2.3.4 - - [10/Oct/2000:13:55:36 +0000] \"get / HTTP/1.1\" 200 1", "no request" },
	{ ACCESS_COMMON, "1.2.3.4 - - [10/Oct/2000:13:55:36 +0000] \"GET /\\x01 HTTP/1.1 x\" 200", "no request" },
	{ ACCESS_COMMON, "\\x16\\x03\\x01", "fewer fields" },
	{ ACCESS_HAPROXY, "10.0.1.2:1 [06/Feb/2009:12:14:14.655] in b/<NOSRV> -1/-1/-1/-1/0 400 187 - - PR-- 1/1 0/0 \"<BADREQ>\"", "no request" },
	{ ACCESS_HAPROXY, "10.0.1.2:1 in b/s 1/1/1/1/1 200 1 \"GET / HTTP/1.1\"", "no [time]" },
	{ ACCESS_JSON, "{\"path\":\"/a\",\"status\":\"many\"}", "a status" },
	{ ACCESS_JSON, "{\"path\":\"/a\"", "no JSON" },
	{ ACCESS_JSON, "{\"path\":\"a\"}", "no path" },
	{ ACCESS_JSON, "[1]", "no JSON" },
	{ ACCESS_PATHS, "a/b,200", "no path" },
	{ ACCESS_PATHS, "/b,200,x", "a column" },
	{ ACCESS_LOGFMT, "ts=2026-11-21T09:30:00.123Z method=GET path=x status=200", "a field" },
};
/* clang-format on */

static void same(struct slice got, const char *want)
{
	if (!slice_eq(got, slice_str(want))) {
		fail_msg("\"%.*s\", not \"%s\"", SLICE_ARG(got), want);
	}
}

static void lines_of_all_kinds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct access_reader r = access_reader_new(ACCESS_AUTO);
		struct access_line l;
		const char *why = "";
		enum access_result got = access_read(&r, slice_str(rows[i].line), &l, &why);
		if (got != ACCESS_TAKEN) {
			fail_msg("%s: %s", rows[i].line, why);
		}
		assert_int_equal(r.format, rows[i].format);
		same(l.client, rows[i].client);
		same(l.method, rows[i].method);
		same(l.path, rows[i].path);
		assert_int_equal(l.status, rows[i].status);
		assert_int_equal(l.has_time ? l.time.us : -1, rows[i].time_us);
		access_reader_free(&r);
	}
}

static void broken_lines_say_why(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct access_reader r = access_reader_new(wrong[i].format);
		struct access_line l;
		const char *why = "";
		if (access_read(&r, slice_str(wrong[i].line), &l, &why) != ACCESS_BROKEN ||
		    strstr(why, wrong[i].why) == NULL) {
			fail_msg("%s: %s", wrong[i].line, why);
		}
		access_reader_free(&r);
	}
}

static void other_lines_are_nothing(void **state)
{
	static const char *const lines[] = { "", "  ", "# a comment", "\r" };
	struct access_reader r = access_reader_new(ACCESS_LOGFMT);
	struct access_line l;
	const char *why = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(access_read(&r, slice_str(lines[i]), &l, &why), ACCESS_NOTHING);
	}
	assert_int_equal(
	    access_read(&r, SLICE("ts=2026-11-21T09:30:00.123Z event=started role=web"), &l, &why),
	    ACCESS_NOTHING);
	access_reader_free(&r);
}

static void columns_may_be_named(void **state)
{
	struct access_reader r = access_reader_new(ACCESS_AUTO);
	struct access_line l;
	const char *why = NULL;

	(void)state;
	assert_int_equal(
	    access_read(&r, SLICE("URI,STATUS CODE,PRIVATE,COUNT"), &l, &why), ACCESS_NOTHING);
	assert_int_equal(r.format, ACCESS_PATHS);
	assert_int_equal(
	    access_read(&r, SLICE("/xul.pdb/44E4/xul.sym,302,no,12"), &l, &why), ACCESS_TAKEN);
	same(l.path, "/xul.pdb/44E4/xul.sym");
	assert_int_equal(l.status, 302);
	assert_int_equal(l.count, 12);
	access_reader_free(&r);
}

static void times_of_all_kinds(void **state)
{
	static const struct {
		const char *text;
		int64_t us;
		bool whole;
	} good[] = {
		{ "01/Jan/1970:00:00:00 +0000", 0, true },
		{ "29/Feb/2024:23:59:59 +0100", 1709247599000000, true },
		{ "2026-05-31T12:00:00Z", 1780228800000000, true },
		{ "2026-05-31 12:00:00.5", 1780228800500000, false },
		{ "2026-05-31T12:00:00.123456789-0130", 1780234200123456, false },
		{ "1780228800", 1780228800000000, true },
		{ "1780228800.25", 1780228800250000, false },
		{ "1780228800123", 1780228800123000, false },
		{ "1780228800123456", 1780228800123456, false },
		{ "1780228800123456789", 1780228800123456, false },
	};
	static const char *const bad[] = { "", "x", "2026-05-31", "2026-13-01T00:00:00Z",
		"2026-05-31T24:00:00Z", "10/Oct/2000", "10/Oct/2000:13:55:36 +07", "-1", "1.x",
		"2026-05-31T12:00:00Zx", "99999999999999999999" };
	struct log_time t;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (log_time_parse(slice_str(good[i].text), &t) != ERR_OK) {
			fail_msg("%s", good[i].text);
		}
		assert_int_equal(t.us, good[i].us);
		assert_int_equal(t.whole_seconds, good[i].whole);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(log_time_parse(slice_str(bad[i]), &t), ERR_SYNTAX);
	}
}

static void routes_of_paths(void **state)
{
	static const struct {
		const char *path, *route;
	} paths[] = {
		{ "/", "/" },
		{ "/wsapi/list_emails?x=1", "/wsapi/list_emails" },
		{ "/1.5/42/storage/tabs?full=1", "/1.5/*/storage/tabs" },
		{ "/1.5/42/storage/tabs/x1y2z3a4b5c6", "/1.5/*/storage/tabs/*" },
		{ "/xul.pdb/44E4EC8C2F41492B9369D6B9A059577C2/xul.sym", "/*.pdb/*/*.sym" },
		{ "/libxul.so/44E4EC8C2F41492B9369D6B9A059577C2/libxul.so.dbg.gz",
		    "/*.so/*/*.dbg.gz" },
		{ "/user/31415926-5358-9793-2384-626433832795/photo.jpg", "/user/*/*.jpg" },
		{ "/api/v1/activities", "/api/v1/activities" },
		{ "/a//b/", "/a//b/" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct buf out = buf_new(200);
		route_put(slice_str(paths[i].path), &out);
		same(buf_slice(&out), paths[i].route);
		buf_free(&out);
	}
}

static void names_are_kept_once(void **state)
{
	struct names t = names_new(3000, 1 << 20);
	uint32_t n = 0;

	(void)state;
	for (uint32_t round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < 3000; i++) {
			struct buf b = buf_new(20);
			buf_append_u64(&b, i * 7919);
			assert_int_equal(names_take(&t, buf_slice(&b), &n), ERR_OK);
			assert_int_equal(n, i);
			assert_true(slice_eq(names_text(&t, n), buf_slice(&b)));
			buf_free(&b);
		}
	}
	assert_int_equal(names_take(&t, SLICE("one more"), &n), ERR_LIMIT);
	assert_false(names_find(&t, SLICE("one more"), &n));
	assert_true(names_find(&t, SLICE("7919"), &n) && n == 1);
	names_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_all_kinds),
		cmocka_unit_test(broken_lines_say_why),
		cmocka_unit_test(other_lines_are_nothing),
		cmocka_unit_test(columns_may_be_named),
		cmocka_unit_test(times_of_all_kinds),
		cmocka_unit_test(routes_of_paths),
		cmocka_unit_test(names_are_kept_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
