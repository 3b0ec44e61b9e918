/*
 * Reading multipart/form-data (RFC 7578) as it comes, in pieces cut anywhere: parts are told of
 * when their headers are complete, their bytes as they arrive. Memory is one piece and the headers
 * of one part.
 */
#ifndef PLIMSOLL_SYMBOLS_MULTIPART_H
#define PLIMSOLL_SYMBOLS_MULTIPART_H

#include <stdbool.h>

#include "core/base/buf.h"
#include "core/base/slice.h"

enum {
	MULTIPART_BOUNDARY_MAX = 70,	/* RFC 2046 5.1.1 */
	MULTIPART_HEAD_MAX = 16 * 1024, /* bytes of a part's headers */
	MULTIPART_FEED_MAX = 64 * 1024, /* bytes of a piece */
	MULTIPART_NAME_MAX = 1024,	/* of a field, of a file */
	MULTIPART_PARTS_MAX = 1000,
};

/* What is told; each returns ERR_OK or ends the reading with its error. May wait. */
struct multipart_events {
	/* name is empty if there is none; has_file: a file name is given, empty perhaps. */
	enum err (*begin)(void *arg, struct slice name, bool has_file, struct slice file);
	enum err (*data)(void *arg, struct slice bytes);
	enum err (*end)(void *arg);
	void *arg;
};

enum multipart_state {
	MULTIPART_PREAMBLE,
	MULTIPART_DELIMITER, /* behind a boundary */
	MULTIPART_HEAD,
	MULTIPART_BODY,
	MULTIPART_OVER
};

struct multipart {
	struct multipart_events events;
	enum multipart_state state;
	struct buf window; /* what is not used up yet */
	unsigned parts;
	char delimiter[MULTIPART_BOUNDARY_MAX + 5]; /* "\r\n--BOUNDARY" */
	size_t delimiter_len;
};

/*
 * From the value of Content-Type. ERR_UNSUPPORTED: it is another type; ERR_SYNTAX: no good
 * boundary. To be ended with multipart_fini() after ERR_OK.
 */
NODISCARD enum err multipart_init(
    struct multipart *m, struct slice content_type, const struct multipart_events *events);
void multipart_fini(struct multipart *m);

/* Takes the next bytes, at most MULTIPART_FEED_MAX. ERR_SYNTAX, ERR_LIMIT, what an event gave. */
NODISCARD enum err multipart_feed(struct multipart *m, struct slice bytes);

/* The body has ended. ERR_SYNTAX: in the middle of it. */
NODISCARD enum err multipart_finish(const struct multipart *m);

#endif
