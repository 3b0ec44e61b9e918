/*
 * Support documents of other domains, /.well-known/browserid.
 */
#include "test/fuzz/fuzz.h"

#include "core/base/check.h"
#include "core/base/json.h"
#include "services/identity/param_type.h"
#include "services/identity/pubkey.h"
#include "services/identity/support_document.h"

enum {
	ARENA_MAX = 1 << 20
};

/* What goes into a page behind "https://host" cannot leave its attribute or its line. */
static void check_path(struct slice path)
{
	CHECK(path.len > 0 && path.len <= SUPPORT_PATH_MAX && path.ptr[0] == '/');
	for (size_t i = 0; i < path.len; i++) {
		CHECK(path.ptr[i] > ' ' && path.ptr[i] < 0x7f);
		CHECK(path.ptr[i] != '"' && path.ptr[i] != '<' && path.ptr[i] != '>');
	}
}

/* A key that was taken is one that verifying takes. */
static void check_key(struct arena *arena, struct slice text)
{
	const struct json *v = NULL;
	struct pubkey key = { .verifier = NULL };

	CHECK(text.len <= SUPPORT_KEY_MAX);
	CHECK(json_parse(arena, text, &v, NULL) == ERR_OK);
	CHECK(pubkey_parse(v, &key, NULL) == ERR_OK);
	pubkey_free(&key);
}

static void check_host(struct slice host)
{
	CHECK(hostname_is_valid(host));
	for (size_t i = 0; i < host.len; i++) {
		CHECK(host.ptr[i] < 'A' || host.ptr[i] > 'Z');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = arena_new(ARENA_MAX);
	struct support_document d;
	enum err e = support_document_parse(&arena, SLICE_OF(data, size), &d);

	CHECK(e == ERR_OK || e == ERR_INVALID || e == ERR_MEMORY);
	if (e == ERR_OK && d.kind == SUPPORT_KEY) {
		check_path(d.auth_path);
		check_path(d.prov_path);
		check_key(&arena, d.key_json);
	} else if (e == ERR_OK && d.kind == SUPPORT_AUTHORITY) {
		check_host(d.authority);
	}
	arena_reset(&arena);
	return 0;
}
