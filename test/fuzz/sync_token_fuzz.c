/*
 * Tokens from outside. What is inside one is signed, so the input is taken twice: as a token, and
 * as the texts that a token of ours is made of, which must come back.
 */
#include "test/fuzz/fuzz.h"

#include "core/base/check.h"
#include "services/sync/token.h"

static struct token_secrets secrets;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = arena_new(256 * 1024);
	struct buf text = buf_new(2 * TOKEN_MAX);
	char key[TOKEN_KEY_SIZE], again[TOKEN_KEY_SIZE];
	struct token t, read;

	if (secrets.n == 0) {
		CHECK(token_secret_init(SLICE("secret"), &secrets.list[0]) == ERR_OK);
		secrets.n = 1;
	}
	CHECK(token_read(&secrets, &arena, SLICE_OF(data, size), &read, key) != ERR_OK);
	t = (struct token){ .uid = (int64_t)size, .expires_s = 1, .node = SLICE_OF(data, size) };
	if (token_make(&secrets, &t, &text, key) == ERR_OK) {
		CHECK(token_read(&secrets, &arena, buf_slice(&text), &read, again) == ERR_OK);
		CHECK(read.uid == t.uid && slice_eq(slice_str(key), slice_str(again)));
	}
	buf_free(&text);
	arena_reset(&arena);
	return 0;
}
