/*
 * What the files of helpers share. Private to the script_*.c files.
 */
#ifndef PLIMSOLL_LAB_SCRIPT_PRIV_H
#define PLIMSOLL_LAB_SCRIPT_PRIV_H

#include "lab/script.h"

/* The script's buffer, emptied; and pushes what is in it, or fails as "what". */
struct buf *script_scratch(lua_State *L);
int script_push_scratch(lua_State *L, const char *what);

/* A table name { encode, decode } among the globals. */
void script_add_pair(lua_State *L, const char *name, lua_CFunction encode, lua_CFunction decode);

/* Each adds the helpers of its file. */
void script_add_json(struct script *s);
void script_add_crypto(struct script *s);
void script_add_data(struct script *s);
void script_add_zip(struct script *s);

#endif
