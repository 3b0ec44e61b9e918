/*
 * A packet is a connection (who it is for, who its client is, the bytes that have come, and the
 * descriptor) or a message of a service. Nothing is queued here. A connection that the kernel does
 * not take is the caller's refusal; when it does not take a message, the other side is told as soon
 * as it can be that it has missed something, so that its services look for themselves.
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

enum what {
	A_CONNECTION, /* for a listener */
	A_MESSAGE,    /* for a service; an empty one for all: something is missing */
};

struct head {
	uint8_t what, to;
	uint8_t trusted, proxied_tls; /* of connections, and the next one */
	struct http_address peer;
};

struct sibling {
	struct siblings *all;
	uv_poll_t poll;
	int fd;
	unsigned instance;
	bool lost; /* a message did not go out, and it does not know of that yet */
};

/* One listener. */
struct door {
	struct siblings *all;
	struct http_server *server; /* NULL: not served here */
	unsigned listener;
};

struct siblings {
	struct svc_env *env;
	bool serves;
	struct door doors[SERVICE_MAX + 1]; /* index as listeners[] */
	struct sibling *to[INSTANCES_MAX];  /* NULL: not there */
	char bytes[HTTP_HANDOVER_BYTES];    /* of the packet that is being taken */
};

static void tell(struct siblings *s, unsigned service, struct slice message);

enum err siblings_new(struct svc_env *env, struct siblings **ret)
{
	struct siblings *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		return ERR_MEMORY;
	}
	s->env = env;
	env->siblings = s;
	env->tell_siblings = tell;
	*ret = s;
	return ERR_OK;
}

/* ---- messages that have come ---- */

static void hear(const struct siblings *s, unsigned service, struct slice message)
{
	struct svc_env *env = s->env;
	const struct service *to = env->services[service];

	if (to->told != NULL && env->state[service] != NULL) {
		to->told(env, env->state[service], message);
	}
}

/* Whatever the others say from now on, something before it may not have come. */
static void hear_of_loss(const struct siblings *s)
{
	for (unsigned i = 0; i < s->env->n_services; i++) {
		hear(s, i, SLICE_EMPTY);
	}
}

/* ---- the sockets ---- */

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
	s->env->siblings = NULL;
	s->env->tell_siblings = NULL;
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

static void take_message(const struct siblings *s, unsigned service, struct slice message)
{
	if (message.len == 0) {
		hear_of_loss(s);
		return;
	}
	CHECK(service < s->env->n_services);
	hear(s, service, message);
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
		hear_of_loss(s);
		return false;
	}
	CHECK((size_t)n >= sizeof(head) && (message.msg_flags & MSG_TRUNC) == 0);
	if (head.what == A_MESSAGE) {
		take_message(s, head.to, SLICE_OF(s->bytes, (size_t)n - sizeof(head)));
		return true;
	}
	int fd = descriptor_in(&message);
	if (fd < 0) {
		/* No descriptor was free for it: its client sees the connection end. */
		LOG(LOG_WARN, "web", "handed_without_descriptor", LOG_I("instance", one->instance));
		return true;
	}
	CHECK((size_t)n > sizeof(head));
	adopt(s, head.to,
	    &(struct http_handover){ .fd = fd,
		.peer = head.peer,
		.trusted = head.trusted != 0,
		.proxied_tls = head.proxied_tls != 0,
		.bytes = SLICE_OF(s->bytes, (size_t)n - sizeof(head)) });
	return true;
}

/* False: the kernel does not take it now. */
static bool put_message(const struct sibling *one, unsigned service, struct slice message)
{
	struct head head = { .what = A_MESSAGE, .to = (uint8_t)service };
	/* iovec has no const; sendmsg() does not write there. */
	struct iovec parts[] = { { &head, sizeof(head) },
		{ (void *)(uintptr_t)message.ptr, message.len } };
	const struct msghdr out = { .msg_iov = parts, .msg_iovlen = 2 };

	/* One that is gone has nothing to miss. */
	return sendmsg(one->fd, &out, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0 || errno == EPIPE ||
	       errno == ECONNRESET;
}

static void on_event(uv_poll_t *poll, int status, int events);

/* Asks for another try once the kernel has room again. */
static void set_lost(struct sibling *one, bool lost)
{
	one->lost = lost;
	CHECK(uv_poll_start(&one->poll, lost ? UV_READABLE | UV_WRITABLE : UV_READABLE, on_event) ==
	      0);
}

static void tell(struct siblings *s, unsigned service, struct slice message)
{
	for (unsigned i = 0; i < INSTANCES_MAX; i++) {
		struct sibling *one = s->to[i];
		if (one != NULL && !put_message(one, service, message) && !one->lost) {
			LOG(LOG_INFO, "web", "sibling_misses", LOG_I("instance", i));
			set_lost(one, true);
		}
	}
}

static void on_event(uv_poll_t *poll, int status, int events)
{
	struct sibling *one = poll->data;
	struct siblings *s = one->all;
	unsigned instance = one->instance;

	(void)status; /* an error shows in recvmsg() */
	if ((events & UV_WRITABLE) != 0 && one->lost && put_message(one, 0, SLICE_EMPTY)) {
		set_lost(one, false);
	}
	for (unsigned i = 0; i < PER_ROUND && s->to[instance] == one && take(s, one); i++) {
	}
}

void siblings_add(struct siblings *s, unsigned instance, int fd)
{
	struct sibling *one = calloc(1, sizeof(*one));

	CHECK(instance < INSTANCES_MAX);
	drop(s, instance);
	if (one == NULL || uv_poll_init(loop_uv(s->env->loop), &one->poll, fd) != 0) {
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
	set_lost(one, false);
	/* It stands for one that has gone, or begins when others have begun. */
	hear_of_loss(s);
}

static enum err hand(void *arg, unsigned instance, const struct http_handover *h)
{
	const struct door *door = arg;
	const struct siblings *s = door->all;
	struct head head = { A_CONNECTION, (uint8_t)door->listener, h->trusted, h->proxied_tls,
		h->peer };
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
