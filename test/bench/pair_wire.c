/*
 * See pair_wire.h.
 */
#include "test/bench/pair_wire.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	EVENTS = 256,
	READ_BYTES = 256 * 1024,
	OUT_BYTES = PACKET_MAX + 512,
	SEPARATOR = 0x1e,
	OPCODE_TEXT = 1,
	OPCODE_PING = 9,
};

struct pair_wire pair_wire;

_Noreturn void pair_die(const char *what)
{
	(void)fprintf(stderr, "pair_load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void write_all(struct wire *w, const char *bytes, size_t len)
{
	if (send(w->fd, bytes, len, MSG_NOSIGNAL) != (ssize_t)len) {
		pair_die("send");
	}
}

/* ---- sending ---- */

static void send_frame(struct session *s, const char *packet)
{
	size_t len = strlen(packet), at = 2;
	unsigned char out[OUT_BYTES] = { 0x80 | OPCODE_TEXT };

	if (len < 126) {
		out[1] = (unsigned char)(0x80 | len);
	} else {
		out[1] = 0x80 | 126;
		out[2] = (unsigned char)(len >> 8);
		out[3] = (unsigned char)len;
		at = 4;
	}
	at += 4; /* the mask: zero */
	memcpy(out + at, packet, len);
	write_all(&s->get, (const char *)out, at + len);
}

static void send_get(struct session *s)
{
	char out[OUT_BYTES];
	int n = snprintf(out, sizeof(out),
	    "GET /socket.io/?EIO=4&transport=polling%s%s HTTP/1.1\r\nHost: x\r\n\r\n",
	    s->sid[0] == '\0' ? "" : "&sid=", s->sid);

	write_all(&s->get, out, (size_t)n);
}

static void send_post(struct session *s, const char *packet)
{
	char out[OUT_BYTES];
	int n = snprintf(out, sizeof(out),
	    "POST /socket.io/?EIO=4&transport=polling&sid=%s HTTP/1.1\r\nHost: x\r\n"
	    "Content-Type: text/plain\r\nContent-Length: %zu\r\n\r\n%s",
	    s->sid, strlen(packet), packet);

	s->is_posting = true;
	write_all(&s->post, out, (size_t)n);
}

bool pair_send(struct session *s, const char *packet)
{
	if (!s->is_polling) {
		send_frame(s, packet);
	} else if (!s->is_posting) {
		send_post(s, packet);
	} else if (s->next[0] == '\0') {
		(void)snprintf(s->next, sizeof(s->next), "%s", packet);
	} else {
		return false;
	}
	return true;
}

/* ---- what comes ---- */

static void take_packet(struct session *s, const char *packet, size_t len)
{
	char out[PACKET_MAX];
	const char *sid = NULL;

	if (len == 0) {
		return;
	}
	switch (packet[0]) {
	case '0':
		sid = memmem(packet, len, "\"sid\":\"", 7);
		if (sid == NULL) {
			pair_die("no sid");
		}
		(void)snprintf(
		    s->sid, sizeof(s->sid), "%.*s", (int)strcspn(sid + 7, "\""), sid + 7);
		(void)snprintf(out, sizeof(out), "40%s", s->auth);
		(void)pair_send(s, out);
		break;
	case '2':
		(void)pair_send(s, "3");
		break;
	case '4':
		if (len > 1 && packet[1] == '0') {
			s->is_joined = true;
			pair_wire.joined++;
		} else {
			pair_wire.heard(s, packet, len);
		}
		break;
	case '6':
		break;
	default:
		(void)fprintf(stderr, "pair_load: %.*s\n", (int)len, packet);
		pair_die("a packet that was not expected");
	}
}

/* Bytes of the frame at the beginning, 0: it is not whole. */
static size_t take_frame(struct session *s, const char *bytes, size_t len)
{
	const unsigned char *b = (const unsigned char *)bytes;
	size_t at = 2, n = len < 2 ? 0 : b[1] & 127u;

	if (len < 2 || (n == 126 && len < 4)) {
		return 0;
	}
	if (n == 127) {
		pair_die("a long frame");
	}
	if (n == 126) {
		n = (size_t)b[2] << 8 | b[3];
		at = 4;
	}
	if (len < at + n) {
		return 0;
	}
	if ((b[0] & 15) == OPCODE_TEXT) {
		take_packet(s, bytes + at, n);
	} else if ((b[0] & 15) != OPCODE_PING) {
		pair_die("closed by the server");
	}
	return at + n;
}

static void take_body(struct wire *w, const char *body, size_t len)
{
	struct session *s = w->session;
	char next[PACKET_MAX];

	if (w->is_post) {
		s->is_posting = false;
		if (s->next[0] != '\0') {
			(void)snprintf(next, sizeof(next), "%s", s->next);
			s->next[0] = '\0';
			send_post(s, next);
		}
		return;
	}
	for (const char *end = body + len; body < end;) {
		const char *stop = memchr(body, SEPARATOR, (size_t)(end - body));
		stop = stop == NULL ? end : stop;
		take_packet(s, body, (size_t)(stop - body));
		body = stop + 1;
	}
	send_get(s);
}

/* Bytes of the answer at the beginning, 0: it is not whole. */
static size_t take_answer(struct wire *w, const char *bytes, size_t len)
{
	const char *end = memmem(bytes, len, "\r\n\r\n", 4);
	size_t head = end == NULL ? 0 : (size_t)(end - bytes) + 4, body = 0;

	if (end == NULL) {
		return 0;
	}
	if (memcmp(bytes, "HTTP/1.1 101", 12) == 0) {
		w->session->is_framed = true;
		return head;
	}
	if (memcmp(bytes, "HTTP/1.1 200", 12) != 0) {
		(void)fprintf(stderr, "%.*s\n", (int)head, bytes);
		pair_die("refused");
	}
	for (const char *at = bytes; at < end; at = (const char *)memchr(at, '\n', len) + 1) {
		if (strncasecmp(at, "content-length:", 15) == 0) {
			body = strtoul(at + 15, NULL, 10);
		}
	}
	if (len < head + body) {
		return 0;
	}
	take_body(w, end + 4, body);
	return head + body;
}

static void take(struct wire *w, const char *bytes, size_t len)
{
	size_t at = 0, n = 1;

	while (at < len && n > 0) {
		n = w->session->is_framed ? take_frame(w->session, bytes + at, len - at)
					  : take_answer(w, bytes + at, len - at);
		at += n;
	}
	char *rest = NULL;
	if (at < len) {
		rest = malloc(len - at);
		if (rest == NULL) {
			pair_die("memory");
		}
		memcpy(rest, bytes + at, len - at);
	}
	free(w->held);
	w->held = rest;
	w->n_held = len - at;
}

static void on_readable(struct wire *w)
{
	static char bytes[READ_BYTES];
	size_t held = w->n_held;

	if (held > 0) {
		memcpy(bytes, w->held, held);
	}
	ssize_t n = recv(w->fd, bytes + held, sizeof(bytes) - held, MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN) {
		return;
	}
	if (n <= 0) {
		pair_die("the server has closed a connection");
	}
	take(w, bytes, held + (size_t)n);
}

/* ---- opening ---- */

static void open_wire(struct wire *w, struct session *s, bool is_post)
{
	const int yes = 1;
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = w };

	w->session = s;
	w->is_post = is_post;
	w->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (w->fd < 0 ||
	    (pair_wire.source.sin_family != 0 &&
		bind(w->fd, (const struct sockaddr *)&pair_wire.source, sizeof(pair_wire.source)) !=
		    0) ||
	    connect(w->fd, (const struct sockaddr *)&pair_wire.server, sizeof(pair_wire.server)) !=
		0 ||
	    setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) != 0 ||
	    epoll_ctl(pair_wire.epoll, EPOLL_CTL_ADD, w->fd, &ev) != 0) {
		pair_die("connect");
	}
}

void pair_open(struct session *s, bool is_polling, const char *auth)
{
	static const char upgrade[] =
	    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\n"
	    "Connection: Upgrade\r\nUpgrade: websocket\r\n"
	    "Sec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

	s->is_polling = is_polling;
	s->auth = auth;
	open_wire(&s->get, s, false);
	if (is_polling) {
		open_wire(&s->post, s, true);
		send_get(s);
	} else {
		write_all(&s->get, upgrade, sizeof(upgrade) - 1);
	}
}

void pair_wait(int64_t us)
{
	struct epoll_event events[EVENTS];
	const struct timespec timeout = { .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000 };
	int n = epoll_pwait2(pair_wire.epoll, events, EVENTS, us < 0 ? NULL : &timeout, NULL);

	if (n < 0 && errno != EINTR) {
		pair_die("epoll_pwait2");
	}
	for (int i = 0; i < n; i++) {
		on_readable(events[i].data.ptr);
	}
}
