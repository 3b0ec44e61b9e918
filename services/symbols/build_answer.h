/*
 * Answers about a build: its ELF files, sections and sources, to debuggers and to clients of symsrv
 * that ask by build id.
 */
#ifndef PLIMSOLL_SYMBOLS_BUILD_ANSWER_H
#define PLIMSOLL_SYMBOLS_BUILD_ANSWER_H

#include "services/symbols/blob_answer.h"
#include "services/symbols/symbols_priv.h"

/* A build never changes; those that are tried out go soon. */
#define BUILD_CACHE	SLICE("public, max-age=604800, no-transform")
#define BUILD_CACHE_TRY SLICE("public, max-age=300, no-transform")

/* ---- requests ---- */

/* Whether the row is one of those below /try/. */
bool build_wants_try(const struct op_call *c);

/* A build id in lower case. ERR_SYNTAX: it is none. */
NODISCARD enum err build_take_id(struct op_call *c, struct slice text, struct slice *ret);
enum err build_refuse_id(struct op_call *c);

/* ---- what is not there ---- */

/* One thing that was asked for, and when. */
struct build_wish {
	struct op_call *c;
	struct hot_key key;
};

/* To be taken before it is looked for. */
struct build_wish build_wish_of(
    struct op_call *c, struct slice build_id, struct slice what, struct slice more, bool with_try);
bool build_is_known_miss(const struct build_wish *w);

/* Answers 404 and remembers it until something is uploaded, for some seconds. */
enum err build_answer_miss(const struct build_wish *w);
/* Answers 404 to what can never be there. */
enum err build_answer_never(struct op_call *c);

/* ---- what is ---- */

/*
 * Answers with an ELF file, unpacked if it was uploaded in gzip form and the client does not accept
 * that, or with a source.
 */
NODISCARD enum err build_answer_file(struct op_call *c, const struct symbol_file *f);

/* The same with what was found for a wish, which is remembered. */
NODISCARD enum err build_answer_found(const struct build_wish *w, const struct symbol_file *f);

/* The same with what is remembered. False: nothing is. */
bool build_answer_hot(const struct build_wish *w, enum err *ret);

/*
 * Answers with a content and what clients of debuginfod look at: its size unpacked, its name (as it
 * may stand in a header; NULL: ERR_MEMORY), its time; or 406 if that is more than the client wants.
 */
NODISCARD enum err build_answer_content(struct op_call *c, const struct blob_store *blobs,
    const struct blob_content *content, const char *name, int64_t modified_ms);

/* The base name of a file, percent-encoded; NULL without memory. */
const char *build_file_name(struct op_call *c, const struct symbol_file *f);

#endif
