/*
 * Uploads by the protocols of Breakpad's sym_upload (symbols.md 1.9), one symbol file a time. Its
 * requests have no header for a token: the key stands in the query, which is not logged.
 */
#ifndef PLIMSOLL_SYMBOLS_SYM_UPLOAD_H
#define PLIMSOLL_SYMBOLS_SYM_UPLOAD_H

#include "services/symbols/upload.h"

enum {
	SYM_UPLOAD_TEXT_MAX = 300 /* bytes of a name or an id that is sent */
};

/* The token of "?key=", or of the header; *ret_refusal is the text of a 403. */
NODISCARD enum err sym_upload_token(
    struct op_call *c, struct symbols_token *ret, const char **ret_refusal);

/*
 * The key of a file of Breakpad's kind (is_sym) or of another, whose name is that of the debug
 * file. The id is folded in the request's arena. ERR_SYNTAX: names or id that nothing can have.
 */
NODISCARD enum err sym_upload_key(struct op_call *c, struct slice debug_file, struct slice debug_id,
    bool is_sym, struct symbol_key *ret);

/* Stores the draft under the key, as an upload of its own in the log. */
NODISCARD enum err sym_upload_store(struct upload *u, struct slice draft, uint64_t size,
    const struct symbol_key *key, enum upload_outcome *ret);

/* Reads the body into the draft, from its beginning on. */
NODISCARD enum err sym_upload_receive(struct upload *u, struct slice draft);

#endif
