/*
 * See http_test_tls.h.
 */
#include "test/harness/http_test_tls.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/tls/context.h"
#include "core/tls/keyset.h"

enum {
	HANDSHAKES_MAX = 1000,
	PERIOD_S = 3600
};

struct test_tls {
	struct tls_library library;
	struct tls_keyset set;
	struct tls_tickets tickets;
	struct tls_signer signer;
	struct tls_context *context;
};

static enum err sign(void *arg, const struct tls_id *id, uint16_t scheme, struct slice message,
    unsigned char *out, size_t *ret_len)
{
	const struct test_tls *t = arg;
	struct buf bytes = buf_new(TLS_SIGNATURE_MAX);
	struct err_note note = { 0 };
	enum err e = tls_keyset_sign(&t->set, id, scheme, message, &bytes, &note);

	if (e == ERR_OK) {
		memcpy(out, bytes.data, bytes.len);
		*ret_len = bytes.len;
	}
	buf_free(&bytes);
	return e;
}

struct test_tls *test_tls_open(const char *certificate, const char *key)
{
	struct test_tls *t = calloc(1, sizeof(*t));
	const struct tls_pair_files files = { .certificate_fd = open(certificate, O_RDONLY),
		.key_fd = open(key, O_RDONLY),
		.certificate = certificate,
		.key = key };
	struct buf chains = buf_new(TLS_CHAINS_MAX_BYTES);
	struct err_note note = { 0 };

	CHECK(t != NULL && tls_library_open(&t->library) == ERR_OK);
	if (tls_keyset_read(&files, 1, true, clock_wall_ms() / 1000, &t->set, &note) != ERR_OK) {
		fprintf(stderr, "%s\n", note.text);
		exit(2);
	}
	close(files.certificate_fd);
	close(files.key_fd);
	tls_keyset_write_chains(&t->set, &chains);
	tls_tickets_rotate(&t->tickets, INT64_MAX, 0);
	t->signer = (struct tls_signer){ sign, t };
	const struct tls_options options = { .library = t->library.ctx,
		.signer = &t->signer,
		.tickets = &t->tickets,
		.h2 = true,
		.ticket_lifetime_s = PERIOD_S };
	CHECK(tls_context_new(&options, buf_slice(&chains), &t->context, &note) == ERR_OK);
	buf_free(&chains);
	return t;
}

void test_tls_use(struct test_tls *t, struct http_server *s, int64_t handshake_us)
{
	http_server_set_tls(s, t->context, handshake_us, HANDSHAKES_MAX);
}

void test_tls_close(struct test_tls *t)
{
	if (t == NULL) {
		return;
	}
	tls_context_unref(&t->context);
	tls_keyset_fini(&t->set);
	tls_library_close(&t->library);
	free(t);
}
