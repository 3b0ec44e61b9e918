/*
 * A request while it is worked on: what symbolicate_*.c share.
 */
#ifndef PLIMSOLL_SYMBOLS_SYMBOLICATE_PRIV_H
#define PLIMSOLL_SYMBOLS_SYMBOLICATE_PRIV_H

#include "services/symbols/symbolicate.h"

enum {
	TITLE_MAX = 200,
	/* Longer integers are no JSON to the server this one is like. */
	SYMBOLICATE_DIGITS_MAX = 4300,
	/* Items or frames between two breaths: microseconds, but a frame may be a slow one. */
	BREATHE_ITEMS = 1024,
	BREATHE_FRAMES = 2,
	BREATHE_MODULES = 8 /* each is looked for in a database */
};

/* What is wrong with a frame or a module, in the order in which it is complained of. */
enum flaw {
	FLAW_NONE,
	FLAW_SHAPE, /* no list of two */
	FLAW_FIRST, /* index; debug_filename */
	FLAW_SECOND /* offset; debug_id */
};

enum offset_kind {
	OFFSET_KNOWN,
	OFFSET_MINUS_ONE,
	OFFSET_LARGE /* beyond 64 bits: offset is the place of its digits in the request's large */
};

struct frame_asked {
	uint64_t offset;
	int32_t module; /* -1: none; INT32_MAX: beyond any */
	uint8_t offset_kind, flaw;
	uint8_t flaw_second; /* the offset is bad; told only if the index is good */
};

struct stack_asked {
	uint32_t first, n; /* frames */
	bool is_list;
};

struct module_asked {
	struct slice file, id;
	uint32_t unique; /* among all modules of the request */
	uint8_t flaw, flaw_second;
};

struct job_asked {
	bool is_object, has_stacks, has_modules;
	bool stacks_are_list, modules_are_list;
	/* "no stacks": also what is empty in other ways, such as null. */
	bool stacks_are_empty;
	uint32_t first_stack, n_stacks, first_module, n_modules;
};

/* One module of the request, however many jobs name it. */
struct module_used {
	struct slice file, id;
	struct sym_index *index; /* NULL: no symbols */
	struct slice code_file;	 /* how frames call it once it is found */
	uint16_t used_by;	 /* bit per job: a frame refers to it */
	uint16_t told_by;	 /* bit per job: stands in found_modules already */
	bool is_asked, was_at_hand, was_built;
	int64_t open_us;
	uint64_t sym_bytes;
	uint32_t stacks; /* that refer to it */
	uint32_t last_stack;
};

struct asked {
	const struct symbolicate_call *call;
	struct job_asked
	    jobs[SYMBOLICATE_JOBS_MAX + 1]; /* the last: a job without a list of them */
	struct job_asked *list;		    /* those that count */
	unsigned n_jobs;
	bool has_list;
	/* Arrays; of all jobs. */
	struct buf frames, stacks, modules, used, large;
	uint32_t *slots; /* hash table of used: place + 1 */
	uint32_t n_slots;
	struct buf text; /* a name at a time */
	unsigned breath;
	int64_t since_us;
	char title[TITLE_MAX]; /* what is wrong, or empty */
};

#define ASKED_ARRAY(name, type)                                                                    \
	static inline type *asked_##name(const struct asked *a, uint32_t i)                        \
	{                                                                                          \
		return (type *)(void *)a->name.data + i;                                           \
	}
ASKED_ARRAY(frames, struct frame_asked)
ASKED_ARRAY(stacks, struct stack_asked)
ASKED_ARRAY(modules, struct module_asked)
ASKED_ARRAY(used, struct module_used)

static inline uint32_t asked_count(const struct buf *array, size_t size)
{
	return (uint32_t)(array->len / size);
}

/* Lets others run once in so many calls. */
NODISCARD enum err asked_breathe(struct asked *a, unsigned every);

/* symbolicate_read.c: the request's bytes. ERR_INVALID: no JSON, or beyond a limit; with title. */
NODISCARD enum err asked_read(struct asked *a);

/* symbolicate_check.c: what the jobs hold. ERR_INVALID with title. */
NODISCARD enum err asked_check(struct asked *a);

/* symbolicate_answer.c: the answer; modules are open. */
NODISCARD enum err asked_answer(struct asked *a, struct buf *out);

/* symbolicate_debug.c: the "debug" member's value. */
struct json_writer;
void asked_debug(struct asked *a, struct json_writer *w);

#endif
