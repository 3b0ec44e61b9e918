/*
 * Channels. Reading: one buffer per channel, from which frames are decoded in place; the remainder
 * of an incomplete one moves to the front. Writing: frames are appended to one buffer; a prepare
 * handle, which libuv runs after callbacks, hooks and tasks and before it polls, sends all of it
 * with one send(). Only when the socket is full does the channel ask to hear that it is writable.
 *
 * The peer's death shows on the reading side, after its last frames: a failing send() only stops
 * further sending, so that replies which it had finished still count.
 */
#include "core/rpc/channel.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/check.h"

enum {
	READ_BYTES = 64 * 1024,	 /* free space offered to one recv() */
	READS_PER_ROUND = 8,	 /* then other channels get their turn */
	KEEP_BYTES = 256 * 1024, /* larger buffers are given back when empty */
};

struct rpc_channel {
	struct rpc_channel_setup setup;
	uv_poll_t poll;
	uv_prepare_t flush; /* active while something waits to leave */
	unsigned open_handles;
	int fd;	       /* -1 once closed */
	bool in_gone;  /* end of stream seen, ops->gone has been called */
	bool out_gone; /* the peer takes nothing any more */
	bool out_full; /* waiting for the socket to become writable */
	struct buf in, out;
	size_t out_at; /* bytes of out that have left */
	uint64_t queued, sent, received, sends;
};

static void on_handle_closed(uv_handle_t *handle)
{
	struct rpc_channel *c = handle->data;

	if (--c->open_handles == 0) {
		buf_free(&c->in);
		buf_free(&c->out);
		free(c);
	}
}

void rpc_channel_close(struct rpc_channel **cp)
{
	struct rpc_channel *c = *cp;

	*cp = NULL;
	if (c == NULL) {
		return;
	}
	uv_close((uv_handle_t *)&c->poll, on_handle_closed);
	uv_close((uv_handle_t *)&c->flush, on_handle_closed);
	close(c->fd);
	c->fd = -1;
}

static void give_back(struct buf *b)
{
	buf_clear(b);
	if (b->cap > KEEP_BYTES) {
		buf_free(b);
	}
}

static void on_ready(uv_poll_t *poll, int status, int events);

static void watch(struct rpc_channel *c)
{
	const int events = c->out_full ? UV_READABLE | UV_WRITABLE : UV_READABLE;

	CHECK(uv_poll_start(&c->poll, events, on_ready) == 0);
}

/*
 * Decodes and delivers all complete frames. False when the owner closed the channel meanwhile.
 * *ret_need is how many bytes the buffer must hold for the next frame.
 */
static bool deliver(struct rpc_channel *c, size_t *ret_need)
{
	size_t at = 0, bytes = 0;

	for (;;) {
		struct slice rest = slice_sub(buf_slice(&c->in), at, c->in.len);
		struct rpc_frame f;
		enum err e = rpc_frame_decode(c->setup.reg, c->setup.receives, rest, &f, &bytes);
		if (e == ERR_AGAIN) {
			break;
		}
		const bool peer_sent_a_frame = e == ERR_OK;
		CHECK(peer_sent_a_frame);
		at += bytes;
		c->setup.ops->frame(c->setup.arg, &f);
		if (c->fd < 0) {
			return false;
		}
	}
	if (at == c->in.len) {
		give_back(&c->in);
	} else if (at > 0) {
		buf_consume(&c->in, at);
	}
	*ret_need = bytes;
	return true;
}

/*
 * Errors after which the socket is as it was. A channel between two processes that live is never
 * given up for less than its end, because nobody would make another.
 */
static bool may_pass(int error)
{
	return error == EAGAIN || error == EINTR || error == ENOMEM || error == ENOBUFS;
}

/* One recv() and what came with it. False when there is nothing more to read now. */
static bool read_piece(struct rpc_channel *c, size_t *need)
{
	size_t missing = *need > c->in.len ? *need - c->in.len : 0;
	size_t want = missing > READ_BYTES ? missing : READ_BYTES;
	char *room = buf_room(&c->in, want);
	if (room == NULL) {
		c->in.failed = false; /* no memory just now: the socket stays readable */
		return false;
	}
	ssize_t n = recv(c->fd, room, want, MSG_DONTWAIT);

	if (n < 0 && may_pass(errno)) {
		return false;
	}
	if (n <= 0) {
		c->in_gone = true;
		uv_poll_stop(&c->poll);
		uv_prepare_stop(&c->flush);
		c->setup.ops->gone(c->setup.arg);
		return false;
	}
	buf_grew(&c->in, (size_t)n);
	c->received += (uint64_t)n;
	return deliver(c, need) && (size_t)n == want;
}

