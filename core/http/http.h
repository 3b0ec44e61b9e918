/*
 * HTTP as handlers see it: a request that has been parsed, routed, admitted and (unless it streams)
 * read; and the ways to answer it. The server behind it is in server.h, the parser in parse.h.
 * Everything a request allocates lies in its arena and dies with it.
 */
#ifndef PLIMSOLL_HTTP_HTTP_H
#define PLIMSOLL_HTTP_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/slice.h"
#include "core/grace/cost.h"

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_PUT,
	HTTP_DELETE,
	HTTP_PATCH,
	HTTP_OPTIONS,
	HTTP_OTHER_METHOD
};

struct http_req;
struct op_call;
struct grace_load;

/*
 * Answers one request: http_reply() or the stream functions, then ERR_OK. Returning an error
 * without having replied lets the site's error function (or the default) answer by err_http_status.
 * Runs in a task and may wait, unless the row says OP_INLINE.
 */
typedef enum err op_fn(struct op_call *c);

enum op_flags {
	OP_INLINE = 1,	    /* never waits, but for a COST_READ's database: runs without a task */
	OP_STREAM = 2,	    /* reads its body itself with http_body_read(); starts at the head */
	OP_ANY_SCHEME = 8,  /* answered without TLS even where http is sent to https */
	OP_PUBLIC_CORS = 4, /* Access-Control-Allow-Origin: * and OPTIONS answered by the edge */
	/*
	 * The first request of work that takes several, and those of the later ones that write: see
	 * struct grace_ask. A first one that is ranked SHED_LAST goes on with work already begun.
	 */
	OP_BEGINS = 16,
	OP_STEP = 32,
	OP_MAILS = 64, /* causes a mail that somebody waits for */
};

/* One externally visible operation (DESIGN.md 6). */
struct op {
	const char *name;	 /* "identity.verify": key of metrics, logs, tests, docs */
	enum http_method method; /* HTTP_GET answers HEAD too */
	const char *path;	 /* "/x/{id}" or, last only, "{rest*}": see router.h */
	enum cost_class cost;
	enum shed_rank rank;
	uint32_t deadline_ms; /* from the head's arrival to the answer */
	uint32_t max_body;    /* bytes; 0: a body is refused with 413 */
	uint32_t flags;	      /* enum op_flags */
	op_fn *handle;
};

struct http_header {
	struct slice name, value;
};

/* What one service serves on a listener. */
struct http_site {
	const char *host; /* lower case Host without port, or NULL: any */
	const struct op *ops;
	unsigned n_ops;
	op_fn *not_found;    /* unknown path; NULL: 404 text */
	op_fn *wrong_method; /* path known, method not; NULL: 405 with Allow */
	/* Answers a failed op; NULL: text/plain "<phrase>: <err_text>". */
	void (*error)(struct op_call *c, enum err e);
	/* Called before every reply is sent, e.g. to add the site's header set; may be NULL. */
	void (*decorate)(struct op_call *c);
	/*
	 * The rank that a request is admitted with, by its head alone: a later one for what goes on
	 * with work begun before. SHED_RANKS: it is refused. Not asked about SHED_NEVER. NULL: the
	 * row's.
	 */
	enum shed_rank (*rank)(struct op_call *c, const struct grace_load *load);
	/*
	 * A number that names who asks, by the head alone: of an account, or of who can be told
	 * from others by what he has proved or says. 0: not known, his address stands for him.
	 * NULL: that of all.
	 */
	uint64_t (*user)(struct op_call *c);
	/*
	 * By the row's rank: the rank that the configuration gives it, and the number of the
	 * reserve it draws on. 0: the row's, none.
	 */
	unsigned char order[SHED_RANKS], reserve[SHED_RANKS];
	/* Answers what was refused for load; NULL, or no answer: the prebuilt 503. */
	void (*busy)(struct op_call *c);
	void *env;   /* struct svc_env of the process */
	void *state; /* the service's own */
};

/* One request in its handler. */
struct op_call {
	struct http_req *req;
	const struct op *op; /* never NULL; a built-in row for not_found and the like */
	const struct http_site *site;
	void *env, *state;   /* copied from the site */
	struct arena *arena; /* of the request */
	int64_t deadline_us; /* monotonic */
	uint64_t trace;
	struct err_note note;
};

/* ---- the request; slices are valid until the reply is complete ---- */

enum http_method http_method(const struct http_req *r);
struct slice http_method_text(const struct http_req *r);
struct slice http_path(const struct http_req *r);   /* percent-decoded, always starts with '/' */
struct slice http_query(const struct http_req *r);  /* raw, without '?' */
struct slice http_target(const struct http_req *r); /* path and query exactly as sent, no host */
struct slice http_host(const struct http_req *r);   /* with port as sent */

/* First field of that name (any case), or a slice with ptr NULL if there is none. */
struct slice http_header_get(const struct http_req *r, struct slice name);

