/*
 * Sockets of an activity: a Socket.IO session as an object of its model. Private to user_*.c and
 * load_*.c.
 */
#ifndef PLIMSOLL_LAB_USER_SOCKET_H
#define PLIMSOLL_LAB_USER_SOCKET_H

#include "core/base/list.h"
#include "lab/script.h"
#include "lab/socket_session.h"

/* What a model holds. The activity cuts it at its end, if Lua has not closed it before. */
struct user_socket {
	struct list node; /* among those of its activity */
	struct socket_session *session;
};

enum user_socket_kind {
	USER_SOCKET_CONNECT, /* until it stands */
	USER_SOCKET_CALL,    /* until the event of that id is acknowledged */
	USER_SOCKET_WAIT,    /* until an event of that name has come */
	USER_SOCKET_CLOSE,   /* until the server has heard all, and the goodbye; it is gone then */
};

/* What a coroutine waits for. */
struct user_socket_ask {
	enum user_socket_kind kind;
	struct user_socket *socket; /* held by the coroutine's stack meanwhile */
	struct slice step;	    /* name for the figures; copy it */
	struct slice name;	    /* of the event; copy it */
	uint64_t id;
	double
	    seconds; /* to wait at most; < 0: as long as for an answer, and its lack is a failure */
};

/* b:socket{ ... }, of browsers. */
int user_socket_open(lua_State *L);

/* Adds the methods of sockets. */
void user_socket_add(struct script *s);

/*
 * On top of L: the socket the coroutine yielded. In its place comes what the call returns: the
 * socket, the first value of the acknowledgement or of the event, nil where none came; a socket
 * that was closed is freed. Call it protected.
 */
void user_socket_push_result(
    lua_State *L, enum user_socket_kind kind, bool came, struct slice json);

#endif
