/*
 * pairs.change: everything that changes members and couples, as one transaction function. It looks
 * again at what web has seen (membership, versions, limits), decides, gives the change its number
 * in the couple's stream and does it; what it refuses has changed nothing. Web has checked the
 * form of the request before.
 *
 * A change of a couple takes the next number by updating the couple's row, so changes of one couple
 * follow each other and the numbers have no gaps: the number and what it stands for are committed
 * together or not at all.
 */
#ifndef PLIMSOLL_PAIRS_PAIRS_CHANGE_H
#define PLIMSOLL_PAIRS_PAIRS_CHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "accounts/outbox.h"
#include "core/base/buf.h"
#include "core/base/slice.h"
#include "core/rpc/rpc.h"

enum {
	PAIRS_MESSAGE_MAX = 128 * 1024,	  /* bytes of a request to the store */
	PAIRS_BODY_MAX = 64 * 1024,	  /* bytes of an event's body */
	PAIRS_SESSIONS_MAX = 20,	  /* of one member */
	PAIRS_LISTS_MAX = 200,		  /* of one couple */
	PAIRS_ITEMS_MAX = 500,		  /* of one list */
	PAIRS_EVENTS_MAX = 1000,	  /* in the calendar of one couple */
	PAIRS_DONE_MS = 24 * 3600 * 1000, /* how long a client_id is known */
};

extern const struct rpc_def pairs_change;

/* What each uses, beside now: fields of struct pairs_change_req. */
enum pairs_kind {
	PAIRS_SIGN_UP, /* user (its number to be), hash, idem, name, address, password_hash, mail,
			  lifetime_ms, interval_ms, hold_ms */
	PAIRS_RESEND,  /* hash, address, mail, lifetime_ms, interval_ms, hold_ms */
	PAIRS_VERIFY,  /* hash, session_hash, session_ms */
	PAIRS_LOG_IN,  /* account, user (if it has none yet), session_hash, session_ms */
	PAIRS_LOG_OUT, /* hash */
	PAIRS_LOG_OUT_ALL,     /* user */
	PAIRS_SET_PRESENCE,    /* user, holder, until_ms, away */
	PAIRS_INVITE,	       /* user, hash, address, mail, lifetime_ms, interval_ms, hold_ms */
	PAIRS_ACCEPT,	       /* user, hash, new_id: of the couple */
	PAIRS_LEAVE,	       /* user, couple */
	PAIRS_EDIT_USER,       /* user, couple (0: alone), given, name, avatar, options */
	PAIRS_ADD_ACTIVITY,    /* user, couple, client_id, new_id, media, body; user 0: the app's
				  server */
	PAIRS_DELETE_ACTIVITY, /* user, couple, id */
	PAIRS_ADD_LIST,	       /* user, couple, client_id, new_id, name */
	PAIRS_EDIT_LIST,       /* user, couple, id, version, name */
	PAIRS_DELETE_LIST,     /* user, couple, id, version */
	PAIRS_ADD_ITEM,	   /* user, couple, client_id, id, version, new_id, given, text, complete,
			      important, place */
	PAIRS_EDIT_ITEM,   /* the same without client_id; item in the place of new_id */
	PAIRS_DELETE_ITEM, /* user, couple, id, version, item */
	PAIRS_ADD_EVENT,   /* user, couple, client_id, new_id, given, name, where, rrule, reminders,
			      start_ms, end_ms */
	PAIRS_EDIT_EVENT,  /* the same without client_id, with id and version */
	PAIRS_DELETE_EVENT, /* user, couple, id, version */
	PAIRS_READ,	    /* user, couple, up_to */
	PAIRS_ADD_MEDIA,    /* user, couple, idem, new_id, name: format, bytes, quota */
	PAIRS_ADD_AVATAR,   /* the same without couple and quota; lifetime_ms: if there is no such
			       member yet */
	PAIRS_EDIT_MEDIA,   /* user, couple, id, text: caption */
	PAIRS_DELETE_MEDIA, /* user, couple, id */
	PAIRS_MEDIA_DONE,  /* owner, id, lease, given, width, height, name: format, text: sizes; not
			      given: failed, text: reason */
	PAIRS_MEDIA_LATER, /* owner, id, lease, until_ms, given: enum pairs_chore_fault */
	PAIRS_PUSH_ADD, /* user, hash: of the session, new_id, endpoint, p256dh, auth, with_text */
	PAIRS_PUSH_DELETE, /* user, id */
	PAIRS_KINDS
};

