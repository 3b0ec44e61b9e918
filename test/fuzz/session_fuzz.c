/*
 * Session cookies from outside: what opens is one that the key has sealed, and sealing a session
 * and opening it gives the same session, whatever is in it.
 */
#include "test/fuzz/fuzz.h"

#include <string.h>

#include "accounts/session.h"
#include "accounts/session_content.h"
#include "core/base/check.h"

#define NOW_MS INT64_C(1700000000000)

static struct session_codec *codec(void)
{
	static struct session_codec *c;
	struct symmetric_keys keys;

	if (c == NULL) {
		memset(&keys, 1, sizeof(keys));
		CHECK(session_codec_new(SLICE("browserid_state_fuzzed"), &keys, &c) == ERR_OK);
	}
	return c;
}

static void seal_and_open(const struct session *s)
{
	struct buf value = buf_new(SESSION_COOKIE_MAX);
	struct session back;
	bool renew = false;

	CHECK(session_encode(codec(), s, &value) == ERR_OK);
	CHECK(session_decode(codec(), buf_slice(&value), NOW_MS, &back, &renew) == ERR_OK);
	CHECK(!renew && session_equal(s, &back));
	buf_free(&value);
}

/* Letters of the input, as many as fit, NUL behind. */
static void take_letters(struct slice *rest, char *out, size_t size)
{
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef\"\\/+=\n\t<>&{}[]:,0123456789";
	size_t n = 0;

	for (; n + 1 < size && rest->len > 0; n++) {
		out[n] = letters[(unsigned char)rest->ptr[0] % (sizeof(letters) - 1)];
		*rest = slice_sub(*rest, 1, rest->len);
	}
	out[n] = '\0';
}

static void build(struct slice input)
{
	struct session s;

	session_begin(&s, NOW_MS);
	if (input.len > 0) {
		s.userid = s.known_user = (unsigned char)input.ptr[0];
		s.level = s.userid != 0 ? SESSION_PASSWORD : SESSION_NOBODY;
		s.last_reset_ms = s.userid * 1000;
	}
	take_letters(&input, s.csrf, sizeof(s.csrf));
	for (int i = 0; i < PENDING_COUNT; i++) {
		take_letters(&input, s.pending[i], sizeof(s.pending[i]));
	}
	seal_and_open(&s);
}

/* As if the input had been under the seal. */
static void take_content(struct slice input)
{
	struct session s = { .userid = 0 };

	if (session_content_take(input, "browserid_state_fuzzed", &s) == ERR_OK) {
		CHECK((s.userid != 0) == (s.level != SESSION_NOBODY));
		CHECK(strlen(s.csrf) <= SESSION_CSRF_LEN);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct session s;
	bool renew = false;

	if (session_decode(codec(), SLICE_OF(data, size), NOW_MS, &s, &renew) == ERR_OK) {
		CHECK(s.created_ms + s.duration_ms >= NOW_MS);
		CHECK((s.userid != 0) == (s.level != SESSION_NOBODY));
	}
	take_content(SLICE_OF(data, size));
	build(SLICE_OF(data, size));
	return 0;
}
