/*
 * Lines of statsd. Characters that mean something there, or to Graphite behind it, become '_'.
 */
#include "core/obs/statsd.h"

#include <errno.h>
#include <math.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/host_port.h"

enum {
	NAME_BYTES = 192,
	LINE_BYTES = 256
};

struct statsd_text {
	char prefix[STATSD_PREFIX_BYTES + 1];
	int64_t totals[HEADLINE_ROWS]; /* sent already */
	char datagram[STATSD_DATAGRAM_BYTES];
	size_t len;
	void (*send)(void *arg, struct slice datagram);
	void *arg;
};

/* Letters, digits, '-' and '_' stay; of a prefix also the dots. */
static void sanitise(char *text, bool keep_dots)
{
	static const char good[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

	for (; *text != '\0'; text++) {
		if (strchr(good, *text) == NULL && !(keep_dots && *text == '.')) {
			*text = '_';
		}
	}
}

enum err statsd_text_new(const char *prefix, const struct headline *h, struct statsd_text **ret)
{
	struct statsd_text *t = calloc(1, sizeof(*t));

	if (t == NULL) {
		return ERR_MEMORY;
	}
	(void)snprintf(t->prefix, sizeof(t->prefix), "%s", prefix);
	sanitise(t->prefix, true);
	for (unsigned i = 0; i < headline_n(h); i++) {
		if (headline_row(h, i).def->counted) {
			t->totals[i] = headline_total(h, i);
		}
	}
	*ret = t;
	return ERR_OK;
}

void statsd_text_free(struct statsd_text **t)
{
	free(*t);
	*t = NULL;
}

static void flush(struct statsd_text *t)
{
	if (t->len > 0) {
		t->send(t->arg, SLICE_OF(t->datagram, t->len));
		t->len = 0;
	}
}

static void put_line(struct statsd_text *t, const char *line)
{
	size_t len = strlen(line), gap = t->len > 0 ? 1 : 0;

	if (t->len + gap + len > sizeof(t->datagram)) {
		flush(t);
		gap = 0;
	}
	if (gap > 0) {
		t->datagram[t->len++] = '\n';
	}
	memcpy(t->datagram + t->len, line, len);
	t->len += len;
}

/* PREFIX.NAME or PREFIX.NAME.LABEL */
static void put_name(
    const struct statsd_text *t, const struct headline_row *row, char name[NAME_BYTES])
{
	char label[64] = "";

	if (row->label_value != NULL) {
		(void)snprintf(label, sizeof(label), "%s", row->label_value);
		sanitise(label, false);
	}
	(void)snprintf(name, NAME_BYTES, "%.*s%s%s%s%s", STATSD_PREFIX_BYTES, t->prefix,
	    t->prefix[0] == '\0' ? "" : ".", row->def->name, label[0] == '\0' ? "" : ".", label);
}

void statsd_text_write(struct statsd_text *t, const struct headline *h,
    void (*send)(void *arg, struct slice datagram), void *arg)
{
	char name[NAME_BYTES], line[LINE_BYTES];

	t->send = send;
	t->arg = arg;
	for (unsigned i = 0; i < headline_n(h); i++) {
		const struct headline_row row = headline_row(h, i);
		double value = headline_value(h, i);
		put_name(t, &row, name);
		if (!isnan(value)) {
			/* Not in exponents, which not every statsd reads. */
			(void)snprintf(line, sizeof(line), "%s:%.*f|g", name,
			    value == (double)(int64_t)value ? 0 : 6, value);
			put_line(t, line);
		}
		if (row.def->counted) {
			int64_t total = headline_total(h, i);
			(void)snprintf(line, sizeof(line), "%s.count:%lld|c", name,
			    (long long)(total > t->totals[i] ? total - t->totals[i] : 0));
			put_line(t, line);
			t->totals[i] = total;
		}
	}
	flush(t);
}

/* ---- the socket ---- */

enum err statsd_socket(const char *address, int *ret_fd, struct err_note *note)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM };
	struct addrinfo *found = NULL;
	char host[HOST_BYTES], port[PORT_BYTES];

	if (host_port_split(slice_str(address), host, port) != ERR_OK || host[0] == '\0') {
		return err_note_set(
		    note, ERR_INVALID, "\"%s\" is not an address like 127.0.0.1:8125", address);
	}
	int failed = getaddrinfo(host, port, &hints, &found);
	if (failed != 0) {
		return err_note_set(note, ERR_NOT_FOUND, "%s: %s", address, gai_strerror(failed));
	}
	int fd = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	enum err e = ERR_OK;
	if (fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen) != 0) {
		e = err_note_set(note, ERR_SYSTEM, "%s: %s", address, strerror(errno));
		if (fd >= 0) {
			close(fd);
		}
	} else {
		*ret_fd = fd;
	}
	freeaddrinfo(found);
	return e;
}
