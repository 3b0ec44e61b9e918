/*
 * The wire of pair_load.c: sessions of Socket.IO v5 over WebSocket or long polling, as small as
 * they can be made, so that the client is not what a benchmark measures. It shares no code with the
 * server. Frames are masked with a zero key, answers are trusted to be well formed, and whatever
 * goes wrong ends the program.
 */
#ifndef PLIMSOLL_BENCH_PAIR_WIRE_H
#define PLIMSOLL_BENCH_PAIR_WIRE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PACKET_MAX = 512, /* bytes of what is sent */
	SID_MAX = 64,
};

struct session;

/* One TCP connection. */
struct wire {
	struct session *session;
	int fd;
	bool is_post; /* of polling: the one that posts */
	char *held;   /* what has come of an incomplete frame or answer */
	size_t n_held;
};

struct session {
	struct wire get, post; /* a WebSocket uses the first only */
	const char *auth;      /* JSON object of CONNECT */
	char sid[SID_MAX];
	bool is_polling, is_framed, is_joined, is_posting;
	char next[PACKET_MAX]; /* waits for the end of the post before it; empty: nothing */
};

/* A message of the server's: "42[...]", "4317[...]"; not terminated by NUL. */
typedef void pair_heard(struct session *s, const char *packet, size_t len);

struct pair_wire {
	int epoll;
	struct sockaddr_in server;
	struct sockaddr_in source; /* to connect from; no family: the kernel's choice */
	pair_heard *heard;
	unsigned joined;
};

extern struct pair_wire pair_wire;

_Noreturn void pair_die(const char *what);

/* Begins to open one; pair_wire.joined counts those whose CONNECT was answered. */
void pair_open(struct session *s, bool is_polling, const char *auth);

/* False: what was posted before is not answered yet, and one more waits already. */
bool pair_send(struct session *s, const char *packet);

/* Takes in what has come, for so many microseconds at most. */
void pair_wait(int64_t us);

#endif
