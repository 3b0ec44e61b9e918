/*
 * What an activity of a model can do: requests by browsers with cookies, thinking, checks. Requests
 * and thoughts end the current slice of the coroutine; whoever resumes it is behind the hooks.
 */
#ifndef PLIMSOLL_LAB_USER_API_H
#define PLIMSOLL_LAB_USER_API_H

#include <stdbool.h>
#include <stdint.h>

#include "lab/answer.h"
#include "lab/script.h"

enum {
	STEP_NAME_BYTES = 48,
	EXPECT_ANY = 0,
};

/* A flag in the number of a browser that is gone behind its activity. */
#define BROWSER_OF_NOBODY 0x80000000u

struct user_request {
	struct slice text;  /* head and body, without "Connection"; copy it */
	size_t head_bytes;  /* of text, with the empty line */
	struct slice step;  /* name for the figures */
	int expect;	    /* status that is right, or EXPECT_ANY */
	bool sees_refusals; /* 503 is handed to the model, and not tried again by itself */
	unsigned browser;   /* whose connection it may use */
};

struct user_socket;
struct user_socket_ask;
struct socket_options;

struct user_hooks {
	/* The coroutine of run has asked for this and has yielded its browser. */
	void (*request)(void *run, const struct user_request *request);
	void (*think)(void *run, double seconds);
	/* Opens a session into u; and the coroutine waits for something of one, lab/user_socket.h.
	 */
	enum err (*open_socket)(void *run, struct user_socket *u, const struct socket_options *o,
	    uint64_t seed, struct err_note *note);
	void (*socket)(void *run, const struct user_socket_ask *ask);
	struct slice host; /* for Host */
	bool secure;	   /* https */
};

/* Adds user methods, browser(), think(), check() to a script. */
void user_api_add(struct script *s);

/* What the step of a request for that path is called: the path's last part, without the query. */
struct slice user_step_of_path(struct slice path);

/* Pushes the user of that number, made at its first call. May raise a Lua error. */
void user_api_push_user(lua_State *L, uint64_t number);

/*
 * For the coroutine L that waits for an answer: its browser takes the cookies, and in its place on
 * L is the table the request returns. Raises Lua errors of memory: call it protected.
 */
void user_api_push_answer(lua_State *L, const struct answer *a);

#endif
