/*
 * Who a connection's client is when a proxy is in front that speaks the PROXY protocol. Its header
 * comes before anything else, TLS included, so this reads below conn_io.c: it looks at what is in
 * the kernel and takes away exactly the header, and whoever comes next finds the client's own bytes
 * where they always are. A header in pieces is collected in a request's buffer.
 */
#include "core/http/conn_priv.h"

#include <errno.h>
#include <sys/socket.h>

#include "core/http/proxy_header.h"
#include "core/http/request.h"
#include "core/obs/log.h"

_Static_assert(
    (size_t)HTTP_PROXY_HEADER_MAX < HTTP_FIRST_BYTES, "a header fits a request's first buffer");

static void refuse(struct conn *c, const char *problem)
{
	char peer[HTTP_ADDRESS_TEXT];

	http_address_text(&c->peer, peer);
	LOG(LOG_WARN, "http", "bad PROXY header from a trusted proxy", LOG_C("proxy", peer),
	    LOG_C("problem", problem));
	conn_close(c, HTTP_CLOSE_PROXY_HEADER);
}

/*
 * The connection is the client's from here on: counted under its address, and what it says of
 * itself in X-Forwarded-* is believed only if it is another proxy of ours.
 */
static void become_client(struct conn *c, const struct http_proxy_header *h)
{
	struct http_server *s = c->server;

	conn_release_request(c);
	if (h->is_local) {
		conn_begin(c);
		return;
	}
	if (h->has_address) {
		c->peer = h->client;
	}
	c->proxied_tls = h->is_tls;
	c->trusted = h->has_address && http_networks_have(&s->settings.trusted, &c->peer);
	struct http_address group = http_address_group(&c->peer);
	if (!c->trusted && address_take(&s->addresses, &group, s->settings.max_per_address,
			       &c->counted) != ERR_OK) {
		conn_close(c, HTTP_CLOSE_ADDRESS_LIMIT);
		return;
	}
	conn_begin(c);
}

/* Takes n bytes that were looked at before; false if the connection broke in between. */
static bool take(struct conn *c, size_t n)
{
	struct http_req *r = c->req;

	if (recv(c->fd, r->buf + r->buf_len, n, 0) != (ssize_t)n) {
		conn_close(c, HTTP_CLOSE_GONE);
		return false;
	}
	metric_add(c->server->cells.received_bytes, (int64_t)n);
	r->buf_len += (uint32_t)n;
	return true;
}

static void look(struct conn *c)
{
	struct http_req *r = c->req;
	struct http_proxy_header header;
	size_t room = HTTP_PROXY_HEADER_MAX - r->buf_len;
	ssize_t n = recv(c->fd, r->buf + r->buf_len, room, MSG_PEEK);

	if (n <= 0) {
		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			conn_want(c, UV_READABLE | UV_DISCONNECT);
		} else {
			conn_close(c, HTTP_CLOSE_CLIENT); /* a check whether the port is open */
		}
		return;
	}
	switch (http_proxy_header_parse(r->buf, r->buf_len + (size_t)n, &header)) {
	case HTTP_PARSE_MORE:
		if (take(c, (size_t)n)) {
			conn_want(c, UV_READABLE | UV_DISCONNECT);
		}
		return;
	case HTTP_PARSE_DONE:
		if (take(c, header.bytes - r->buf_len)) {
			become_client(c, &header);
		}
		return;
	case HTTP_PARSE_ERROR:
		refuse(c, header.problem);
		return;
	}
}

void conn_read_proxy(struct conn *c)
{
	if (c->req == NULL) {
		c->req = request_take(c->server, c);
	}
	if (c->req == NULL) {
		conn_close(c, HTTP_CLOSE_ABORTED);
		return;
	}
	look(c);
}
