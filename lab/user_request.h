/*
 * Requests of browsers, as functions that a model calls. Private to user_*.c.
 */
#ifndef PLIMSOLL_LAB_USER_REQUEST_H
#define PLIMSOLL_LAB_USER_REQUEST_H

#include "lab/script.h"

/* The script whose activity runs; a Lua error if none does. what: for its text. */
struct script *user_running(lua_State *L, const char *what);

/*
 * On the stack: browser, path, [body], [options]; body and options are their places, body 0: there
 * is none. Hands the request to the hooks and yields.
 */
int user_ask(lua_State *L, const char *method, int body, int options);

/* Appends the cookies of the browser at 1: "a=b; c=d". */
void user_put_cookie_pairs(lua_State *L, struct buf *out);

#endif
