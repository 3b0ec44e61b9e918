/*
 * What a session holds, and its life.
 */
#include "accounts/session.h"

#include <string.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/enc.h"
#include "core/base/rng.h"

void session_begin(struct session *s, int64_t now_ms)
{
	memset(s, 0, sizeof(*s));
	s->created_ms = now_ms;
	s->duration_ms = SESSION_LONG_MS;
}

void session_need_csrf(struct session *s)
{
	uint8_t random[16];
	struct buf text = buf_new(SESSION_CSRF_LEN);

	if (s->csrf[0] != '\0') {
		return;
	}
	rng_bytes(random, sizeof(random));
	enc_base64(&text, SLICE_OF(random, sizeof(random)));
	CHECK(slice_to_cstr(buf_slice(&text), s->csrf, sizeof(s->csrf)) == ERR_OK);
	buf_free(&text);
}

void session_login(struct session *s, int64_t userid, enum session_level level,
    int64_t last_reset_ms, int64_t duration_ms, int64_t now_ms)
{
	if (s->userid == userid && s->level > level) {
		level = s->level;
	}
	session_logout(s, now_ms);
	s->userid = userid;
	s->known_user = userid;
	s->level = level;
	s->last_reset_ms = last_reset_ms;
	s->duration_ms = duration_ms;
}

void session_logout(struct session *s, int64_t now_ms)
{
	char csrf[sizeof(s->csrf)];
	int64_t known_user = s->known_user;

	memcpy(csrf, s->csrf, sizeof(csrf));
	session_begin(s, now_ms);
	memcpy(s->csrf, csrf, sizeof(csrf));
	s->known_user = known_user;
}

bool session_equal(const struct session *a, const struct session *b)
{
	if (strcmp(a->csrf, b->csrf) != 0 || a->userid != b->userid ||
	    a->known_user != b->known_user || a->level != b->level ||
	    a->last_reset_ms != b->last_reset_ms || a->created_ms != b->created_ms ||
	    a->duration_ms != b->duration_ms) {
		return false;
	}
	for (int i = 0; i < PENDING_COUNT; i++) {
		if (strcmp(a->pending[i], b->pending[i]) != 0) {
			return false;
		}
	}
	return true;
}

enum err session_set_cookie(
    struct session_codec *c, const struct session *s, bool secure, struct buf *out)
{
	char date[CLOCK_HTTP_DATE_SIZE];

	buf_append_str(out, session_codec_name(c));
	buf_append_char(out, '=');
	enum err e = session_encode(c, s, out);
	if (e != ERR_OK) {
		return e;
	}
	buf_append_str(out, "; path=/wsapi");
	if (s->duration_ms > SESSION_SHORT_MS) {
		clock_http_date((s->created_ms + s->duration_ms) / 1000, date);
		buf_append_str(out, "; expires=");
		buf_append_str(out, date);
	}
	buf_append_str(out, "; httponly; samesite=lax");
	if (secure) {
		buf_append_str(out, "; secure");
	}
	return out->failed ? ERR_LIMIT : ERR_OK;
}
