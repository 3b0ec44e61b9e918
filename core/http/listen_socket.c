/*
 * Making a listening socket from the text of a configuration key.
 */
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/http/server.h"

enum {
	HOST_BYTES = 256,
	PORT_BYTES = 8
};

/* "host:port", "[v6]:port" or "port" (loopback) into two strings. */
static enum err split(struct slice text, char host[HOST_BYTES], char port[PORT_BYTES])
{
	struct slice name = SLICE("127.0.0.1"), number = text;

	for (size_t i = text.len; i-- > 0;) {
		if (text.ptr[i] == ':') {
			name = slice_sub(text, 0, i);
			number = slice_sub(text, i + 1, text.len);
			break;
		}
	}
	if (slice_starts(name, SLICE("[")) && slice_ends(name, SLICE("]"))) {
		name = slice_sub(name, 1, name.len - 1);
	}
	uint64_t any = 0;
	enum err e = slice_to_u64(number, UINT16_MAX, &any);
	if (e != ERR_OK) {
		return e;
	}
	e = slice_to_cstr(name, host, HOST_BYTES);
	return e != ERR_OK ? e : slice_to_cstr(number, port, PORT_BYTES);
}

/* Options that a listening socket and all it accepts shall have. */
static int set_up(int fd, const struct addrinfo *at)
{
	int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
	    bind(fd, at->ai_addr, at->ai_addrlen) != 0) {
		return -1;
	}
	/* The kernel cuts this to somaxconn. */
	return listen(fd, INT_MAX);
}

static enum err resolve(const char *address, struct addrinfo **ret, struct err_note *note)
{
	char host[HOST_BYTES], port[PORT_BYTES];
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };

	if (split(slice_str(address), host, port) != ERR_OK) {
		return err_note_set(note, ERR_INVALID, "\"%s\" is no host:port", address);
	}
	int failed = getaddrinfo(host, port, &hints, ret);
	if (failed != 0) {
		return err_note_set(note, ERR_INVALID, "%s: %s", address, gai_strerror(failed));
	}
	return ERR_OK;
}

bool http_listens_on(int fd, const char *address)
{
	struct sockaddr_storage bound = { 0 };
	socklen_t len = sizeof(bound);
	struct addrinfo *found = NULL;
	bool same = false;

	if (getsockname(fd, (struct sockaddr *)&bound, &len) != 0 ||
	    resolve(address, &found, NULL) != ERR_OK) {
		return false;
	}
	if (bound.ss_family == AF_INET && found->ai_family == AF_INET) {
		const struct sockaddr_in *a = (const void *)&bound,
					 *b = (const void *)found->ai_addr;
		same = a->sin_port == b->sin_port && a->sin_addr.s_addr == b->sin_addr.s_addr;
	} else if (bound.ss_family == AF_INET6 && found->ai_family == AF_INET6) {
		const struct sockaddr_in6 *a = (const void *)&bound,
					  *b = (const void *)found->ai_addr;
		same = a->sin6_port == b->sin6_port &&
		       memcmp(&a->sin6_addr, &b->sin6_addr, sizeof(a->sin6_addr)) == 0;
	}
	freeaddrinfo(found);
	return same;
}

enum err http_listen_socket(const char *address, int *ret_fd, struct err_note *note)
{
	struct addrinfo *found = NULL;
	enum err e = resolve(address, &found, note);

	if (e != ERR_OK) {
		return e;
	}
	int fd = socket(
	    found->ai_family, found->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	if (fd < 0 || set_up(fd, found) != 0) {
		e = errno == EADDRINUSE ? ERR_EXISTS : err_from_errno(errno);
		e = err_note_set(note, e, "cannot listen on %s: %s", address,
		    e == ERR_EXISTS ? "the port is in use" : err_text(e));
		if (fd >= 0) {
			close(fd);
		}
		freeaddrinfo(found);
		return e;
	}
	freeaddrinfo(found);
	*ret_fd = fd;
	return ERR_OK;
}
