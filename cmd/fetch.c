/*
 * A command waits for one answer, so plain blocking sockets are the straight way; HTTP/1.0 makes
 * the end of the body the end of the connection.
 */
#include "cmd/fetch.h"

#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "core/base/host_port.h"

enum {
	TIMEOUT_S = 5,
	READ_BYTES = 16384
};

enum err fetch_connect(const char *address, int *ret_fd, struct err_note *note)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	struct addrinfo *found = NULL;
	const struct timeval timeout = { .tv_sec = TIMEOUT_S };
	char host[HOST_BYTES], port[PORT_BYTES];

	if (host_port_split(slice_str(address), host, port) != ERR_OK) {
		return err_note_set(note, ERR_NOT_FOUND, "%s is no address", address);
	}
	/* A listener on all addresses is asked on loopback. */
	bool anywhere = host[0] == '\0' || strcmp(host, "0.0.0.0") == 0;
	if (getaddrinfo(anywhere ? "127.0.0.1" : host, port, &hints, &found) != 0) {
		return err_note_set(note, ERR_NOT_FOUND, "%s: unknown host", address);
	}
	int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	}
	if (fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen) != 0) {
		enum err e = err_note_set(note, ERR_NOT_FOUND,
		    "nobody answers at %s: is `plimsoll serve` running?", address);
		freeaddrinfo(found);
		if (fd >= 0) {
			close(fd);
		}
		return e;
	}
	freeaddrinfo(found);
	*ret_fd = fd;
	return ERR_OK;
}

static enum err read_all(int fd, struct buf *out)
{
	for (;;) {
		char *room = buf_room(out, READ_BYTES);
		if (room == NULL) {
			return ERR_LIMIT;
		}
		ssize_t n = read(fd, room, READ_BYTES);
		if (n < 0) {
			return err_from_errno(errno);
		}
		if (n == 0) {
			return ERR_OK;
		}
		buf_grew(out, (size_t)n);
	}
}

enum err fetch_admin(const char *address, const char *path, struct buf *out, struct slice *ret_body,
    struct err_note *note)
{
	char request[512];
	int fd = -1;
	enum err e = fetch_connect(address, &fd, note);

	if (e != ERR_OK) {
		return e;
	}
	int len =
	    snprintf(request, sizeof(request), "GET %s HTTP/1.0\r\nHost: plimsoll\r\n\r\n", path);
	if (write(fd, request, (size_t)len) != len) {
		e = err_from_errno(errno);
	} else {
		e = read_all(fd, out);
	}
	close(fd);
	if (e != ERR_OK) {
		return err_note_set(note, e, "%s does not answer: %s", address, err_text(e));
	}
	struct slice all = buf_slice(out);
	const char *end = memmem(all.ptr, all.len, "\r\n\r\n", 4);
	if (end == NULL || slice_find(all, ' ', 0) + 4 > all.len ||
	    !slice_eq(slice_sub(all, 9, 12), SLICE("200"))) {
		return err_note_set(note, ERR_SYNTAX, "%s answered: %.*s", address,
		    SLICE_ARG(slice_sub(all, 0, slice_find(all, '\r', 0))));
	}
	*ret_body = slice_sub(all, (size_t)(end - all.ptr) + 4, all.len);
	return ERR_OK;
}
