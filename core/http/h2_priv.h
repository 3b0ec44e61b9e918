/*
 * Between the files of HTTP/2: h2.c (life of a session), h2_recv.c and h2_send.c (what nghttp2
 * calls for frames in and out), h2_head.c (header list of a request), h2_respond.c (that of an
 * answer) and h2_stream.c.
 */
#ifndef PLIMSOLL_HTTP_H2_PRIV_H
#define PLIMSOLL_HTTP_H2_PRIV_H

#include <nghttp2/nghttp2.h>

#include "core/base/buf.h"
#include "core/http/h2.h"
#include "core/http/h2_budget.h"

enum {
	H2_FRAME_HEAD_BYTES = 9,
	H2_FRAME_BYTES = 16384, /* the longest payload; SETTINGS_MAX_FRAME_SIZE is left as it is */
	H2_FRAME_ROOM = H2_FRAME_HEAD_BYTES + H2_FRAME_BYTES,
	H2_OUT_BYTES = 36864, /* written at once: two full frames; kept if the socket is full */
	H2_LIST_TIMES = 8,    /* a header list this many times max_head ends the connection */
	/* Streams that the client resets, or that we must for its errors (RFC 9113 10.5). */
	H2_RESETS_MOST = 200,
	H2_RESETS_PER_SECOND = 20,
	/* Frames that cost us work and bring nothing, and what brings tokens back. */
	H2_NOISE_MOST = 1000,
	H2_NOISE_PER_SECOND = 100,
	H2_NOISE_PER_REQUEST = 10,
	H2_NOISE_PER_DATA = 4,
	/* A DATA frame that the client's window makes shorter than this is noise. */
	H2_TINY_BYTES = 1024,
};

struct h2_shared {
	nghttp2_session_callbacks *callbacks;
	nghttp2_option *option;
	struct list touched; /* sessions that have something to write or to tell */
	unsigned n_streams;  /* of all sessions */
};

struct h2_stream {
	struct conn conn; /* first: freed by conn_free() */
	struct list node; /* in the session's streams */
	struct list told; /* in its taken list: the offered parts are used up */
	int32_t id;
	uint16_t refuse;	 /* status for a head that is not served; 0: none */
	bool remote_done;	 /* the client's END_STREAM has come */
	bool ended;		 /* our END_STREAM is on its way */
	bool gone;		 /* the session knows: no RST_STREAM for it */
	bool deferred;		 /* nghttp2 waits for nghttp2_session_resume_data() */
	bool body_lost;		 /* bytes came when there was no memory for them */
	uint32_t list_bytes;	 /* of the header list, as RFC 9113 6.5.2 counts */
	struct http_span target; /* :path */
	struct slice *parts;	 /* offered; the request's or its task's */
	unsigned n_parts;
	struct buf in; /* of the body, [in_at, len) not yet read; its cap counts in body_memory */
	size_t in_at;
};

struct h2 {
	struct conn *conn; /* with the socket */
	struct http_server *server;
	nghttp2_session *session;
	struct list node; /* in the server's touched */
	struct list streams, taken;
	unsigned n_streams;
	int32_t last_id;	   /* of the newest stream */
	struct h2_stream *heading; /* whose header block is not complete */
	struct h2_budget resets, noise;
	int64_t head_due_us, idle_due_us, write_due_us,
	    drain_due_us; /* see next_due_us() in h2.c */
	struct buf rest;  /* what the socket did not take; freed when it has */
	char *out;	  /* while filled: the server's scratch */
	size_t out_len;
	bool out_full;
	bool is_cut; /* GOAWAY with an error is on its way: nothing more is read */
	bool in_nghttp2;
	bool drain_told;	 /* the first GOAWAY of a drain is sent */
	bool drained;		 /* the second, too */
	enum http_close_why end; /* of the connection, when the session has nothing more to do */
};

/* ---- h2.c ---- */

/* Has h2_round() look at the session. */
void h2_touch(struct h2 *h);

/* When a connection that has no stream from now on is over. */
int64_t h2_idle_due_us(const struct h2 *h);

/* Ends the connection for a client's fault, after a GOAWAY with that error. */
void h2_cut(struct h2 *h, uint32_t error, enum http_h2_cut why);

/* A GOAWAY has been written. */
void h2_goaway_sent(struct h2 *h, uint32_t error);

/* The client has answered the ping of a drain. */
void h2_drain_on(struct h2 *h);

/* One token for a nuisance; false: the session has been cut for it. */
bool h2_take_noise(struct h2 *h);
bool h2_take_reset(struct h2 *h);

/* ---- h2_recv.c, h2_send.c ---- */

void h2_recv_callbacks(nghttp2_session_callbacks *callbacks);
void h2_send_callbacks(nghttp2_session_callbacks *callbacks);

/*
 * Resets a stream that is answered and whose client goes on sending (RFC 9113 8.1), if more than
 * HTTP_DISCARD_BYTES have come that nobody will read. Up to that they are read over, as in
 * HTTP/1.1: some clients take even this reset, with NO_ERROR, for a failure.
 */
void h2_stop_body(struct h2 *h, int32_t id);

/* Takes what the client has sent. */
void h2_feed(struct h2 *h, const char *bytes, size_t len);

/* Writes what there is to write. False: the connection has been closed. */
bool h2_flush(struct h2 *h);

/* Where DATA frames come from: what the stream offers. */
ssize_t h2_on_data_wanted(nghttp2_session *session, int32_t id, uint8_t *buf, size_t length,
    uint32_t *flags, nghttp2_data_source *source, void *arg);

/* ---- h2_stream.c ---- */

/* A stream with an empty request, or NULL without memory. */
struct h2_stream *h2_stream_new(struct h2 *h, int32_t id);
struct h2_stream *h2_stream_find(struct h2 *h, int32_t id);

/* Bytes of the body have come; all of it has. */
void h2_stream_data(struct h2_stream *st, struct slice bytes);
void h2_stream_end(struct h2_stream *st);

static inline struct h2_stream *h2_stream_of(struct conn *c)
{
	return (struct h2_stream *)c;
}

/* ---- h2_head.c ---- */

/* Takes a field of the header list; what is wrong with it is kept in st->refuse. */
void h2_head_field(struct h2_stream *st, struct slice name, struct slice value);

/* The header list is complete: 0, or the status to refuse it with. */
uint16_t h2_head_finish(struct h2_stream *st);

#endif
