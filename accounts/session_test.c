/*
 * Sessions and their cookie: what comes back, and what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "accounts/session.h"

#define NOW INT64_C(1700000000000)

static struct symmetric_keys test_keys(uint8_t current, uint8_t previous)
{
	struct symmetric_keys keys;

	memset(keys.current, current, sizeof(keys.current));
	memset(keys.previous, previous, sizeof(keys.previous));
	return keys;
}

static struct session_codec *new_codec(const char *name, uint8_t current, uint8_t previous)
{
	const struct symmetric_keys keys = test_keys(current, previous);
	struct session_codec *c = NULL;

	assert_int_equal(session_codec_new(slice_str(name), &keys, &c), ERR_OK);
	return c;
}

/* A session with everything in it. */
static struct session full_session(void)
{
	struct session s;

	session_begin(&s, NOW);
	session_need_csrf(&s);
	session_login(&s, 42, SESSION_PASSWORD, 1234567, SESSION_LONG_MS, NOW);
	for (int i = 0; i < PENDING_COUNT; i++) {
		memset(s.pending[i], 'a' + i, TOKEN_LEN);
	}
	return s;
}

static void encode(struct session_codec *c, const struct session *s, char *out, size_t size)
{
	struct buf b = buf_new(SESSION_COOKIE_MAX);

	assert_int_equal(session_encode(c, s, &b), ERR_OK);
	assert_int_equal(slice_to_cstr(buf_slice(&b), out, size), ERR_OK);
	buf_free(&b);
}

static enum err decode(struct session_codec *c, const char *value, int64_t now, bool *renew)
{
	struct session s;

	return session_decode(c, slice_str(value), now, &s, renew);
}

static void a_session_comes_back(void **state)
{
	struct session_codec *c = new_codec("browserid_state_abcdef", 1, 2);
	struct session s = full_session(), back;
	char value[SESSION_COOKIE_MAX + 1];
	bool renew = true;

	(void)state;
	encode(c, &s, value, sizeof(value));
	assert_int_equal(session_decode(c, slice_str(value), NOW + 5, &back, &renew), ERR_OK);
	assert_false(renew);
	assert_true(session_equal(&s, &back));
	session_codec_free(&c);
}

static void the_fourth_of_five_fields_is_the_duration(void **state)
{
	struct session_codec *c = new_codec("n", 1, 2);
	struct session s = full_session();
	char value[SESSION_COOKIE_MAX + 1], expected[32];
	struct slice rest, piece, fields[6];
	size_t n = 0;

	(void)state;
	s.duration_ms = SESSION_SHORT_MS;
	encode(c, &s, value, sizeof(value));
	rest = slice_str(value);
	while (slice_split(&rest, '.', &piece) && n < 6) {
		fields[n++] = piece;
	}
	assert_int_equal(n, 5);
	(void)snprintf(expected, sizeof(expected), "%lld", (long long)SESSION_SHORT_MS);
	assert_true(slice_eq(fields[3], slice_str(expected)));
	session_codec_free(&c);
}

/* Another letter that may stand in the same place. */
static char other_letter(char c)
{
	if (c >= '0' && c <= '9') {
		return c == '9' ? '0' : (char)(c + 1);
	}
	return c == 'A' ? 'B' : 'A';
}

static void each_changed_letter_is_refused(void **state)
{
	struct session_codec *c = new_codec("n", 1, 2);
	struct session s = full_session();
	char value[SESSION_COOKIE_MAX + 1];
	bool renew;

	(void)state;
	encode(c, &s, value, sizeof(value));
	size_t len = strlen(value);
	for (size_t i = 0; i < len; i++) {
		char was = value[i];
		value[i] = other_letter(was);
		assert_int_not_equal(decode(c, value, NOW, &renew), ERR_OK);
		value[i] = was;
	}
	assert_int_equal(decode(c, value, NOW, &renew), ERR_OK);
	for (size_t i = 0; i < len; i++) {
		char was = value[i];
		value[i] = '\0';
		assert_int_not_equal(decode(c, value, NOW, &renew), ERR_OK);
		value[i] = was;
	}
	session_codec_free(&c);
}

