/*
 * Sending files of symbols to a server by upload v2 (symbols.md 1.4), as its tools do: it is asked
 * which are wanted, and gets each of those in pieces, from where a broken one ended.
 */
#ifndef PLIMSOLL_CMD_SYMBOL_SENDER_H
#define PLIMSOLL_CMD_SYMBOL_SENDER_H

#include "cmd/found_symbols.h"
#include "core/base/slice.h"

enum {
	SYMBOL_SENDER_BATCH = 128 /* files of one question */
};

struct symbol_sender {
	const char *origin; /* of the server, without '/' at its end */
	const char *token;
	bool is_try;
	unsigned tries; /* of one request */
	/* Called before a wait of so many seconds, with why. */
	void (*waits)(void *arg, unsigned seconds, const char *why);
	/* After each piece and each file. */
	void (*goes_on)(void *arg, uint64_t bytes, unsigned files);
	void *arg;
	uint64_t sent_bytes; /* of contents whose files are there now */
	size_t sent, skipped, failed;
};

/*
 * Sends up to SYMBOL_SENDER_BATCH files. What one file's failing is told on standard error and
 * counted; ERR_DENIED, ERR_INVALID, ERR_NOT_FOUND: nothing can be sent there, with the reason.
 */
NODISCARD enum err symbol_sender_send(
    struct symbol_sender *s, struct found_symbol *files, size_t n, struct err_note *note);

#endif
