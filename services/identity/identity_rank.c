/*
 * What a request's cookie says to admission: whose it is, and whether it goes on with work that has
 * begun (load-and-overload.md 4.3). The cookie is the ticket: nobody but this server can make one
 * that is signing up or signed in a moment ago, and either has cost a password already.
 *
 * A browser has one password that is refused last: what was let in to begin is so many passwords,
 * and no cookie can ask for more of them before everybody else. Those behind it are refused late,
 * as what others of that rank ask for.
 */
#include <string.h>

#include "core/base/clock.h"
#include "core/base/fnv.h"
#include "core/grace/begun.h"
#include "services/identity/identity_priv.h"

enum {
	GOES_ON_S = 15 * 60,
	WHO_SHIFT = 21 /* of 64 bits, to what a table of those who began takes */
};

/* Both questions are asked of the same request, one after the other. NULL: it proves nothing. */
static const struct session *session_of(struct op_call *c)
{
	struct identity_state *state = c->state;
	struct cookie_seen *seen = &state->seen;
	bool unused = false;

	if (state->cookies == NULL || c->op >= identity_ops + IDENTITY_WSAPI_OPS) {
		return NULL;
	}
	struct slice value = http_cookie(c->req, slice_str(session_codec_name(state->cookies)));
	if (value.len == 0 || value.len > sizeof(seen->value)) {
		return NULL;
	}
	if (slice_eq(value, SLICE_OF(seen->value, seen->len))) {
		return &seen->session;
	}
	seen->len = 0;
	if (session_decode(state->cookies, value, clock_wall_ms(), &seen->session, &unused) !=
	    ERR_OK) {
		return NULL;
	}
	memcpy(seen->value, value.ptr, value.len);
	seen->len = value.len;
	return &seen->session;
}

uint64_t identity_user(struct op_call *c)
{
	const struct session *s = session_of(c);

	return s == NULL ? 0 : (uint64_t)s->userid;
}

/* Other mails than that of a sign-up cost next to nothing to ask for. */
static bool goes_on(const struct session *s)
{
	bool is_new = s->userid != 0 && clock_wall_ms() - s->created_ms < GOES_ON_S * 1000;

	return is_new || s->pending[PENDING_CREATION][0] != '\0';
}

/* The first time. What the browser is known by stays when it signs in. */
static bool uses_ticket(const struct identity_state *state, const struct session *s)
{
	int64_t now_s = clock_wall_ms() / 1000;
	int64_t who = (int64_t)(fnv1a(FNV1A_START, slice_str(s->csrf)) >> WHO_SHIFT);
	bool is_used = begun_is(&state->tickets, who, GOES_ON_S, now_s);

	if (!is_used) {
		begun_note(&state->tickets, who, now_s);
	}
	return !is_used;
}

enum shed_rank identity_rank(struct op_call *c, const struct grace_load *load)
{
	enum shed_rank rank = c->op->rank;

	(void)load;
	if (rank != SHED_MIDDLE || c->op->cost != COST_COMPUTE) {
		return rank;
	}
	const struct session *s = session_of(c);
	if (s == NULL || !goes_on(s)) {
		return rank;
	}
	return uses_ticket(c->state, s) ? SHED_LAST : SHED_LATE;
}