static void a_longer_life_cannot_be_written_in(void **state)
{
	struct session_codec *c = new_codec("n", 1, 2);
	struct session s = full_session();
	char value[SESSION_COOKIE_MAX + 1], forged[SESSION_COOKIE_MAX + 8];
	bool renew;

	(void)state;
	encode(c, &s, value, sizeof(value));
	char *last = strrchr(value, '.');
	(void)snprintf(forged, sizeof(forged), "%.*s0%s", (int)(last - value), value, last);
	assert_int_equal(decode(c, forged, NOW, &renew), ERR_DENIED);
	session_codec_free(&c);
}

static void foreign_forms_are_refused(void **state)
{
	struct session_codec *c = new_codec("n", 1, 2);
	static const char *const values[] = { "", ".", "....", "a.b.c.d.e", "a.b.1.2.e.f",
		"AAAAAAAAAAAAAAAAAAAAAA..1.2.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" };
	char *huge = calloc(1, 9001);
	bool renew;

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		assert_int_not_equal(decode(c, values[i], NOW, &renew), ERR_OK);
	}
	memset(huge, 'A', 9000);
	assert_int_equal(decode(c, huge, NOW, &renew), ERR_LIMIT);
	free(huge);
	session_codec_free(&c);
}

static void it_expires(void **state)
{
	struct session_codec *c = new_codec("n", 1, 2);
	struct session s = full_session();
	char value[SESSION_COOKIE_MAX + 1];
	bool renew;

	(void)state;
	s.duration_ms = SESSION_SHORT_MS;
	encode(c, &s, value, sizeof(value));
	assert_int_equal(decode(c, value, NOW + SESSION_SHORT_MS, &renew), ERR_OK);
	assert_int_equal(decode(c, value, NOW + SESSION_SHORT_MS + 1, &renew), ERR_DEADLINE);
	session_codec_free(&c);
}

static void the_last_minutes_move_it_on(void **state)
{
	struct session_codec *c = new_codec("n", 1, 2);
	struct session s = full_session(), back;
	char value[SESSION_COOKIE_MAX + 1];
	bool renew = false;

	(void)state;
	s.duration_ms = SESSION_SHORT_MS;
	encode(c, &s, value, sizeof(value));
	int64_t late = NOW + SESSION_SHORT_MS - 60 * 1000;
	assert_int_equal(session_decode(c, slice_str(value), late, &back, &renew), ERR_OK);
	assert_true(renew);
	assert_int_equal(back.created_ms, NOW + SESSION_RENEW_MS);
	session_codec_free(&c);
}

static void the_previous_key_is_read_and_replaced(void **state)
{
	struct session_codec *before = new_codec("n", 1, 9), *after = new_codec("n", 2, 1);
	struct session_codec *later = new_codec("n", 3, 2);
	struct session s = full_session();
	char value[SESSION_COOKIE_MAX + 1];
	bool renew = false;

	(void)state;
	encode(before, &s, value, sizeof(value));
	assert_int_equal(decode(after, value, NOW, &renew), ERR_OK);
	assert_true(renew);
	assert_int_equal(decode(later, value, NOW, &renew), ERR_DENIED);
	session_codec_free(&before);
	session_codec_free(&after);
	session_codec_free(&later);
}

static void a_cookie_of_another_name_is_refused(void **state)
{
	struct session_codec *a = new_codec("browserid_state_aaaaaa", 1, 2);
	struct session_codec *b = new_codec("browserid_state_bbbbbb", 1, 2);
	struct session s = full_session();
	char value[SESSION_COOKIE_MAX + 1];
	bool renew;

	(void)state;
	encode(a, &s, value, sizeof(value));
	assert_int_equal(decode(b, value, NOW, &renew), ERR_DENIED);
	session_codec_free(&a);
	session_codec_free(&b);
}

