/*
 * Hawk against values computed with independent code (sync.md 8), and what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "services/sync/hawk_mac.h"
#include "services/sync/hawk_nonces.h"

#define MAC "PjaI7ixZhGfz45mWmuruapg2kPhZmHJMvpHqssiSIoc="
#define KEY "MtSC6aDEPx1N49sY4OoKxHTFEzE_LzxAhYxdcntJr9U="

static const struct hawk_request example = {
	.method = { "GET", 3 },
	.target = { "/1.5/42/storage/meta/global?full=1", 34 },
	.host = { "127.0.0.1", 9 },
	.port = 8000,
};

static struct hawk parse(const char *text)
{
	struct hawk h = { .ts_s = 0 };

	assert_int_equal(hawk_parse(slice_str(text), &h), ERR_OK);
	return h;
}

static void the_known_mac_is_good(void **state)
{
	struct hawk h =
	    parse("Hawk id=\"t\", ts=\"1700000000\", nonce=\"abcdef\", mac=\"" MAC "\"");

	(void)state;
	assert_int_equal(h.ts_s, 1700000000);
	assert_true(h.hash.ptr == NULL && h.ext.ptr == NULL);
	assert_int_equal(hawk_check(SLICE(KEY), &h, &example), ERR_OK);
}

static void whatever_changes_the_mac_is_bad(void **state)
{
	struct hawk h =
	    parse("hawk  mac=\"" MAC "\",nonce=\"abcdef\" , id=\"t\",ts=\"1700000000\"");
	struct hawk_request r = example;

	(void)state;
	assert_int_equal(hawk_check(SLICE(KEY), &h, &r), ERR_OK);
	assert_int_equal(hawk_check(SLICE("another key"), &h, &r), ERR_DENIED);
	r.port = 80;
	assert_int_equal(hawk_check(SLICE(KEY), &h, &r), ERR_DENIED);
	r = example;
	r.method = SLICE("PUT");
	assert_int_equal(hawk_check(SLICE(KEY), &h, &r), ERR_DENIED);
	r = example;
	r.target = SLICE("/1.5/42/storage/meta/global?full=2");
	assert_int_equal(hawk_check(SLICE(KEY), &h, &r), ERR_DENIED);
	r = example;
	h.ext = SLICE("x");
	assert_int_equal(hawk_check(SLICE(KEY), &h, &r), ERR_DENIED);
}

static void hosts_are_compared_in_lower_case(void **state)
{
	struct hawk h = parse("Hawk id=\"t\", ts=\"1\", nonce=\"n\", mac=\"" MAC "\"");
	struct hawk_request r = example;
	uint8_t one[HAWK_MAC_BYTES], two[HAWK_MAC_BYTES];

	(void)state;
	r.host = SLICE("Sync.Example.ORG");
	assert_int_equal(hawk_mac(SLICE(KEY), &h, &r, one), ERR_OK);
	r.host = SLICE("sync.example.org");
	assert_int_equal(hawk_mac(SLICE(KEY), &h, &r, two), ERR_OK);
	assert_memory_equal(one, two, sizeof(one));
}

static void malformed_headers_are_refused(void **state)
{
	static const char *const bad[] = {
		"Hawk ",
		"Hawk id=\"t\"",
		"Hawk id=\"t\", ts=\"1\", nonce=\"n\"",
		"Hawk id=\"t\", ts=\"1\", nonce=\"n\", mac=\"QUJD\"",
		"Hawk id=\"t\", ts=\"1\", nonce=\"n\", mac=\"" MAC "\",",
		"Hawk id=\"t\" ts=\"1\", nonce=\"n\", mac=\"" MAC "\"",
		"Hawk id=\"t\", id=\"t\", ts=\"1\", nonce=\"n\", mac=\"" MAC "\"",
		"Hawk id=\"t\", ts=\"-1\", nonce=\"n\", mac=\"" MAC "\"",
		"Hawk id=\"t\", ts=\"1.5\", nonce=\"n\", mac=\"" MAC "\"",
		"Hawk id=\"t\", ts=\"\", nonce=\"n\", mac=\"" MAC "\"",
		"Hawk id=\"\", ts=\"1\", nonce=\"n\", mac=\"" MAC "\"",
		"Hawk id=\"t\", ts=\"1\", nonce=\"\", mac=\"" MAC "\"",
		("Hawk id=\"t\", ts=\"1\", nonce=\"n\", mac=\"" MAC "\", app=\"a\""),
		"Hawk id=\"t\\\", ts=\"1\", nonce=\"n\", mac=\"" MAC "\"",
		"Hawk id=t, ts=1, nonce=n, mac=" MAC,
	};
	struct hawk h;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (hawk_parse(slice_str(bad[i]), &h) != ERR_SYNTAX) {
			fail_msg("taken: %s", bad[i]);
		}
	}
	assert_int_equal(hawk_parse(SLICE("Bearer abc"), &h), ERR_UNSUPPORTED);
	assert_int_equal(hawk_parse(SLICE("Hawk"), &h), ERR_UNSUPPORTED);
	assert_int_equal(hawk_parse(SLICE(""), &h), ERR_UNSUPPORTED);
}

static void the_known_payload_hash_is_good(void **state)
{
	struct hawk h = parse("Hawk id=\"t\", ts=\"1\", nonce=\"n\", mac=\"" MAC
			      "\", hash=\"qKG2AtsqLMhIdy7+OrxWG0bU8wTDncYSW0gmNukAKpI=\"");

	(void)state;
	assert_true(hawk_payload_is_good(&h, SLICE("application/json"), SLICE("{\"a\":1}")));
	assert_true(
	    hawk_payload_is_good(&h, SLICE("Application/JSON; charset=utf-8"), SLICE("{\"a\":1}")));
	assert_false(hawk_payload_is_good(&h, SLICE("application/json"), SLICE("{\"a\":2}")));
	assert_false(hawk_payload_is_good(&h, SLICE("text/plain"), SLICE("{\"a\":1}")));
	h.hash = (struct slice){ NULL, 0 };
	assert_true(hawk_payload_is_good(&h, SLICE("text/plain"), SLICE("anything")));
}

static void a_nonce_is_good_once(void **state)
{
	struct hawk_nonces *n = NULL;

	(void)state;
	assert_int_equal(hawk_nonces_open(NULL, &n, NULL), ERR_OK);
	assert_true(hawk_nonces_use(n, SLICE("k"), SLICE("1"), SLICE("a"), 1));
	assert_false(hawk_nonces_use(n, SLICE("k"), SLICE("1"), SLICE("a"), 900));
	assert_true(hawk_nonces_use(n, SLICE("k"), SLICE("2"), SLICE("a"), 2));
	assert_true(hawk_nonces_use(n, SLICE("k"), SLICE("1"), SLICE("b"), 2));
	assert_true(hawk_nonces_use(n, SLICE("l"), SLICE("1"), SLICE("a"), 2));
	assert_true(hawk_nonces_use(n, SLICE("k1"), SLICE(""), SLICE("a"), 2));
	hawk_nonces_close(&n);
	assert_null(n);
}

/* Four times as many as there are places: the newest are known, the oldest forgotten. */
static void old_nonces_give_way(void **state)
{
	struct hawk_nonces *n = NULL;
	char nonce[32];
	int64_t total = 4 * HAWK_NONCES_PLACES, known = 0;

	(void)state;
	assert_int_equal(hawk_nonces_open(NULL, &n, NULL), ERR_OK);
	for (int64_t i = 0; i < total; i++) {
		(void)snprintf(nonce, sizeof(nonce), "%lld", (long long)i);
		assert_true(hawk_nonces_use(n, SLICE("k"), SLICE("1"), slice_str(nonce), i / 1000));
	}
	for (int64_t i = total - 1; i >= total - 20000; i--) {
		(void)snprintf(nonce, sizeof(nonce), "%lld", (long long)i);
		assert_false(
		    hawk_nonces_use(n, SLICE("k"), SLICE("1"), slice_str(nonce), total / 1000));
	}
	for (int64_t i = 0; i < 20000; i++) {
		(void)snprintf(nonce, sizeof(nonce), "%lld", (long long)i);
		known += hawk_nonces_use(n, SLICE("k"), SLICE("1"), slice_str(nonce), total / 1000)
			     ? 0
			     : 1;
	}
	assert_true(known < 100);
	hawk_nonces_close(&n);
}

static void processes_share_a_file(void **state)
{
	char path[] = "/tmp/plimsoll-nonces-XXXXXX";
	int fd = mkstemp(path);
	struct hawk_nonces *one = NULL, *two = NULL;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(hawk_nonces_open(path, &one, NULL), ERR_OK);
	assert_int_equal(hawk_nonces_open(path, &two, NULL), ERR_OK);
	assert_true(hawk_nonces_use(one, SLICE("k"), SLICE("1"), SLICE("a"), 1));
	assert_false(hawk_nonces_use(two, SLICE("k"), SLICE("1"), SLICE("a"), 1));
	hawk_nonces_close(&one);
	hawk_nonces_close(&two);
	(void)remove(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_known_mac_is_good),
		cmocka_unit_test(whatever_changes_the_mac_is_bad),
		cmocka_unit_test(hosts_are_compared_in_lower_case),
		cmocka_unit_test(malformed_headers_are_refused),
		cmocka_unit_test(the_known_payload_hash_is_good),
		cmocka_unit_test(a_nonce_is_good_once),
		cmocka_unit_test(old_nonces_give_way),
		cmocka_unit_test(processes_share_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
