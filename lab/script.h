/*
 * A closed-in Lua for models: no files, no system, no C libraries, bounded memory and a bounded
 * number of instructions between two waits. It guards against mistakes in a model (an endless loop,
 * a table that grows for ever), so that they end with a clear line and not with a dead machine.
 * decisions/0046 says why the compiler of LuaJIT is off.
 */
#ifndef PLIMSOLL_LAB_SCRIPT_H
#define PLIMSOLL_LAB_SCRIPT_H

#include <lauxlib.h>
#include <lua.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/slice.h"
#include "lab/chance.h"
#include "lab/piece_pool.h"

enum {
	SCRIPT_FOLDER_BYTES = 512,
	SCRIPT_FILE_BYTES = 1 << 20
};

struct script_limits {
	size_t memory_bytes;
	int64_t instructions; /* from one script_call() or wait to the next */
};

#define SCRIPT_LIMITS_DEFAULT                                                                      \
	((struct script_limits){ .memory_bytes = (size_t)1 << 30, .instructions = 50000000 })

struct user_hooks;

/* What every request uses of the registry of Lua, by number: names would be hashed each time. */
enum script_ref {
	REF_USERS, /* the table of users */
	REF_USER_METHODS,
	REF_BROWSER_METHODS,
	REF_ANSWER_METHODS,
	REF_STATUS, /* names of fields */
	REF_BODY,
	REF_HEAD,
	REF_ID,
	REF_COOKIES,
	REF_PREPARE, /* functions of load_run.c */
	REF_PUSH_ANSWER,
	SCRIPT_REFS
};

struct script {
	lua_State *lua; /* owned */
	struct script_limits limits;
	size_t memory_bytes;	   /* in use */
	size_t collect_from_bytes; /* of it, when garbage is looked for again */
	struct piece_pool pool;	   /* of all that Lua holds */
	int64_t instructions_left;
	struct chance chance;	    /* behind math.random() */
	struct buf scratch;	    /* of the function that runs; Lua errors may jump out of it */
	struct arena scratch_arena; /* likewise */
	struct buf request;	    /* the text of the request that is being made, likewise */
	void *owner;		    /* whoever registered functions of its own; borrowed */
	char folder[SCRIPT_FOLDER_BYTES]; /* of the file that runs; data files lie there */
	/* Of the activity whose coroutine runs, see lab/user_api.h; NULL: none does. */
	const struct user_hooks *hooks;
	void *run;
	unsigned browsers; /* numbered so far */
	int refs[SCRIPT_REFS];
	int64_t pretended_ms; /* of the calendar, while no server is asked; 0: the real time */
};

/* A Lua with the harmless parts of its library and the helpers of doc/MODELS.md. ERR_MEMORY. */
NODISCARD enum err script_open(
    const struct script_limits *limits, uint64_t seed, struct script **ret);
void script_close(struct script **s);

/* Milliseconds of the calendar: the real ones, or the pretended. */
int64_t script_now_ms(const struct script *s);

/* The script that a state or one of its coroutines belongs to. */
struct script *script_of(lua_State *L);

/* Reads a file to out, whose maximum is SCRIPT_FILE_BYTES. ERR_NOT_FOUND, ERR_LIMIT. */
NODISCARD enum err script_read_file(const char *path, struct buf *out, struct err_note *note);

/* Runs Lua text, which came from the file at path. ERR_INVALID; file and line in note. */
NODISCARD enum err script_run_text(
    struct script *s, const char *path, struct slice text, struct err_note *note);

/*
 * Calls the function below n_args values on L; its n_results are then on L. ERR_INVALID with what
 * Lua says, which begins with file and line.
 */
NODISCARD enum err script_call(
    struct script *s, lua_State *L, int n_args, int n_results, struct err_note *note);

/* Keeps the value at the top, which it pops, under that number; and pushes it. */
void script_keep(struct script *s, enum script_ref ref);
static inline void script_push(const struct script *s, lua_State *L, enum script_ref ref)
{
	lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs[ref]);
}

/*
 * Looks for garbage until that moment (of clock_mono_us()), where nothing is due before it, or not
 * at all if it has passed: asked before each wait. A small heap is left to Lua, which may let it
 * double; of one that holds many users, what is not needed any more would be half of the memory.
 * True: there is more to look through.
 */
bool script_collect(struct script *s, int64_t until_us);

/* A new budget of instructions: before a coroutine is resumed. */
void script_refill(struct script *s);

/*
 * Ends the C function that Lua called with an error, which names the line of the model. Everything
 * the function holds must belong to Lua or to the script: it does not return.
 */
_Noreturn void script_fail(lua_State *L, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Arguments of C functions; script_fail() if they are not of the type. Valid while on the stack. */
struct slice script_text(lua_State *L, int at, const char *what);
double script_number(lua_State *L, int at, const char *what);

/*
 * A field of the table at: text or NULL, borrowed while the table holds it; a number, or other
 * where there is none, script_fail() where it is something else.
 */
const char *script_field_text(lua_State *L, int at, const char *name);
double script_field_number(lua_State *L, int at, const char *name, double other);

/* script_fail() if the table at (positive) has a field that is none of names, which end with NULL:
 * a word that is written wrong would say nothing. */
void script_allow_fields(lua_State *L, int at, const char *what, const char *const *names);

/* Appends the value at as JSON. Tables with a value at 1 are arrays. script_fail() on functions. */
void script_put_json(lua_State *L, int at, struct buf *out);

/* Pushes what the JSON text says, nulls left out. ERR_SYNTAX: pushes nothing. */
NODISCARD enum err script_push_json(lua_State *L, struct slice text, struct err_note *note);

/* A metatable of that name in the registry, whose objects have these methods. Rows end with NULL.
 */
void script_add_methods(lua_State *L, const char *name, const luaL_Reg *methods);

/* Adds the helpers of doc/MODELS.md: script_open() does. */
void script_add_helpers(struct script *s);

#endif
