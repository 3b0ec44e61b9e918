/*
 * One request from the first byte of its head to the last byte of its answer. Objects are recycled;
 * the first HTTP_FIRST_BYTES of a head need no allocation.
 */
#ifndef PLIMSOLL_HTTP_REQUEST_H
#define PLIMSOLL_HTTP_REQUEST_H

#include "core/base/buf.h"
#include "core/ev/task.h"
#include "core/http/chunked.h"
#include "core/http/conn.h"
#include "core/http/parse.h"

enum {
	HTTP_FIRST_BYTES = 4096,
	HTTP_OUT_HEADERS = 32,	    /* response headers a handler may add */
	HTTP_CHUNK_WINDOW = 16384,  /* raw bytes of a chunked body read at once */
	HTTP_DISCARD_BYTES = 65536, /* unread body that is read over to keep a connection */
};

enum stream_state {
	STREAM_NONE,
	STREAM_LENGTH, /* stream_left bytes to come */
	STREAM_CHUNKED,
	STREAM_TO_CLOSE, /* ends with the connection (HTTP/1.0) or the stream (HTTP/2) */
	STREAM_DROP,	 /* HEAD, 204, 304: nothing is sent */
	STREAM_ENDED,
};

struct http_req {
	struct list node; /* in a class queue or the free list */
	struct http_server *server;
	struct conn *conn;
	struct task *task; /* while the handler runs in one */
	op_fn *handle;	   /* the row's, or that of an answer of the edge */
	struct http_op_cells *cells;
	struct grace_ask ask;	       /* valid from the first question of admission on */
	int64_t arrived_us, queued_us; /* the head was complete; last entry into a queue */

	enum err early;		   /* answered with this instead of being handled */
	unsigned char refused_why; /* enum http_refused_why, if refused */
	bool is_inline;		   /* the handler runs on the loop */
	uint32_t line_us;	   /* what it is thought to take of the loop, while it is queued */
	uint8_t line_rank;	   /* and as what */
	bool is_queued;		   /* in a class queue */
	bool admitted;		   /* not to be asked about again */
	bool looked;		   /* asked about when its head came */
	bool running;		   /* somebody is answering it: it must not be freed */
	bool held;	 /* its handler has returned, the answer comes later; see hold.h */
	bool handled;	 /* the answer is complete, if not yet written */
	bool refused;	 /* answered by http_reply_busy() */
	bool must_close; /* no further request on this connection */
	bool replied;
	bool keep;	  /* the answer said that the connection goes on */
	bool head_failed; /* a header cannot be sent: the answer becomes 500 */
	bool accounted;	  /* counted and logged */

	bool continue_due;		      /* the client waits for 100 */
	bool body_done;			      /* nothing of this request is left to read */
	bool body_slow;			      /* min_body_rate was not kept */
	bool body_counted;		      /* body_cap counts in the server's body_memory */
	bool reading, writing;		      /* the task waits for the socket */
	uint64_t body_left;		      /* of Content-Length */
	uint64_t body_bytes;		      /* decoded so far */
	int64_t body_wait_us, body_waited_us; /* when the present wait began; sum of the earlier */
	struct http_chunked chunked;
	struct buf body_buf;	 /* a body that did not come with its head, or goes out later */
	void (*gone)(void *arg); /* of the one who holds it */
	void *gone_arg;
	struct slice body;

	int status;
	enum stream_state stream;
	uint64_t stream_left;
	uint64_t sent_bytes;
	struct slice out[2]; /* what of a whole answer's head and body is not written yet */
	char retry_after[12];
	unsigned n_out_headers;

	struct arena arena;
	struct op_call call;
	struct slice client; /* text of the client's address; ptr NULL until asked for */
	char client_text[HTTP_ADDRESS_TEXT];
	struct http_match match;
	struct http_head head;
	struct http_header out_headers[HTTP_OUT_HEADERS];

	char *buf;			   /* first, or owned memory */
	uint32_t buf_at, buf_len, buf_cap; /* [at, len): not yet used */
	char first[HTTP_FIRST_BYTES];
};

/* A request object with an empty buffer, or NULL without memory. */
struct http_req *request_take(struct http_server *s, struct conn *c);

/* Ends the request: frees its memory, recycles the object. */
void request_give(struct http_req *r);

/*
 * Makes the object ready for the next request of the connection, whose first bytes may be in the
 * buffer already.
 */
void request_next(struct http_req *r);

/* Room for cap bytes in the buffer; false without memory. The head's base follows. */
bool request_grow(struct http_req *r, uint32_t cap);

#endif