void rpc_channel_read(struct rpc_channel *c)
{
	size_t need = 0;

	for (int i = 0; i < READS_PER_ROUND && !c->in_gone && read_piece(c, &need); i++) {
	}
}

bool rpc_channel_flush(struct rpc_channel *c)
{
	while (c->out_at < c->out.len && !c->out_gone) {
		ssize_t n = send(c->fd, c->out.data + c->out_at, c->out.len - c->out_at,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
		c->sends++;
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0 && may_pass(errno)) {
			break; /* and once it is writable, again */
		}
		if (n < 0) {
			c->out_gone = true;
			break;
		}
		c->out_at += (size_t)n;
		c->sent += (uint64_t)n;
	}
	if (c->out_at == c->out.len || c->out_gone) {
		c->out_at = 0;
		give_back(&c->out);
	}
	const bool full = c->out.len > 0;
	if (full != c->out_full && !c->in_gone) {
		c->out_full = full;
		watch(c);
	}
	return !full;
}

static void on_prepare(uv_prepare_t *prepare)
{
	rpc_channel_flush(prepare->data);
	uv_prepare_stop(prepare);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
	struct rpc_channel *c = poll->data;

	/* An error of the descriptor shows in recv(). */
	if (status < 0 || (events & UV_READABLE) != 0) {
		rpc_channel_read(c);
	}
	if (c->fd >= 0 && !c->in_gone && (events & UV_WRITABLE) != 0) {
		rpc_channel_flush(c);
	}
}

enum err rpc_channel_send(struct rpc_channel *c, const struct rpc_frame *f)
{
	if (c->out_gone || c->in_gone) {
		c->queued += rpc_frame_bytes(f); /* it is lost, and never counts as sent */
		return ERR_OK;
	}
	/* What has left goes before the buffer grows; the halves keep this linear. */
	if (c->out_at > 0 && c->out_at >= c->out.len - c->out_at) {
		buf_consume(&c->out, c->out_at);
		c->out_at = 0;
	}
	rpc_frame_encode(&c->out, f);
	if (c->out.failed) {
		c->out.failed = false;
		return ERR_MEMORY;
	}
	c->queued += rpc_frame_bytes(f);
	if (!c->out_full) {
		uv_prepare_start(&c->flush, on_prepare);
	}
	return ERR_OK;
}

static enum err start_handles(struct rpc_channel *c)
{
	uv_loop_t *uv = loop_uv(c->setup.loop);

	/* Refuses without leaving a trace what cannot be polled; makes the socket non-blocking. */
	if (uv_poll_init(uv, &c->poll, c->fd) != 0) {
		return ERR_SYSTEM;
	}
	CHECK(uv_prepare_init(uv, &c->flush) == 0);
	c->flush.data = c;
	c->poll.data = c;
	uv_unref((uv_handle_t *)&c->flush);
	c->open_handles = 2;
	watch(c);
	return ERR_OK;
}

enum err rpc_channel_open(const struct rpc_channel_setup *setup, int fd, struct rpc_channel **ret)
{
	struct rpc_channel *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		close(fd);
		return ERR_MEMORY;
	}
	c->setup = *setup;
	c->fd = fd;
	c->in = buf_new(rpc_frame_max_bytes(setup->reg, setup->receives) + READ_BYTES);
	c->out = buf_new(setup->out_max);
	enum err e = start_handles(c);
	if (e != ERR_OK) {
		free(c);
		close(fd);
		return e;
	}
	*ret = c;
	return ERR_OK;
}

uint64_t rpc_channel_bytes_queued(const struct rpc_channel *c)
{
	return c->queued;
}

uint64_t rpc_channel_bytes_sent(const struct rpc_channel *c)
{
	return c->sent;
}

uint64_t rpc_channel_bytes_received(const struct rpc_channel *c)
{
	return c->received;
}

uint64_t rpc_channel_sends(const struct rpc_channel *c)
{
	return c->sends;
}
