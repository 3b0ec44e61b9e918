/*
 * The session: what a browser is to us between requests. It lives in a cookie, encrypted and
 * authenticated, so that no request needs the store for it (persona.md 4.7):
 *
 *	b64url(iv) . b64url(ciphertext) . created_ms . duration_ms . b64url(mac)
 *
 * AES-256-CBC over "NAME={json}", then HMAC-SHA256 over the first four parts; keys derived from the
 * symmetric keys for the cookie's name. Cookies of the previous key are read and replaced.
 * Stateless sessions are revoked by the account's password_reset_ms (persona.md 2.1, rule 4).
 */
#ifndef PLIMSOLL_ACCOUNTS_SESSION_H
#define PLIMSOLL_ACCOUNTS_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "accounts/keys.h"
#include "accounts/staged.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/slice.h"

enum session_limits {
	SESSION_CSRF_LEN = 24,	   /* base64 of 16 bytes */
	SESSION_COOKIE_MAX = 1536, /* bytes of a cookie's value */
	SESSION_NAME_MAX = 48,
	SESSION_RENEW_MS = 5 * 60 * 1000, /* with less left, the session is moved on by this */
};

/* How long a login lasts (persona.md 2.2). */
#define SESSION_SHORT_MS   (INT64_C(3600) * 1000)
#define SESSION_LONG_MS	   (INT64_C(28) * 24 * 3600 * 1000)
#define SESSION_LONGEST_MS (INT64_C(3650) * 24 * 3600 * 1000)

enum session_level {
	SESSION_NOBODY = 0,
	SESSION_ASSERTION = 1, /* logged in by an assertion of an address's provider */
	SESSION_PASSWORD = 2,
};

/* Tokens this browser asked for: the one that comes back from the mail may be completed here. */
enum session_pending {
	PENDING_CREATION,
	PENDING_ADDITION,
	PENDING_RESET,
	PENDING_REVERIFICATION,
	PENDING_COUNT
};

struct session {
	char csrf[SESSION_CSRF_LEN + 1]; /* "": none yet */
	int64_t userid;			 /* 0 at SESSION_NOBODY */
	enum session_level level;
	int64_t known_user;    /* who logged in here last; stays when they log out */
	int64_t last_reset_ms; /* the account's password_reset_ms at login */
	char pending[PENDING_COUNT][TOKEN_LEN + 1]; /* "": none */
	int64_t created_ms, duration_ms;
};

/* An empty session that begins now and has the long duration. */
void session_begin(struct session *s, int64_t now_ms);

/* Gives it a CSRF token if it has none. */
void session_need_csrf(struct session *s);

/*
 * Logs in. A login at a lower level does not lower the level of the same account's session.
 * The session begins anew with the duration; the CSRF token stays, pending tokens are dropped.
 */
void session_login(struct session *s, int64_t userid, enum session_level level,
    int64_t last_reset_ms, int64_t duration_ms, int64_t now_ms);

/* Back to an empty session with the same CSRF token, which still knows who was here. */
void session_logout(struct session *s, int64_t now_ms);

bool session_equal(const struct session *a, const struct session *b);

/* ---- the cookie ---- */

struct session_codec; /* name, derived keys and cipher contexts of a process */

/* name of at most SESSION_NAME_MAX bytes. ERR_CRYPTO, ERR_MEMORY. */
NODISCARD enum err session_codec_new(
    struct slice name, const struct symmetric_keys *keys, struct session_codec **ret);
void session_codec_free(struct session_codec **c);

/* The cookie's name; NUL-terminated, lives with c. */
const char *session_codec_name(const struct session_codec *c);

/*
 * Reads a cookie's value. *ret_renew: it should be sent again (previous key, or moved on because
 * less than SESSION_RENEW_MS were left). ERR_SYNTAX, ERR_LIMIT: not a cookie of ours; ERR_DENIED:
 * the MAC is wrong; ERR_DEADLINE: expired.
 */
NODISCARD enum err session_decode(struct session_codec *c, struct slice value, int64_t now_ms,
    struct session *ret, bool *ret_renew);

/* Appends a cookie's value. */
NODISCARD enum err session_encode(
    struct session_codec *c, const struct session *s, struct buf *out);

/*
 * Appends the value of a Set-Cookie header: name, encoded session, path=/wsapi, httponly,
 * samesite=lax, secure as asked. A session of SESSION_SHORT_MS or less gets no expires, so it also
 * ends with the browser.
 */
NODISCARD enum err session_set_cookie(
    struct session_codec *c, const struct session *s, bool secure, struct buf *out);

#endif
