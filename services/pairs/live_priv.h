/*
 * Inside of the live sessions: live_sessions.c (work in tasks, clocks), live_room.c (rooms),
 * live_tell.c (what is told to them), live_socket.c (clients and what they send), live_join.c,
 * live_call.c (what an event asks for), live_stream.c (numbers read from the database), live_look.c
 * (looking after a room: gaps, sessions that are over, presence), live_peers.c (the other
 * processes).
 */
#ifndef PLIMSOLL_PAIRS_LIVE_PRIV_H
#define PLIMSOLL_PAIRS_LIVE_PRIV_H

#include "core/base/list.h"
#include "core/ev/deadline.h"
#include "services/pairs/api.h"
#include "services/pairs/live_sessions.h"
#include "services/pairs/pairs_fanout.h"

enum {
	LIVE_BUCKETS = 1 << 16, /* of the table of rooms */
	LIVE_WORKERS_MAX = 256, /* tasks at once */
	LIVE_READY_MAX = 4096,	/* members that wait for one; more are refused */
	LIVE_CALLS_MAX = 64,	/* events of one member that wait */
	LIVE_SEAT_MAX = 20,	/* sessions of one member in one process; the oldest goes */
	LIVE_ARENA_MAX = 2 * 1024 * 1024,
	LIVE_REPLAY_MAX = 500, /* numbers that a client who returns is told; more: it reads them */
	LIVE_PAGE = 100,
	LIVE_LINGER_US = 2 * 1000 * 1000, /* whoever comes back within it was never away */
	LIVE_ALERT_US = 15 * 1000 * 1000, /* longer than any call that a dead process had made */
	LIVE_ALERT_LOOK_US = 1000 * 1000,
	LIVE_CHECK_US = 1000 * 1000, /* so long it is believed to stand, if nobody says otherwise */
	LIVE_SIGNAL_CHECK_US = 10 * 1000 * 1000, /* likewise, of who changes nothing */
};

enum live_cell {
	LIVE_MEMBERS,
	LIVE_ROOMS,
	LIVE_TOLD,
	LIVE_REPLAYED,
	LIVE_RESYNCS,
	LIVE_GAPS,
	LIVE_EXPELLED,
	LIVE_CELLS
};

/* Something that is done in a task, as often as it asks for and never twice at a time. */
struct live_work {
	struct list node; /* in ready */
	/* False: nothing is left to be done, or w is gone. */
	bool (*run)(struct live *l, struct live_work *w);
	struct live *live;
};

/* One of the two members, as this process has them. */
struct live_seat {
	int64_t user;
	int64_t until_ms;      /* our lease, as last written; 0: none */
	int64_t left_us;       /* when the last session went */
	unsigned n, n_looking; /* sessions; those that are not away */
	bool lease_is_away;
	int8_t told; /* enum pairs_presence that the partner has been told; -1: not known */
};

struct live_room {
	struct live_work work;	  /* looking after it */
	struct live_room *next;	  /* in its bucket */
	struct deadline deadline; /* of the next look */
	struct list members;	  /* those that have joined, oldest first */
	int64_t couple;
	int64_t seq;	    /* last number that its members have been told */
	int64_t checked_us; /* last whole look */
	struct live_seat seats[2];
	unsigned refs;		 /* of members and tasks */
	bool is_busy, is_wanted; /* a look is under way; one more is asked for */
	bool recheck;		 /* sessions may be over */
};

/* An event that waits, or the wish to join. */
struct live_call {
	struct list node;    /* in calls */
	enum api_number row; /* API_ROWS: text is the token to join with */
	bool wants_ack;
	uint64_t ack;
	size_t len;
	char text[]; /* JSON object */
};

struct live_member {
	struct live_work work; /* calls, one after the other */
	struct list node;      /* in the room's members; alone: has not joined, or has left */
	struct list calls;
	struct socketio_socket *socket; /* referenced */
	struct live_room *room;		/* referenced; NULL: not yet known */
	int64_t user;
	int64_t seq;	    /* last number it has been told; -1: none was asked for */
	int64_t checked_us; /* when its session was last seen to stand; 0: look before anything */
	unsigned refs, n_calls;
	bool is_live; /* is told what comes; else it is still told what was */
	bool is_held; /* does something: is told it behind the acknowledgement of that */
	bool is_over, is_busy, is_away, is_suspect;
	char token_hash[PAIRS_TOKEN_HASH_HEX + 1];
};