/* Route parameter of the row's path; empty if there is none of that name. */
struct slice http_param(const struct http_req *r, const char *name);

/* Cookie of that name as sent, or ptr NULL. */
struct slice http_cookie(const struct http_req *r, struct slice name);

/* The token of "Authorization: Bearer TOKEN" (RFC 6750, 2.1), or empty. */
struct slice http_bearer(const struct http_req *r);

/*
 * Decoded value of a query or form parameter (application/x-www-form-urlencoded); false if there is
 * none of that name. ERR_MEMORY cannot happen below the body limit. Text is allocated in the arena.
 */
bool http_query_get(const struct http_req *r, struct slice name, struct slice *ret);
bool http_form_get(struct arena *arena, struct slice encoded, struct slice name, struct slice *ret);
/* Walks the pairs of a form or query: false at the end. Undecodable pairs are skipped. */
bool http_form_next(
    struct arena *arena, struct slice *rest, struct slice *ret_name, struct slice *ret_value);

/*
 * Address text of the client: of the connection or its PROXY header, or X-Forwarded-For from a
 * trusted proxy.
 */
struct slice http_client_address(const struct http_req *r);
/* Over TLS, or a trusted proxy says so. */
bool http_is_https(const struct http_req *r);

/* The whole body of a row without OP_STREAM. */
struct slice http_body(const struct http_req *r);

/*
 * Reads the next bytes of an OP_STREAM body from the running task: *ret_len > 0 bytes into out, or
 * ERR_END at the end. ERR_LIMIT: longer than max_body; ERR_DEADLINE; ERR_CANCELLED: client gone.
 */
NODISCARD enum err http_body_read(struct http_req *r, char *out, size_t out_size, size_t *ret_len);

/* ---- the answer ---- */

/* Adds a response header before the reply; name and value must live as long as the request. */
void http_add_header(struct http_req *r, struct slice name, struct slice value);

/* The same for a list, whose end has no name. */
struct http_fixed_header {
	const char *name, *value;
};
void http_add_headers(struct http_req *r, const struct http_fixed_header *list);

/*
 * Answers with a whole body, which must live as long as the request (arena, static).
 * Content-Length, Date and connection headers are added; HEAD sends no body. content_type empty: no
 * Content-Type.
 */
void http_reply(struct http_req *r, int status, struct slice content_type, struct slice body);

/* The same with a body that is only lent: what the socket does not take at once is copied. */
void http_reply_lent(struct http_req *r, int status, struct slice content_type, struct slice body);

/* "<Reason phrase>: <detail>" as text/plain; detail is copied. */
void http_reply_text(struct http_req *r, int status, const char *detail);

/*
 * For a handler that refuses for load in words of its own: the answer that follows counts as a
 * refusal, not as an error.
 */
void http_mark_refused(struct http_req *r);

/*
 * Would a request of that rank, answered from memory, be let in now? For a handler of a row without
 * rank of which some requests begin something.
 */
bool http_admits(struct http_req *r, enum shed_rank rank);

/* A prebuilt 503 with Retry-After. */
void http_reply_busy(struct http_req *r, unsigned retry_after_s);

/* Streams a body from the running task. length -1: chunked. Writes wait for the client. */
NODISCARD enum err http_stream_begin(
    struct http_req *r, int status, struct slice content_type, int64_t length);
NODISCARD enum err http_stream_write(struct http_req *r, struct slice bytes);
NODISCARD enum err http_stream_end(struct http_req *r);

/*
 * Sends len bytes of a file from offset on, behind http_stream_begin() with a length; without TLS
 * and HTTP/2 the kernel does it (sendfile). The file must not get shorter meanwhile: ERR_IO.
 */
NODISCARD enum err http_stream_file(struct http_req *r, int fd, uint64_t offset, uint64_t len);

/*
 * Answers with these bytes of a file and nothing else, from the running task: begins, sends and
 * ends. The head goes out with the first bytes, in one segment.
 */
NODISCARD enum err http_answer_file(struct http_req *r, int status, struct slice content_type,
    int fd, uint64_t offset, uint64_t len);

/*
 * Leaves the request, whose body nobody has read, to another process that serves the same listener:
 * it gets the whole connection. The handler returns ERR_OK next. ERR_NOT_FOUND: no such process;
 * ERR_EXISTS: the request has been handed over once and stays here; ERR_TOO_BUSY: not now;
 * ERR_UNSUPPORTED: it came over HTTP/2, whose state no other process can have.
 */
NODISCARD enum err http_hand_over(struct http_req *r, unsigned instance);

/* No further request on this connection: the answer that follows says so. */
void http_close_after(struct http_req *r);

bool http_has_replied(const struct http_req *r);
int http_replied_status(const struct http_req *r);

/* "Bad Request" and so on; "Unknown" for others. */
const char *http_status_phrase(int status);

#endif
