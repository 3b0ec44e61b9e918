/*
 * See control.h. A packet is one byte of kind and the body. The supervisor must never wait for a
 * role process that hangs, so what does not fit into the socket is kept, with a maximum; a process
 * that lets so much pile up is as good as dead.
 */
#include "core/role/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/check.h"

struct pending {
	struct list node;
	int fds[CONTROL_MAX_FDS];
	unsigned n_fds;
	size_t len;
	char packet[];
};

union fd_space {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int) * CONTROL_MAX_FDS)];
};

static void close_all(const int *fds, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		close(fds[i]);
	}
}

void control_init(struct control *c, int fd)
{
	*c = (struct control){ .fd = fd, .in = buf_new(CONTROL_MAX_BYTES + 1) };
	list_init(&c->pending);
	CHECK(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
}

void control_fini(struct control *c)
{
	for (struct list *node; (node = list_pop(&c->pending)) != NULL;) {
		struct pending *p = LIST_OF(node, struct pending, node);
		close_all(p->fds, p->n_fds);
		free(p);
	}
	c->n_pending = 0;
	buf_free(&c->in);
	if (c->fd >= 0) {
		close(c->fd);
		c->fd = -1;
	}
}

static enum err send_packet(int fd, struct iovec *iov, size_t n_iov, const int *fds, unsigned n_fds)
{
	union fd_space space = { 0 };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = n_iov };

	if (n_fds > 0) {
		msg.msg_control = space.bytes;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		struct cmsghdr *header = CMSG_FIRSTHDR(&msg);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(header), fds, sizeof(int) * n_fds);
	}
	while (sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		if (errno == EAGAIN) {
			return ERR_AGAIN;
		}
		if (errno == EPIPE || errno == ECONNRESET) {
			return ERR_PEER_GONE;
		}
		if (errno != EINTR) {
			return err_from_errno(errno);
		}
	}
	return ERR_OK;
}

static enum err keep(
    struct control *c, enum control_kind kind, struct slice body, const int *fds, unsigned n_fds)
{
	struct pending *p = NULL;

	if (c->n_pending == CONTROL_MAX_PENDING) {
		return ERR_LIMIT;
	}
	p = calloc(1, sizeof(*p) + 1 + body.len);
	if (p == NULL) {
		return ERR_MEMORY;
	}
	p->packet[0] = (char)kind;
	memcpy(p->packet + 1, body.ptr, body.len);
	p->len = 1 + body.len;
	for (; p->n_fds < n_fds; p->n_fds++) {
		int copy = fcntl(fds[p->n_fds], F_DUPFD_CLOEXEC, 0);
		if (copy < 0) {
			enum err e = err_from_errno(errno);
			close_all(p->fds, p->n_fds);
			free(p);
			return e;
		}
		p->fds[p->n_fds] = copy;
	}
	list_push(&c->pending, &p->node);
	c->n_pending++;
	return ERR_OK;
}

enum err control_send(
    struct control *c, enum control_kind kind, struct slice body, const int *fds, unsigned n_fds)
{
	char first = (char)kind;
	/* sendmsg() does not write there, but its struct has no const. */
	struct iovec iov[2] = { { &first, 1 }, { (void *)(uintptr_t)body.ptr, body.len } };

	CHECK(n_fds <= CONTROL_MAX_FDS);
	if (body.len > CONTROL_MAX_BYTES) {
		return ERR_LIMIT;
	}
	enum err e = c->n_pending > 0 ? ERR_AGAIN : send_packet(c->fd, iov, 2, fds, n_fds);
	return e == ERR_AGAIN ? keep(c, kind, body, fds, n_fds) : e;
}

enum err control_flush(struct control *c)
{
	while (!list_is_empty(&c->pending)) {
		struct pending *p = LIST_OF(c->pending.next, struct pending, node);
		struct iovec iov = { p->packet, p->len };
		enum err e = send_packet(c->fd, &iov, 1, p->fds, p->n_fds);
		if (e != ERR_OK) {
			return e;
		}
		list_remove(&p->node);
		c->n_pending--;
		close_all(p->fds, p->n_fds);
		free(p);
	}
	return ERR_OK;
}

/*
 * Size of the packet that is next, so that memory is taken for that much only. A peer that ended
 * without reading everything leaves ECONNRESET behind, once, before its last messages.
 */
static enum err next_size(const struct control *c, size_t *ret)
{
	ssize_t n;

	do {
		n = recv(c->fd, NULL, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
	} while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	if (n < 0) {
		return errno == EAGAIN ? ERR_AGAIN : err_from_errno(errno);
	}
	if (n == 0) {
		return ERR_END;
	}
	*ret = (size_t)n;
	return n > CONTROL_MAX_BYTES + 1 ? ERR_CORRUPT : ERR_OK;
}

static void take_fds(struct msghdr *msg, struct control_message *m)
{
	for (struct cmsghdr *h = CMSG_FIRSTHDR(msg); h != NULL; h = CMSG_NXTHDR(msg, h)) {
		if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS) {
			size_t n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			CHECK(n <= CONTROL_MAX_FDS);
			memcpy(m->fds, CMSG_DATA(h), n * sizeof(int));
			m->n_fds = (unsigned)n;
		}
	}
}

enum err control_receive(struct control *c, struct control_message *ret)
{
	union fd_space space = { 0 };
	struct control_message m = { 0 };
	size_t size = 0;
	enum err e = next_size(c, &size);

	if (e != ERR_OK) {
		return e;
	}
	buf_free(&c->in);
	char *room = buf_room(&c->in, size);
	if (room == NULL) {
		return ERR_MEMORY;
	}
	struct iovec iov = { room, size };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = space.bytes,
		.msg_controllen = sizeof(space.bytes) };
	ssize_t n = recvmsg(c->fd, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (n != (ssize_t)size) {
		return n < 0 ? err_from_errno(errno) : ERR_CORRUPT;
	}
	take_fds(&msg, &m);
	m.kind = (enum control_kind)room[0];
	m.body = SLICE_OF(room + 1, size - 1);
	if ((msg.msg_flags & MSG_CTRUNC) != 0 || m.kind < CONTROL_START ||
	    m.kind >= CONTROL_KINDS) {
		close_all(m.fds, m.n_fds);
		return ERR_CORRUPT;
	}
	buf_grew(&c->in, size);
	*ret = m;
	return ERR_OK;
}

enum err control_wait(const struct control *c, int timeout_ms)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };

	return poll(&p, 1, timeout_ms) > 0 ? ERR_OK : ERR_DEADLINE;
}
