/*
 * The other processes of the same role: a socket to each, over which connections are handed from
 * one to another with their descriptor (core/http/handover.c), and services tell each other what
 * has happened (svc_tell()). Role: web.
 */
#ifndef PLIMSOLL_ROLE_SIBLINGS_H
#define PLIMSOLL_ROLE_SIBLINGS_H

#include "core/ev/loop.h"
#include "core/http/server.h"
#include "core/service.h"

struct siblings;

/* The services of env are those that are told; env gets the means to tell. Keeps env. */
NODISCARD enum err siblings_new(struct svc_env *env, struct siblings **ret);
void siblings_free(struct siblings **s);

/*
 * The server (NULL: none) of the listener of that index hands connections over by s, and gets
 * those of its siblings.
 */
void siblings_serve(struct siblings *s, unsigned listener, struct http_server *server);

/* Requests can be answered from now on. */
void siblings_begin(struct siblings *s);

/* The socket (SOCK_SEQPACKET) to the process of that instance; takes fd. One before it is closed.
 */
void siblings_add(struct siblings *s, unsigned instance, int fd);

#endif
