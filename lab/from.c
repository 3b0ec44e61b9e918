/*
 * The list is made once; connections take its addresses in turn.
 */
#include "lab/from.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/slice.h"

enum {
	ADDRESS_BYTES = 64
};

static bool parse_address(struct slice text, struct sockaddr_storage *ret)
{
	char copy[ADDRESS_BYTES] = "";
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

	if (text.len == 0 || text.len >= sizeof(copy)) {
		return false;
	}
	memcpy(copy, text.ptr, text.len);
	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, copy, &v4.sin_addr) == 1) {
		memcpy(ret, &v4, sizeof(v4));
		return true;
	}
	if (inet_pton(AF_INET6, copy, &v6.sin6_addr) == 1) {
		memcpy(ret, &v6, sizeof(v6));
		return true;
	}
	return false;
}

static socklen_t length(const struct sockaddr_storage *a)
{
	return a->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

static enum err add(struct from *f, const struct sockaddr_storage *address, struct err_note *note)
{
	if (f->n == FROM_MAX) {
		return err_note_set(note, ERR_LIMIT, "--from: more than %d addresses", FROM_MAX);
	}
	f->addresses[f->n++] = *address;
	return ERR_OK;
}

static uint32_t number(const struct sockaddr_storage *a)
{
	struct sockaddr_in v4;

	memcpy(&v4, a, sizeof(v4));
	return ntohl(v4.sin_addr.s_addr);
}

static enum err add_range(struct from *f, struct slice piece, struct err_note *note)
{
	struct sockaddr_storage first, last;
	size_t dash = slice_find(piece, '-', 0);
	enum err e = ERR_OK;

	if (!parse_address(slice_sub(piece, 0, dash), &first) ||
	    !parse_address(
		dash == piece.len ? piece : slice_sub(piece, dash + 1, piece.len), &last) ||
	    (dash < piece.len && (first.ss_family != AF_INET || last.ss_family != AF_INET ||
				     number(&last) < number(&first)))) {
		return err_note_set(note, ERR_INVALID,
		    "--from: \"%.*s\" is no address and no range of them", SLICE_ARG(piece));
	}
	if (dash == piece.len) {
		return add(f, &first, note);
	}
	for (uint64_t n = number(&first); e == ERR_OK && n <= number(&last); n++) {
		const struct sockaddr_in v4 = { .sin_family = AF_INET,
			.sin_addr = { htonl((uint32_t)n) } };
		struct sockaddr_storage one = { 0 };
		memcpy(&one, &v4, sizeof(v4));
		e = add(f, &one, note);
	}
	return e;
}

static const char *address_text(const struct sockaddr_storage *a, char *out)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	memcpy(&v4, a, sizeof(v4));
	memcpy(&v6, a, sizeof(v6));
	return a->ss_family == AF_INET ? inet_ntop(AF_INET, &v4.sin_addr, out, ADDRESS_BYTES)
				       : inet_ntop(AF_INET6, &v6.sin6_addr, out, ADDRESS_BYTES);
}

/* Each is tried once, so that a wrong one is told at once and not by thousands of failures. */
static enum err try_all(struct from *f, sa_family_t family, struct err_note *note)
{
	char text[ADDRESS_BYTES];

	for (unsigned i = 0; i < f->n; i++) {
		const struct sockaddr_storage *a = &f->addresses[i];
		if (a->ss_family != family) {
			return err_note_set(note, ERR_INVALID,
			    "--from: %s is of another family than the target's address",
			    address_text(a, text));
		}
		int fd = socket(a->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		int failed = fd < 0 ? errno : from_bind(f, fd);
		if (fd >= 0) {
			close(fd);
		}
		if (failed != 0) {
			return err_note_set(note, ERR_INVALID, "--from: %s cannot be used: %s",
			    address_text(a, text), strerror(failed));
		}
	}
	return ERR_OK;
}

enum err from_parse(const char *text, sa_family_t family, struct from *ret, struct err_note *note)
{
	struct slice rest = slice_str(text);
	struct from f = { .addresses = calloc(FROM_MAX, sizeof(*f.addresses)) };
	enum err e = f.addresses == NULL ? ERR_MEMORY : ERR_OK;

	for (struct slice piece; e == ERR_OK && slice_split(&rest, ',', &piece);) {
		e = add_range(&f, slice_trim(piece), note);
	}
	if (e == ERR_OK && f.n == 0) {
		e = err_note_set(note, ERR_INVALID, "--from: no address");
	}
	if (e == ERR_OK) {
		e = try_all(&f, family, note);
	}
	if (e != ERR_OK) {
		from_fini(&f);
		return e;
	}
	*ret = f;
	return ERR_OK;
}

void from_fini(struct from *f)
{
	free(f->addresses);
	*f = (struct from){ .n = 0 };
}

int from_bind(struct from *f, int fd)
{
	const int yes = 1;
	const struct sockaddr_storage *a = &f->addresses[f->next];

	f->next = (f->next + 1) % f->n;
	(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof(yes));
	return bind(fd, (const struct sockaddr *)a, length(a)) == 0 ? 0 : errno;
}
