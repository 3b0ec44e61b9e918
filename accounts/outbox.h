/*
 * The mail outbox: durable rows in the database. A transaction function that causes a mail puts
 * the row in the same transaction (outbox_put), the courier leases due rows, sends them and says
 * how it went. A lease that is not answered runs out and the row is due again: a mail may go out
 * twice after a crash, but is never lost, and always with the same content.
 *
 *	queued --lease--> queued, leased until T --sent--> sent (body deleted)
 *	                                         --kept--> kept (development: body stays)
 *	                                         --retry-> queued, next try later; or failed
 *
 * Each message between courier or admin and the store has a put/take pair here. take functions
 * return false for a malformed message, which from a sibling role is a broken invariant.
 */
#ifndef PLIMSOLL_ACCOUNTS_OUTBOX_H
#define PLIMSOLL_ACCOUNTS_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/slice.h"
#include "core/rpc/rpc.h"
#include "core/store/store.h"

enum outbox_limits {
	OUTBOX_QUEUE_MAX = 20000,    /* rows waiting; beyond, outbox_put() refuses */
	OUTBOX_PART_MAX = 24 * 1024, /* bytes of the text or HTML part */
	OUTBOX_LEASE_MAX = 32,	     /* rows per lease */
	OUTBOX_KEPT_MAX = 200,	     /* rows that stay in each of the states kept, sent, failed */
	OUTBOX_RECENT_MAX = 50,	     /* rows of the development page */
	OUTBOX_ERROR_MAX = 200,	     /* bytes kept of what a failed try said */
	OUTBOX_REPLY_MAX = 1024 * 1024, /* bytes of a reply with rows */
	OUTBOX_TRIES_MAX = 20, /* then the row is failed: after about 20 hours with this back-off */
	OUTBOX_RETRY_FIRST_MS = 5 * 1000, /* doubles with each try up to */
	OUTBOX_RETRY_LAST_MS = 2 * 3600 * 1000,
};

enum outbox_state {
	OUTBOX_QUEUED = 0,
	OUTBOX_SENT = 1,
	OUTBOX_KEPT = 2,
	OUTBOX_FAILED = 3,
};

/* One mail. Slices are borrowed from whatever it was made or taken from. */
struct outbox_mail {
	int64_t id;		 /* set by the database */
	struct slice recipient;	 /* address as written by its owner; no CR, LF or spaces */
	struct slice kind;	 /* "new", "confirm", "reset", "transition": persona.md 7 */
	struct slice subject;	 /* UTF-8, one line */
	struct slice link;	 /* header X-BrowserID-VerificationURL */
	struct slice site;	 /* header X-BrowserID-RelyingParty: origin of the asking site */
	struct slice text, html; /* UTF-8 parts; html may be empty */
	int64_t created_ms;
	uint32_t tries;	    /* sendings begun so far, this lease included */
	uint32_t state;	    /* enum outbox_state */
	int64_t sent_ms;    /* 0: not yet */
	struct slice error; /* what the last failed try said; one line, may be empty */
	struct slice verp;  /* set by outbox_put(): token of the return path, mail_address.h */
};

/* ---- inside transaction functions ---- */

/*
 * Puts a mail (recipient, kind, subject, link, site, text, html) and has the courier woken after
 * the commit. ERR_TOO_BUSY: OUTBOX_QUEUE_MAX rows wait; ERR_LIMIT: a part is too long.
 */
NODISCARD enum err outbox_put(
    struct txn *t, const struct outbox_mail *mail, int64_t *ret_id, struct err_note *note);

/* What has become of a mail; error is in the arena. ERR_NOT_FOUND: sent long ago. */
NODISCARD enum err outbox_state(struct sql_db *db, struct arena *arena, int64_t id,
    enum outbox_state *ret, struct slice *ret_error, struct err_note *note);

/* ---- accounts.outbox_lease: courier -> store ---- */

extern const struct rpc_def accounts_outbox_lease;

struct outbox_lease_req {
	uint32_t max_rows; /* 1..OUTBOX_LEASE_MAX */
	int64_t lease_ms;  /* how long the rows are the caller's */
};
void outbox_put_lease_req(struct buf *out, const struct outbox_lease_req *r);
NODISCARD bool outbox_take_lease_req(struct slice message, struct outbox_lease_req *ret);

/*
 * Reply: the rows leased (fewer than asked when few are due or the message is full: ask again),
 * the number that answers for them, and when the next row that is not leased is due.
 */
struct outbox_leased {
	int64_t lease; /* goes into the outcome; one that is no longer current changes nothing */
	int64_t next_due_ms; /* calendar time; INT64_MAX: nothing waits; <= now: ask again */
	uint32_t n;
	struct outbox_mail mails[OUTBOX_LEASE_MAX];
};
void outbox_put_leased(struct buf *out, const struct outbox_leased *r);
NODISCARD bool outbox_take_leased(struct slice message, struct outbox_leased *ret);

/* ---- accounts.outbox_sent: courier -> store; reply empty ---- */

extern const struct rpc_def accounts_outbox_sent;

struct outbox_sent_req {
	int64_t id, lease;
	bool keep; /* development: the body stays, state kept */
};
void outbox_put_sent_req(struct buf *out, const struct outbox_sent_req *r);
NODISCARD bool outbox_take_sent_req(struct slice message, struct outbox_sent_req *ret);

/* ---- accounts.outbox_retry: courier -> store; reply empty ---- */

extern const struct rpc_def accounts_outbox_retry;

struct outbox_retry_req {
	int64_t id, lease;
	bool final;	    /* the receiving server said never (5xx): failed at once */
	struct slice error; /* for people, one line, cut at 200 bytes */
};
void outbox_put_retry_req(struct buf *out, const struct outbox_retry_req *r);
NODISCARD bool outbox_take_retry_req(struct slice message, struct outbox_retry_req *ret);

/* ---- accounts.outbox_recent: admin -> store; empty request ---- */

extern const struct rpc_def accounts_outbox_recent;

/* Reply: newest first, at most OUTBOX_RECENT_MAX, fewer when the message is full. */
struct outbox_recent {
	uint32_t n;
	struct outbox_mail mails[OUTBOX_RECENT_MAX];
};
void outbox_put_recent(struct buf *out, const struct outbox_recent *r);
NODISCARD bool outbox_take_recent(struct slice message, struct outbox_recent *ret);

/* ---- accounts.outbox_stats: courier, admin -> store; empty request ---- */

extern const struct rpc_def accounts_outbox_stats;

struct outbox_stats {
	int64_t queued;		  /* waiting, leased ones included */
	int64_t failed, kept;	  /* rows still there in these states */
	int64_t oldest_queued_ms; /* created_ms of the oldest queued row; 0: none */
	int64_t bounced;	  /* addresses that mail came back from for good */
};
void outbox_put_stats(struct buf *out, const struct outbox_stats *r);
NODISCARD bool outbox_take_stats(struct slice message, struct outbox_stats *ret);

/* ---- courier.wake: store -> courier; empty both ways ---- */

extern const struct rpc_def accounts_courier_wake;

/*
 * Says what courier.wake does in this process: fn(arg) on the loop. The courier role calls it once
 * at its start; a wake that arrives before does nothing (the courier looks at its start anyway).
 */
void accounts_on_courier_wake(void (*fn)(void *arg), void *arg);

#endif
