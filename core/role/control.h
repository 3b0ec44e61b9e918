/*
 * Messages between the supervisor and a role process over a SOCK_SEQPACKET socketpair (descriptor 3
 * in the role process), with descriptors riding along. One message is one packet.
 *
 * supervisor -> role:
 *   START once: who it is, configuration; metrics block and listening sockets
 *   PEER: one connected socket
 *   SERVE: begin to accept, for a role that was started with hold
 *   RELOAD: new configuration
 *   DRAIN: finish
 *   TLS: files of certificates and keys, for the signer
 * role -> supervisor:
 *   READY
 *   TLS: whether the signer has taken them (a byte, 1 or 0)
 *   FAILED: exit code and a line for people, then it exits
 *
 * The end of the stream tells the role that the supervisor is gone: it drains by itself.
 *
 * An upgrade speaks the same way between the supervisor of the old program and that of the new one
 * (upgrade.c, predecessor.c), which are of different versions: see struct control_handover.
 */
#ifndef PLIMSOLL_ROLE_CONTROL_H
#define PLIMSOLL_ROLE_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/list.h"
#include "core/base/role_id.h"
#include "core/base/slice.h"

enum {
	CONTROL_FD = 3,
	CONTROL_MAX_BYTES = 128 * 1024, /* of one message; below the kernel's default send buffer */
	CONTROL_MAX_FDS = 32,		/* of one message */
	CONTROL_MAX_PENDING = 1024,	/* messages that wait for room in the socket */
};

/* The numbers are the same in all versions, for the sake of upgrades: new ones come at the end. */
enum control_kind {
	CONTROL_NONE,
	CONTROL_START,
	CONTROL_PEER,
	CONTROL_RELOAD,
	CONTROL_DRAIN,
	CONTROL_READY,
	CONTROL_FAILED,
	CONTROL_SERVE,
	CONTROL_HANDOVER,   /* old -> new: the lock and the listening sockets */
	CONTROL_NEED_STORE, /* new -> old: the database changes, so let go of it first */
	CONTROL_STORE_FREE, /* old -> new: nobody uses the database any more */
	CONTROL_TAKE_OVER,  /* old -> new: you are the server now */
	CONTROL_TLS,	    /* see above */
	CONTROL_KINDS
};

/* One end. */
struct control {
	int fd;	       /* owned; -1: closed */
	struct buf in; /* the message received last */
	struct list pending;
	unsigned n_pending;
};

struct control_message {
	enum control_kind kind;
	struct slice body;	  /* valid until the next receive */
	int fds[CONTROL_MAX_FDS]; /* the receiver's to close */
	unsigned n_fds;
};

/* Takes a connected SOCK_SEQPACKET socket and makes it non-blocking. */
void control_init(struct control *c, int fd);
void control_fini(struct control *c);

/*
 * Sends, or keeps a copy until control_flush() when the socket is full; fds stay the caller's.
 * ERR_LIMIT: too large, or too many messages wait; ERR_PEER_GONE.
 */
NODISCARD enum err control_send(
    struct control *c, enum control_kind kind, struct slice body, const int *fds, unsigned n_fds);

/* Sends what waits. ERR_AGAIN: not all fitted. */
NODISCARD enum err control_flush(struct control *c);

/* ERR_AGAIN: nothing there; ERR_END: the other side is gone; ERR_CORRUPT: no message of ours. */
NODISCARD enum err control_receive(struct control *c, struct control_message *ret);

/* Waits up to timeout_ms until something can be received. ERR_DEADLINE. */
NODISCARD enum err control_wait(const struct control *c, int timeout_ms);

/* ---- bodies ---- */

struct control_start {
	enum role_id role;
	unsigned instance, slot, n_slots;
	bool sandbox;
	bool hold;	    /* be ready, but begin to serve only after SERVE */
	uint32_t services;  /* mask over app->services */
	uint32_t roles;	    /* ROLE_BIT mask of the roles that run */
	uint32_t listeners; /* mask over listeners[]; their sockets follow the block in fds */
	struct slice data_dir, conf;
};
void control_put_start(struct buf *out, const struct control_start *s);
NODISCARD bool control_take_start(struct slice body, struct control_start *ret);

struct control_peer {
	bool callee; /* the receiver serves the peer, instead of calling it */
	enum role_id role;
	unsigned instance;
};
void control_put_peer(struct buf *out, const struct control_peer *p);
NODISCARD bool control_take_peer(struct slice body, struct control_peer *ret);

/* How to finish; durations from the receipt. */
struct control_drain {
	int64_t ms;	 /* everything */
	int64_t idle_ms; /* connections without a request */
	bool accepts;	 /* goes on accepting for idle_ms */
};
void control_put_drain(struct buf *out, const struct control_drain *d);
NODISCARD bool control_take_drain(struct slice body, struct control_drain *ret);

struct control_failed {
	int exit_code;
	struct slice text;
};
void control_put_failed(struct buf *out, const struct control_failed *f);
NODISCARD bool control_take_failed(struct slice body, struct control_failed *ret);

/*
 * What an old program gives to a new one. Descriptors: the data directory's lock, then a socket per
 * listener. What a later version appends is passed over by an earlier one; version is raised only
 * when the two could not work together, and then the new one refuses.
 */
enum {
	CONTROL_HANDOVER_VERSION = 1,
	CONTROL_HANDOVER_MAX = CONTROL_MAX_FDS - 1
};
struct control_handover {
	uint32_t version;
	unsigned n;
	struct {
		struct slice section; /* of its key "listen" */
		struct slice address; /* the key's value then */
	} listener[CONTROL_HANDOVER_MAX];
};
void control_put_handover(struct buf *out, const struct control_handover *h);
NODISCARD bool control_take_handover(struct slice body, struct control_handover *ret);

#endif