/* Bits of given: fields that a request brought. */
enum pairs_given {
	PAIRS_GIVEN_NAME = 1,
	PAIRS_GIVEN_AVATAR = 2,
	PAIRS_GIVEN_OPTIONS = 4,
	PAIRS_GIVEN_TEXT = 8,
	PAIRS_GIVEN_COMPLETE = 16,
	PAIRS_GIVEN_IMPORTANT = 32,
	PAIRS_GIVEN_PLACE = 64,
	PAIRS_GIVEN_WHERE = 128,
	PAIRS_GIVEN_RRULE = 256,
	PAIRS_GIVEN_REMINDERS = 512,
	PAIRS_GIVEN_START = 1024,
	PAIRS_GIVEN_END = 2048,
	PAIRS_GIVEN_MEDIA = 4096,
};

/* Is the partner who is away to be told by a post (accounts/posts.h)? */
enum pairs_notice {
	PAIRS_NOTICE_NONE,
	PAIRS_NOTICE_BARE, /* that there is something */
	PAIRS_NOTICE_FULL, /* and what */
};

/*
 * version 0: whatever it is now; notice: enum pairs_notice; push: 1 if browsers of who is away are
 * to be told, too, by pushes that are kept for push_ttl_s; media: of an activity or item, 0: none.
 */
/* clang-format off */
#define PAIRS_CHANGE_NUMBERS(X) \
	X(user) X(couple) X(account) X(id) X(item) X(new_id) X(version) X(given) \
	X(complete) X(important) X(place) X(start_ms) X(end_ms) X(up_to) X(until_ms) \
	X(away) X(holder) X(lifetime_ms) X(session_ms) X(interval_ms) X(hold_ms) X(notice) \
	X(media) X(owner) X(bytes) X(quota) X(lease) X(width) X(height) \
	X(push) X(push_ttl_s) X(with_text)
#define PAIRS_CHANGE_TEXTS(X) \
	X(client_id) X(hash) X(session_hash) X(idem) X(name) X(avatar) X(options) \
	X(address) X(password_hash) X(text) X(body) X(where) X(rrule) X(reminders) \
	X(mail_kind) X(mail_subject) X(mail_link) X(mail_text) X(mail_html) \
	X(endpoint) X(p256dh) X(auth)
/* clang-format on */

struct pairs_change_req {
	enum pairs_kind kind;
#define X(field) int64_t field;
	PAIRS_CHANGE_NUMBERS(X)
#undef X
#define X(field) struct slice field;
	PAIRS_CHANGE_TEXTS(X)
#undef X
};

enum pairs_outcome {
	PAIRS_DONE,
	PAIRS_REPEATED,	 /* was done before by the same client_id: seq and body are those of then */
	PAIRS_NOTHING,	 /* all is as wanted already */
	PAIRS_NOT_FOUND, /* what it is about; or the couple, or the membership in it */
	PAIRS_STALE,	 /* the version is another one */
	PAIRS_NOT_OWN,
	PAIRS_FULL,	 /* as many as there may be */
	PAIRS_BAD_PLACE, /* no such place in the list */
	PAIRS_BAD_TIMES, /* the end before the start */
	PAIRS_PAIRED,	 /* one of the two has a partner */
	PAIRS_BAD_TOKEN, /* it is none of ours */
	PAIRS_USED,	 /* the token was used, or has expired */
	PAIRS_TOO_SOON,	 /* after the last mail to the address */
	PAIRS_HELD,	 /* mail to the address came back */
	PAIRS_OTHER_USE, /* the client_id stood for another kind of change */
	PAIRS_OUTCOMES
};

#define PAIRS_CHANGED_NUMBERS(X) X(seq) X(user) X(couple) X(at_ms) X(presence) X(id)
#define PAIRS_CHANGED_TEXTS(X)	 X(event) X(body)

/*
 * Of a change of a couple: its event. seq 0: there is none. id: of a picture. presence: 1 more than
 * what the member's (enum pairs_presence) has become by it; 0: what it was.
 */
struct pairs_changed {
	enum pairs_outcome outcome;
#define X(field) int64_t field;
	PAIRS_CHANGED_NUMBERS(X)
#undef X
#define X(field) struct slice field;
	PAIRS_CHANGED_TEXTS(X)
#undef X
};

void pairs_change_put(struct buf *out, const struct pairs_change_req *r);
NODISCARD bool pairs_change_take(struct slice message, struct pairs_change_req *ret);
void pairs_changed_put(struct buf *out, const struct pairs_changed *c);
NODISCARD bool pairs_changed_take(struct slice message, struct pairs_changed *ret);

#endif
