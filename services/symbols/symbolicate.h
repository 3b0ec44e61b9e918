/*
 * Symbolication as Eliot has it (v4, v5): a request's bytes in, the answer's bytes out. No server
 * and no store in here: indexes come through struct symbolicate_ways.
 */
#ifndef PLIMSOLL_SYMBOLS_SYMBOLICATE_H
#define PLIMSOLL_SYMBOLS_SYMBOLICATE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "services/symbols/sym_index.h"

enum {
	SYMBOLICATE_JOBS_MAX = 10
};

enum symbolicate_version {
	SYMBOLICATE_V4,
	SYMBOLICATE_V5
};

/* What asking for an index brought. */
struct symbolicate_opened {
	struct sym_index *index;
	bool was_at_hand; /* no file had to be opened or built */
	bool was_built;	  /* for this request */
	uint64_t sym_bytes;
};

struct symbolicate_ways {
	/*
	 * The index of a module, valid until close. May wait. ERR_NOT_FOUND: there are no symbols,
	 * or none that are any good; other errors end the request.
	 */
	enum err (*open)(void *arg, struct slice debug_file, struct slice debug_id,
	    struct symbolicate_opened *ret);
	void (*close)(void *arg, struct sym_index *index);
	/* Called every now and then: lets others run. An error ends the request. NULL: not called.
	 */
	enum err (*breathe)(void *arg);
	void *arg;
};

struct symbolicate_limits {
	uint32_t frames, modules; /* of a request */
};

struct symbolicate_call {
	enum symbolicate_version version;
	struct slice body;
	bool wants_debug; /* v5: the "debug" member */
	const struct symbolicate_ways *ways;
	const struct symbolicate_limits *limits;
	struct arena *arena;
};

/* What a request was about, for metrics. */
struct symbolicate_work {
	uint32_t stacks, frames, modules, modules_found;
};

/*
 * Answers: JSON in out, whose maximum is the answer's. ERR_OK: status 200. ERR_INVALID: status 400,
 * out is {"title": ...}. Other errors leave out in no state to be sent: ERR_LIMIT: the answer would
 * be too large; ERR_CORRUPT: an index turned out to be damaged on the way, asking again gets
 * another; ERR_MEMORY: the arena's maximum; what ways returned.
 */
NODISCARD enum err symbolicate(
    const struct symbolicate_call *call, struct buf *out, struct symbolicate_work *ret);

#endif
