/*
 * Messages between the leader of several generators and each of them, over a stream socket: a pair
 * of sockets to a process of its own, TCP to other machines. Blocking; a message is its length, its
 * kind and its bytes.
 *
 * Who joins over TCP proves that it knows the token, and so does the leader, both over fresh random
 * numbers, so that the token never travels. What follows is neither hidden nor signed: it belongs
 * in a network of one's own, or in a tunnel.
 */
#ifndef PLIMSOLL_LAB_FLEET_FRAME_H
#define PLIMSOLL_LAB_FLEET_FRAME_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/slice.h"

enum {
	FLEET_JOB_BYTES = 2 << 20 /* of a plan and a model */
};

enum fleet_kind {
	FLEET_HELLO, /* leader: version and a random number */
	FLEET_PROOF, /* generator: its own random number and proof */
	FLEET_LEAD,  /* leader: its proof */
	FLEET_JOB,   /* leader: plan and model */
	FLEET_READY, /* generator: its users are prepared */
	FLEET_GO,
	FLEET_TICK,   /* generator: where the run is, see load_wire.h */
	FLEET_SECOND, /* generator: a second of it */
	FLEET_OWN,    /* generator: what there is beside the load result, before it */
	FLEET_RESULT,
	FLEET_ERROR, /* generator: why there will be none */
	FLEET_END,   /* leader: begin nothing new, then the result */
	FLEET_STOP,  /* leader: end now, with a result */
	FLEET_KINDS
};

/* ERR_PEER_GONE. */
NODISCARD enum err fleet_send(int fd, enum fleet_kind kind, struct slice bytes);

/* The next message; *out is cleared first. ERR_PEER_GONE, ERR_SYNTAX, ERR_LIMIT (more than max). */
NODISCARD enum err fleet_receive(int fd, size_t max, struct buf *out, enum fleet_kind *ret);

/* Both ends of the proof. ERR_DENIED: the other does not know the token; ERR_SYNTAX: or is no lab.
 */
NODISCARD enum err fleet_admit(int fd, struct slice token, struct err_note *note);
NODISCARD enum err fleet_ask_in(int fd, struct slice token, struct err_note *note);

#endif
