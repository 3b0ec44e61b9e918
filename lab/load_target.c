/*
 * The address under test, and what a run needs to ask it: a loop, a timer, connections.
 */
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/host_port.h"
#include "lab/load_priv.h"

enum {
	CONNECT_TRY_MS = 5000,
	DESCRIPTORS_SPARE = 64,
};

enum err load_target_find(
    struct load *l, struct sockaddr_storage *ret, socklen_t *ret_len, struct err_note *note)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	struct addrinfo *found = NULL;
	struct slice url = slice_str(l->plan.url);
	char host[HOST_BYTES], port[PORT_BYTES], text[sizeof(l->host) + 4];

	bool tls = slice_starts(url, SLICE("https://"));
	if (!tls && !slice_starts(url, SLICE("http://"))) {
		return err_note_set(
		    note, ERR_INVALID, "\"%s\" is no target: http(s)://HOST:PORT", l->plan.url);
	}
	url = slice_sub(url, tls ? 8 : 7, url.len - (slice_ends(url, SLICE("/")) ? 1 : 0));
	size_t bracket = slice_find(url, ']', 0);
	bool has_port = slice_find(url, ':', bracket < url.len ? bracket : 0) < url.len;
	(void)snprintf(l->host, sizeof(l->host), "%.*s", SLICE_ARG(url));
	(void)snprintf(text, sizeof(text), "%s%s", l->host, has_port ? "" : tls ? ":443" : ":80");
	if (url.len == 0 || slice_find(url, '/', 0) < url.len ||
	    host_port_split(slice_str(text), host, port) != ERR_OK || host[0] == '\0') {
		return err_note_set(
		    note, ERR_INVALID, "\"%s\" is no target: http(s)://HOST:PORT", l->plan.url);
	}
	if (tls) {
		enum err e =
		    client_tls_open(host, l->plan.authorities, l->plan.insecure, &l->tls, note);
		if (e != ERR_OK) {
			return e;
		}
	}
	int failed = getaddrinfo(host, port, &hints, &found);
	if (failed != 0) {
		return err_note_set(note, ERR_NOT_FOUND, "%s: %s", host, gai_strerror(failed));
	}
	memcpy(ret, found->ai_addr, found->ai_addrlen);
	*ret_len = found->ai_addrlen;
	freeaddrinfo(found);
	return ERR_OK;
}

enum err load_target_try(const struct load *l, const struct sockaddr_storage *address,
    socklen_t len, struct err_note *note)
{
	int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct timeval patience = { .tv_sec = CONNECT_TRY_MS / 1000 };
	int failed = 0;

	if (fd < 0) {
		return err_note_set(note, ERR_SYSTEM, "no socket: %s", strerror(errno));
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const struct sockaddr *)address, len) != 0) {
		failed = errno == EINPROGRESS ? ETIMEDOUT : errno;
	}
	close(fd);
	return failed == 0 ? ERR_OK
			   : err_note_set(note, ERR_PEER_GONE, "%s does not answer: %s",
				 l->plan.url, strerror(failed));
}

void load_raise_limits(struct load *l)
{
	struct rlimit limit = { 0 };

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
		(void)getrlimit(RLIMIT_NOFILE, &limit);
	}
	rlim_t room = limit.rlim_cur > 2 * DESCRIPTORS_SPARE ? limit.rlim_cur - DESCRIPTORS_SPARE
							     : DESCRIPTORS_SPARE;
	l->max_running = room > LOAD_RUNNING_MAX ? LOAD_RUNNING_MAX : (unsigned)room;
}

static enum err open_timer(struct load *l, struct err_note *note)
{
	l->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (l->timer_fd < 0) {
		return err_note_set(note, ERR_SYSTEM, "no timer: %s", strerror(errno));
	}
	CHECK(uv_poll_init(loop_uv(l->loop), &l->timer, l->timer_fd) == 0);
	l->timer.data = l;
	CHECK(uv_poll_start(&l->timer, UV_READABLE, load_on_timer) == 0);
	return ERR_OK;
}

enum err load_network_open(struct load *l, struct err_note *note)
{
	struct sockaddr_storage address = { 0 };
	socklen_t len = 0;

	enum err e = load_target_find(l, &address, &len, note);
	if (e == ERR_OK && l->plan.from != NULL) {
		e = from_parse(l->plan.from, address.ss_family, &l->from, note);
	}
	if (e == ERR_OK) {
		e = load_target_try(l, &address, len, note);
	}
	if (e == ERR_OK) {
		e = loop_open(1, &l->loop);
	}
	if (e == ERR_OK) {
		e = client_open(
		    &l->client, l->loop, (const struct sockaddr *)&address, len, LOAD_RUNNING_MAX);
	}
	if (e != ERR_OK) {
		return e;
	}
	if (l->tls != NULL) {
		client_tls_resume(l->tls, l->behaviour.resume, l->plan.seed + l->plan.share);
	}
	client_use_tls(&l->client, l->tls);
	client_use_sources(&l->client, l->from.n > 0 ? &l->from : NULL);
	(void)signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
	return open_timer(l, note);
}

void load_sum_up_network(struct load *l)
{
	struct load_result *r = l->result;

	r->connections = l->client.opened;
	r->bytes_in = l->client.bytes_in;
	r->bytes_out = l->client.bytes_out;
	if (l->tls != NULL) {
		r->handshakes = client_tls_handshakes(l->tls);
		r->resumed = client_tls_resumed(l->tls);
	}
}

void load_network_close(struct load *l)
{
	if (l->timer_fd >= 0) {
		uv_poll_stop(&l->timer);
		uv_close((uv_handle_t *)&l->timer, NULL);
	}
	loop_close(&l->loop);
	client_close(&l->client);
	if (l->timer_fd >= 0) {
		close(l->timer_fd);
	}
	client_tls_close(&l->tls);
	from_fini(&l->from);
}