static void set_cookie_has_its_attributes(void **state)
{
	struct session_codec *c = new_codec("browserid_state_abcdef", 1, 2);
	struct session s = full_session();
	struct buf b = buf_new(2048);

	(void)state;
	assert_int_equal(session_set_cookie(c, &s, true, &b), ERR_OK);
	buf_append_char(&b, '\0');
	assert_memory_equal(b.data, "browserid_state_abcdef=", 23);
	assert_non_null(strstr(b.data, "; path=/wsapi; expires=Tue, 12 Dec 2023 22:13:20 GMT; "
				       "httponly; samesite=lax; secure"));
	buf_clear(&b);
	s.duration_ms = SESSION_SHORT_MS;
	assert_int_equal(session_set_cookie(c, &s, false, &b), ERR_OK);
	buf_append_char(&b, '\0');
	assert_null(strstr(b.data, "expires"));
	assert_null(strstr(b.data, "secure"));
	buf_free(&b);
	session_codec_free(&c);
}

static void logging_in_and_out(void **state)
{
	struct session s, before;

	(void)state;
	session_begin(&s, NOW);
	session_need_csrf(&s);
	before = s;
	session_need_csrf(&s);
	assert_true(session_equal(&s, &before));
	assert_int_equal(strlen(s.csrf), SESSION_CSRF_LEN);
	session_login(&s, 7, SESSION_PASSWORD, 5, SESSION_SHORT_MS, NOW + 1);
	assert_string_equal(s.csrf, before.csrf);
	assert_int_equal(s.created_ms, NOW + 1);
	/* An assertion does not lower the same user's level, but does for another. */
	session_login(&s, 7, SESSION_ASSERTION, 5, SESSION_SHORT_MS, NOW + 2);
	assert_int_equal(s.level, SESSION_PASSWORD);
	session_login(&s, 8, SESSION_ASSERTION, 5, SESSION_SHORT_MS, NOW + 3);
	assert_int_equal(s.level, SESSION_ASSERTION);
	session_logout(&s, NOW + 4);
	assert_int_equal(s.userid, 0);
	assert_int_equal(s.level, SESSION_NOBODY);
	assert_string_equal(s.csrf, before.csrf);
	assert_int_equal(s.known_user, 8);
}

static void who_was_here_last_stays_known(void **state)
{
	struct session_codec *c = new_codec("name", 1, 2);
	struct session s, back;
	char value[SESSION_COOKIE_MAX + 1];
	bool renew = true;

	(void)state;
	session_begin(&s, NOW);
	session_login(&s, 7, SESSION_PASSWORD, 5, SESSION_LONG_MS, NOW);
	encode(c, &s, value, sizeof(value));
	assert_int_equal(session_decode(c, slice_str(value), NOW, &back, &renew), ERR_OK);
	assert_int_equal(back.known_user, 7);
	session_logout(&back, NOW);
	assert_false(session_equal(&s, &back));
	encode(c, &back, value, sizeof(value));
	assert_int_equal(session_decode(c, slice_str(value), NOW, &s, &renew), ERR_OK);
	assert_int_equal(s.known_user, 7);
	assert_int_equal(s.userid, 0);
	session_codec_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_comes_back),
		cmocka_unit_test(the_fourth_of_five_fields_is_the_duration),
		cmocka_unit_test(each_changed_letter_is_refused),
		cmocka_unit_test(a_longer_life_cannot_be_written_in),
		cmocka_unit_test(foreign_forms_are_refused),
		cmocka_unit_test(it_expires),
		cmocka_unit_test(the_last_minutes_move_it_on),
		cmocka_unit_test(the_previous_key_is_read_and_replaced),
		cmocka_unit_test(a_cookie_of_another_name_is_refused),
		cmocka_unit_test(set_cookie_has_its_attributes),
		cmocka_unit_test(logging_in_and_out),
		cmocka_unit_test(who_was_here_last_stays_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
