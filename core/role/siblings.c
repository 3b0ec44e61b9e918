/*
 * A message is one packet: who the connection is for, who its client is, the bytes that have come,
 * and the descriptor. Nothing is queued here: a packet that the kernel does not take is the
 * caller's refusal.
 */
#include "core/role/siblings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/obs/log.h"

enum {
	INSTANCES_MAX = 64,
	PER_ROUND = 32, /* packets taken before others have their turn */
};

struct head {
	uint8_t listener, trusted, proxied_tls;
	struct http_address peer;
};

struct sibling {
	struct siblings *all;
	uv_poll_t poll;
	int fd;
	unsigned instance;
};

/* One listener. */
struct door {
	struct siblings *all;
	struct http_server *server; /* NULL: not served here */
	unsigned listener;
};

struct siblings {
	struct loop *loop;
	bool serves;
	struct door doors[SERVICE_MAX + 1]; /* index as listeners[] */
	struct sibling *to[INSTANCES_MAX];  /* NULL: not there */
	char bytes[HTTP_HANDOVER_BYTES];    /* of the packet that is being taken */
};

enum err siblings_new(struct loop *l, struct siblings **ret)
{
	struct siblings *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		return ERR_MEMORY;
	}
	s->loop = l;
	*ret = s;
	return ERR_OK;
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void drop(struct siblings *s, unsigned instance)
{
	struct sibling *one = s->to[instance];

	s->to[instance] = NULL;
	if (one != NULL) {
		uv_close((uv_handle_t *)&one->poll, on_closed);
		close(one->fd);
	}
}

void siblings_free(struct siblings **sp)
{
	struct siblings *s = *sp;

	*sp = NULL;
	if (s == NULL) {
		return;
	}
	for (unsigned i = 0; i < INSTANCES_MAX; i++) {
		drop(s, i);
	}
	free(s);
}

/* The descriptor of a packet, or -1. */
static int descriptor_in(struct msghdr *message)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(message);
	int fd = -1;

	if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int))) {
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	}
	return fd;
}

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int))];
};

static void adopt(struct siblings *s, unsigned listener, const struct http_handover *h)
{
	CHECK(listener <= SERVICE_MAX && s->doors[listener].server != NULL);
	if (s->serves) {
		http_server_adopt(s->doors[listener].server, h);
	} else {
		close(h->fd); /* for the one whose place we take: its client begins anew */
	}
}

/* One packet. False: none is there, or the other process has gone. */
static bool take(struct siblings *s, struct sibling *one)
{
	struct head head;
	struct iovec parts[] = { { &head, sizeof(head) }, { s->bytes, sizeof(s->bytes) } };
	union control control;
	struct msghdr message = { .msg_iov = parts,
		.msg_iovlen = 2,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes) };
	ssize_t n = recvmsg(one->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		return false;
	}
	if (n <= 0) {
		drop(s, one->instance);
		return false;
	}
	int fd = descriptor_in(&message);
	if (fd < 0) {
		/* No descriptor was free for it: its client sees the connection end. */
		LOG(LOG_WARN, "web", "handed_without_descriptor", LOG_I("instance", one->instance));
		return true;
	}
	CHECK((size_t)n > sizeof(head) && (message.msg_flags & MSG_TRUNC) == 0);
	adopt(s, head.listener,
	    &(struct http_handover){ .fd = fd,
		.peer = head.peer,
		.trusted = head.trusted != 0,
		.proxied_tls = head.proxied_tls != 0,
		.bytes = SLICE_OF(s->bytes, (size_t)n - sizeof(head)) });
	return true;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct sibling *one = poll->data;
	struct siblings *s = one->all;
	unsigned instance = one->instance;

	(void)events;
	(void)status; /* an error shows in recvmsg() */
	for (unsigned i = 0; i < PER_ROUND && s->to[instance] == one && take(s, one); i++) {
	}
}

void siblings_add(struct siblings *s, unsigned instance, int fd)
{
	struct sibling *one = calloc(1, sizeof(*one));

	CHECK(instance < INSTANCES_MAX);
	drop(s, instance);
	if (one == NULL || uv_poll_init(loop_uv(s->loop), &one->poll, fd) != 0) {
		LOG(LOG_ERROR, "web", "sibling_refused", LOG_I("instance", instance));
		close(fd);
		free(one);
		return;
	}
	one->all = s;
	one->fd = fd;
	one->instance = instance;
	one->poll.data = one;
	s->to[instance] = one;
	CHECK(uv_poll_start(&one->poll, UV_READABLE, on_readable) == 0);
}

static enum err hand(void *arg, unsigned instance, const struct http_handover *h)
{
	const struct door *door = arg;
	const struct siblings *s = door->all;
	struct head head = { (uint8_t)door->listener, h->trusted, h->proxied_tls, h->peer };
	/* iovec has no const; sendmsg() does not write there. */
	struct iovec parts[] = { { &head, sizeof(head) },
		{ (void *)(uintptr_t)h->bytes.ptr, h->bytes.len } };
	union control control = { .bytes = { 0 } };
	struct msghdr message = { .msg_iov = parts,
		.msg_iovlen = 2,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes) };

	if (instance >= INSTANCES_MAX || s->to[instance] == NULL) {
		return ERR_NOT_FOUND;
	}
	if (h->bytes.len > HTTP_HANDOVER_BYTES) {
		return ERR_LIMIT;
	}
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &h->fd, sizeof(int));
	if (sendmsg(s->to[instance]->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		return errno == EPIPE || errno == ECONNRESET ? ERR_NOT_FOUND : ERR_TOO_BUSY;
	}
	return ERR_OK;
}

void siblings_serve(struct siblings *s, unsigned listener, struct http_server *server)
{
	s->doors[listener] = (struct door){ s, server, listener };
	if (server != NULL) {
		http_server_set_siblings(server, hand, &s->doors[listener]);
	}
}

void siblings_begin(struct siblings *s)
{
	s->serves = true;
}
