/*
 * A channel: frames over one non-blocking Unix stream socket. Reads come in large pieces; what is
 * sent during a round of the loop leaves in one system call before the loop polls again. Both
 * buffers are bounded. Private to core/rpc: pools and servers are made of channels.
 */
#ifndef PLIMSOLL_RPC_CHANNEL_H
#define PLIMSOLL_RPC_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/ev/loop.h"
#include "core/rpc/frame.h"

struct rpc_channel;

/* Both are called from the loop and may send on the channel. */
struct rpc_channel_ops {
	/* f and its payload are valid during the call. */
	void (*frame)(void *arg, const struct rpc_frame *f);
	/*
	 * The peer is gone; every frame that it managed to send has been delivered. The owner calls
	 * rpc_channel_close(), here or later; nothing else happens on the channel.
	 */
	void (*gone)(void *arg);
};

struct rpc_channel_setup {
	struct loop *loop;
	const struct rpc_registry *reg;
	unsigned receives;		   /* mask of RPC_FRAME_BIT: what the peer may send */
	size_t out_max;			   /* most bytes waiting to leave */
	const struct rpc_channel_ops *ops; /* kept */
	void *arg;			   /* for ops */
};

/* Takes fd, also when it fails (ERR_SYSTEM, ERR_MEMORY). */
NODISCARD enum err rpc_channel_open(
    const struct rpc_channel_setup *setup, int fd, struct rpc_channel **ret);

/* Closes without calling ops; unsent frames are dropped. Sets *c to NULL; NULL inside is allowed.
 */
void rpc_channel_close(struct rpc_channel **c);

/* Queues a frame. ERR_MEMORY: out_max reached or no memory; nothing was queued. */
NODISCARD enum err rpc_channel_send(struct rpc_channel *c, const struct rpc_frame *f);

/* Sends what is queued as far as the socket takes it; true when nothing is left. */
bool rpc_channel_flush(struct rpc_channel *c);

/* Delivers the frames that have arrived already; may end in ops->gone. */
void rpc_channel_read(struct rpc_channel *c);

/* Bytes queued, bytes that the kernel has taken, bytes received: all since the channel was opened.
 */
uint64_t rpc_channel_bytes_queued(const struct rpc_channel *c);
uint64_t rpc_channel_bytes_sent(const struct rpc_channel *c);
uint64_t rpc_channel_bytes_received(const struct rpc_channel *c);

/* System calls made to send. */
uint64_t rpc_channel_sends(const struct rpc_channel *c);

#endif