struct live {
	struct svc_env *env;
	struct live_room **buckets; /* owned */
	struct deadline_heap heap;
	struct list ready; /* of struct live_work */
	unsigned n_ready, workers, n_rooms;
	uv_idle_t pump;	 /* active while something is ready and may be begun */
	uv_timer_t tick; /* active while there are rooms or something is ready */
	unsigned open_handles;
	int64_t holder;		/* of our leases: another one for each process */
	int64_t alert_until_us; /* something may not have been told to us */
	bool draining;
	_Atomic int64_t *cells[LIVE_CELLS];
};

static inline void live_count(struct live *l, enum live_cell cell, int64_t n)
{
	metric_add(l->cells[cell], n);
}

/* ---- live_sessions.c ---- */

/* Has w run in a task; it must not be waiting for that already. */
void live_begin(struct live *l, struct live_work *w);

/* Rooms are there: the clock has to run. */
void live_wind(struct live *l);

/* ---- live_room.c ---- */

struct live_room *live_room_find(const struct live *l, int64_t couple);

/* The room of a couple, made if need be with seq as the last number; referenced. NULL: no memory.
 */
struct live_room *live_room_get(
    struct live *l, int64_t couple, int64_t seq, int64_t user, int64_t partner);
void live_room_ref(struct live_room *r);
void live_room_unref(struct live *l, struct live_room *r);

struct live_seat *live_room_seat(struct live_room *r, int64_t user);

/* A member comes, by then with a room; goes; looks or does not. */
void live_room_enter(struct live *l, struct live_member *m);
void live_room_leave(struct live *l, struct live_member *m);
void live_room_set_away(struct live *l, struct live_member *m, bool away);

/* Sessions of the room may be over: nothing is done for them before they have been looked at. */
void live_room_recheck(struct live *l, struct live_room *r);

/* Has the room looked after, now or at that time. */
void live_room_look(struct live *l, struct live_room *r);
void live_room_look_at(struct live *l, struct live_room *r, int64_t due_us);

/* ---- live_tell.c ---- */

/* Tells all who are live, if it is the next number; else the room is looked after. */
void live_room_tell(struct live *l, struct live_room *r, const struct pairs_told *t);

/* To one member's partner; may be dropped. */
void live_room_signal(struct live *l, struct live_room *r, const struct pairs_signal *signal);

/* ["NAME", {seq, event, user_id, at, data}]. NULL: no memory. */
struct socketio_out *live_encode(const struct pairs_told *t);

/* ---- live_socket.c ---- */

void live_member_ref(struct live_member *m);
void live_member_unref(struct live *l, struct live_member *m);

/* "overloaded", with a time to try again. */
void live_refuse_for_now(struct socketio_socket *s);

/* Tells it why and puts it out, for good. */
void live_expel(struct live *l, struct live_member *m, const char *why);

/* ---- live_join.c, live_call.c; in a task ---- */

void live_join(struct live *l, struct live_member *m, struct slice token);
void live_do(struct live *l, struct live_member *m, const struct live_call *call);

/*
 * Not in a task: does what is answered from memory, if no call of the member is before it and its
 * session was seen to stand just now. False: it has to wait for its turn.
 */
NODISCARD bool live_do_at_once(
    struct live *l, struct live_member *m, enum api_number row, const struct socketio_event *ev);

/* A call of the API without a request behind it. */
struct op_call live_op_call(struct live *l, struct arena *arena, const struct op *op);

/* {"error":{"code":…,"message":…}} as the only element of an acknowledgement. */
void live_ack_error(struct socketio_socket *s, uint64_t ack, const char *code, const char *message);

/* ---- live_stream.c; in a task ---- */

/* Tells the room what it has not been told. */
NODISCARD enum err live_catch_up(struct live *l, struct live_room *r, struct err_note *note);

/* Tells a member what came behind its number, up to last, which its room has reached. */
NODISCARD enum err live_tell_up_to(
    struct live *l, struct live_member *m, int64_t last, struct err_note *note);

/*
 * Tells a member what came behind its number, or that it has to read for itself; then it is live,
 * and not held. head: a number that the stream has reached.
 */
NODISCARD enum err live_replay(
    struct live *l, struct live_member *m, int64_t head, struct err_note *note);

/* ---- live_look.c ---- */

/* struct live_work.run of a room. */
bool live_look(struct live *l, struct live_work *w);

/* ---- live_peers.c ---- */

/* What is told may be incomplete until then: every room is looked after often. */
void live_be_alert(struct live *l, int64_t until_us);

void live_peers_event(const struct live *l, const struct pairs_told *t);
void live_peers_signal(const struct live *l, const struct pairs_signal *signal);
void live_peers_recheck(const struct live *l, int64_t couple, int64_t user);

#endif
