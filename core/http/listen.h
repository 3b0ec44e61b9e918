/*
 * Listening sockets of a server: accepting within a budget, and only while this process is not
 * ahead of its siblings; what is not accepted waits in the kernel.
 */
#ifndef PLIMSOLL_HTTP_LISTEN_H
#define PLIMSOLL_HTTP_LISTEN_H

#include "core/http/server_priv.h"

/* No listener yet. ERR_MEMORY. */
NODISCARD enum err listen_open(struct http_server *s);

/* Serves one more socket; takes fd. secure: its connections begin with TLS. */
NODISCARD enum err listen_add(struct http_server *s, int fd, bool secure);

/* The check hook's part: accepts what is there, within the budget. */
void listen_round(struct http_server *s);

/* Once a second: length and limit of the accept queues, overflows. */
void listen_sample(struct http_server *s);

/* Closes the sockets (drain); listen_close() also frees the rest. */
void listen_stop(struct http_server *s);
void listen_close(struct http_server *s);

/*
 * Value of a counter in the text of /proc/net/netstat: a line of names and a line of values, both
 * beginning with "TcpExt:". False if there is none.
 */
bool listen_netstat_find(struct slice text, struct slice name, int64_t *ret);

/*
 * The smallest number of connections among the processes that share our sockets: slots of our role
 * that serve and were alive in the last 200 ms, our own excepted. INT64_MAX: there is none.
 */
int64_t listen_least_sibling(const struct metrics *m, int64_t now_us);

#endif
