/*
 * Methods of answers in models; user_api.c registers them. Making one is user_api_push_answer().
 */
#ifndef PLIMSOLL_LAB_USER_ANSWER_H
#define PLIMSOLL_LAB_USER_ANSWER_H

#include <lua.h>

/* answer:json(): what its body says. */
int user_answer_json(lua_State *L);

/*
 * answer:header(name): its value, or nil. Looked for in the text of the head when somebody asks:
 * a table of all of them would cost more than the rest of the answer.
 */
int user_answer_header(lua_State *L);

#endif
