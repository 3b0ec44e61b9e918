/*
 * See given.h.
 */
#include "core/role/given.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/http/server.h"
#include "core/role/listeners.h"

enum {
	FIRST_FD = 3 /* SD_LISTEN_FDS_START */
};

static bool is_for_us(void)
{
	const char *pid = getenv("LISTEN_PID");
	uint64_t n = 0;

	return pid != NULL && slice_to_u64(slice_str(pid), INT32_MAX, &n) == ERR_OK &&
	       n == (uint64_t)getpid();
}

static bool is_listening_tcp(int fd)
{
	int listens = 0, protocol = 0;
	socklen_t len = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && listens != 0 &&
	       getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) == 0 &&
	       protocol == IPPROTO_TCP;
}

bool given_add(struct given *g, int fd, struct slice name, struct slice address)
{
	struct given_socket *s = &g->socket[g->n];

	if (g->n == GIVEN_MAX || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ||
	    fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK) != 0) {
		close(fd);
		return false;
	}
	s->fd = fd;
	snprintf(s->name, sizeof(s->name), "%.*s", SLICE_ARG(name));
	snprintf(s->address, sizeof(s->address), "%.*s", SLICE_ARG(address));
	g->n++;
	return true;
}

enum err given_by_manager(struct given *g, struct err_note *note)
{
	const char *count = getenv("LISTEN_FDS"), *names = getenv("LISTEN_FDNAMES");
	struct slice rest = slice_str(names == NULL ? "" : names), name = SLICE_EMPTY;
	uint64_t n = 0;

	*g = (struct given){ .by_manager = true };
	if (count == NULL || !is_for_us()) {
		return ERR_OK;
	}
	if (slice_to_u64(slice_str(count), GIVEN_MAX, &n) != ERR_OK) {
		return err_note_set(note, ERR_CONFIG,
		    "LISTEN_FDS=%s: at most %d sockets can be handed over", count, GIVEN_MAX);
	}
	for (int fd = FIRST_FD; fd < FIRST_FD + (int)n; fd++) {
		if (!slice_split(&rest, ':', &name)) {
			name = SLICE_EMPTY;
		}
		if (!is_listening_tcp(fd)) {
			given_close(g);
			return err_note_set(note, ERR_CONFIG,
			    "descriptor %d (%.*s) of the service manager is no listening TCP socket",
			    fd, SLICE_ARG(name));
		}
		if (!given_add(g, fd, name, SLICE_EMPTY)) {
			given_close(g);
			return err_note_set(
			    note, ERR_CONFIG, "descriptor %d: %s", fd, strerror(errno));
		}
	}
	return ERR_OK;
}

static bool is_section(const char *name)
{
	for (unsigned i = 0; i < n_listeners; i++) {
		if (strcmp(listeners[i].socket, name) == 0) {
			return true;
		}
	}
	return false;
}

static bool fits(const struct given *g, const struct given_socket *s, const char *section,
    const char *address, bool by_address)
{
	bool named = strcmp(s->name, section) == 0;

	if (g->by_manager && !by_address) {
		return named;
	}
	if (g->by_manager ? is_section(s->name) : !named) {
		return false;
	}
	/* "127.0.0.1:0" is an address like any other as long as it stays the same. */
	return strcmp(s->address, address) == 0 || http_listens_on(s->fd, address);
}

int given_take(struct given *g, const char *section, const char *address)
{
	for (int by_address = 0; by_address <= 1; by_address++) {
		for (unsigned i = 0; i < g->n; i++) {
			struct given_socket *s = &g->socket[i];
			if (s->fd >= 0 && fits(g, s, section, address, by_address != 0)) {
				int fd = s->fd;
				s->fd = -1;
				return fd;
			}
		}
	}
	return -1;
}

bool given_rest(const struct given *g, char *out, size_t out_size)
{
	for (unsigned i = 0; i < g->n; i++) {
		if (g->socket[i].fd >= 0) {
			snprintf(out, out_size,
			    "the service manager's socket \"%s\" (number %u) fits no listener: name it "
			    "(FileDescriptorName=) after a section with a key \"listen\", or bind it to "
			    "that key's address",
			    g->socket[i].name, i + 1);
			return true;
		}
	}
	return false;
}

void given_close(struct given *g)
{
	for (unsigned i = 0; i < g->n; i++) {
		if (g->socket[i].fd >= 0) {
			close(g->socket[i].fd);
		}
	}
	g->n = 0;
}
