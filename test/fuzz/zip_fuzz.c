/*
 * Archives of strangers: listing, finding members and unpacking them, all as the role files does
 * it. What is unpacked is as large as the archive says and not one byte larger; what is written in
 * gzip form unpacks to the same content; no two members that are told of share their bytes.
 */
#include "test/fuzz/fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/check.h"
#include "services/symbols/unpack.h"
#include "services/symbols/zip.h"

enum {
	MEMBERS_MAX = 50,
	UNPACKED_MAX = 4 * 1024 * 1024
};

/* An archive and what has been told of it. */
struct world {
	int fd, out;
	uint64_t size, unpacked;
	unsigned n;
	uint64_t from[MEMBERS_MAX], to[MEMBERS_MAX];
};

/* What was stored, unpacked again. */
static void check_stored(const struct world *w, const struct unpacked *u)
{
	static struct unpacked again;
	struct err_note note = { 0 };
	const struct unpack_source source = {
		.fd = w->out, .len = u->stored_size, .form = UNPACK_GZIP, .size = u->size
	};

	CHECK(unpack(&source, -1, true, &again, &note) == ERR_OK);
	CHECK(again.size == u->size);
	CHECK(memcmp(again.sha256, u->sha256, sizeof(u->sha256)) == 0);
	CHECK(memcmp(again.md5, u->md5, sizeof(u->md5)) == 0);
	CHECK(again.head_len == u->head_len && memcmp(again.head, u->head, u->head_len) == 0);
}

static enum err on_member(void *arg, const struct zip_member *m)
{
	static struct unpacked u;
	struct world *w = arg;
	struct err_note note = { 0 };
	struct sym_head head;
	uint64_t at = 0;

	CHECK(m->name.len <= ZIP_NAME_MAX && memchr(m->name.ptr, '\0', m->name.len) == NULL);
	w->unpacked += m->size;
	CHECK(w->unpacked <= UNPACKED_MAX && w->n < MEMBERS_MAX);
	if (zip_data(w->fd, w->size, m, &at, &note) != ERR_OK) {
		CHECK(note.text[0] != '\0');
		return ERR_OK;
	}
	CHECK(at + m->packed <= w->size);
	for (unsigned i = 0; i < w->n; i++) {
		CHECK(m->header >= w->to[i] || m->header + 1 <= w->from[i]);
	}
	w->from[w->n] = m->header;
	w->to[w->n++] = m->header + m->packed;
	const struct unpack_source source = { .fd = w->fd,
		.at = at,
		.len = m->packed,
		.form = m->method == ZIP_STORED ? UNPACK_PLAIN : UNPACK_DEFLATE,
		.knows_size = true,
		.size = m->size,
		.crc = m->crc };
	CHECK(ftruncate(w->out, 0) == 0);
	if (unpack(&source, w->out, true, &u, &note) == ERR_OK) {
		CHECK(u.size == m->size);
		check_stored(w, &u);
		sym_head_read(SLICE_OF(u.head, u.head_len), &head);
	}
	return ERR_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int in = -1, out = -1;
	struct err_note note = { 0 };

	if (in < 0) {
		in = memfd_create("archive", MFD_CLOEXEC);
		out = memfd_create("stored", MFD_CLOEXEC);
		CHECK(in >= 0 && out >= 0);
	}
	struct world w = { .fd = in, .out = out, .size = size };
	CHECK(ftruncate(in, 0) == 0 && pwrite(in, data, size, 0) == (ssize_t)size);
	enum err e = zip_list(in, size, MEMBERS_MAX, UNPACKED_MAX, on_member, &w, &note);
	CHECK(e == ERR_OK || note.text[0] != '\0');
	return 0;
}
