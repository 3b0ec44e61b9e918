/*
 * JWTs and key sets from other servers: nothing crashes, and no text passes as signed.
 */
#include "test/fuzz/fuzz.h"

#include "core/base/check.h"
#include "services/sync/jwt.h"

/* Of RSA with 512 bits: that these digits are no key does not matter where nobody has its half. */
static const char key_set[] =
    "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"one\",\"e\":\"AQAB\",\"n\":\"uKdD3Mn0Zs6DqR9nHkFqXn0qfJk"
    "vQ0h4b1yYpWm2b8m5kzV7oXx1l2v0c3mP8sT6wZ4yQ1r9d5fG7hJ3kL2pNw\"}]}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct jwt_keys keys;
	struct arena arena = arena_new(256 * 1024);
	struct jwt_keys other = { .n = 0 };
	const struct json *claims = NULL;
	struct slice text = SLICE_OF(data, size);

	if (keys.n == 0) {
		CHECK(jwt_keys_parse(slice_str(key_set), &keys, NULL) == ERR_OK);
	}
	CHECK(jwt_claims(&keys, &arena, text, JWT_ACCESS_TOKEN, 0, &claims, NULL) != ERR_OK);
	CHECK(jwt_claims(&keys, &arena, text, JWT_EVENTS, 0, &claims, NULL) != ERR_OK);
	if (jwt_keys_parse(text, &other, NULL) == ERR_OK) {
		CHECK(other.n > 0 && other.n <= JWT_KEYS_MAX);
		jwt_keys_free(&other);
	}
	arena_reset(&arena);
	return 0;
}
