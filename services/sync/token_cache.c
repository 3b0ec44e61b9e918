/*
 * Tokens that were read lately. Only good ones are kept, so nobody fills the table with nonsense;
 * their secrets may have changed only with the process.
 */
#include "services/sync/token_cache.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

enum {
	FXA_MAX = 72 /* bytes of an id that is kept; longer ones are read each time */
};

/* One kept token; text of length 0: the place is free. */
struct entry {
	uint32_t len;
	char text[TOKEN_CACHE_TEXT_MAX];
	char key[TOKEN_KEY_SIZE];
	int64_t uid, expires_s;
	char fxa_uid[FXA_MAX], fxa_kid[FXA_MAX];
};

struct token_cache {
	struct entry places[TOKEN_CACHE_PLACES]; /* untouched ones take no memory */
};

enum err token_cache_new(struct token_cache **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret == NULL ? ERR_MEMORY : ERR_OK;
}

void token_cache_free(struct token_cache **c)
{
	if (*c != NULL) {
		OPENSSL_cleanse(*c, sizeof(**c));
		free(*c);
		*c = NULL;
	}
}

/* The end of a token is its signature: random enough to choose a place by. */
static struct entry *place_of(struct token_cache *c, struct slice text)
{
	uint64_t bits = 0;

	memcpy(&bits, text.ptr + text.len - 12, sizeof(bits));
	return &c->places[(bits * UINT64_C(0x9e3779b97f4a7c15)) >> 53];
}

static void keep(struct entry *e, struct slice text, const struct token *t, const char *key)
{
	struct entry n = { .len = 0 };

	if (slice_to_cstr(t->fxa_uid, n.fxa_uid, sizeof(n.fxa_uid)) != ERR_OK ||
	    slice_to_cstr(t->fxa_kid, n.fxa_kid, sizeof(n.fxa_kid)) != ERR_OK) {
		return;
	}
	memcpy(n.text, text.ptr, text.len);
	memcpy(n.key, key, sizeof(n.key));
	n.uid = t->uid;
	n.expires_s = t->expires_s;
	n.len = (uint32_t)text.len;
	*e = n;
	OPENSSL_cleanse(&n, sizeof(n));
}

enum err token_cache_read(struct token_cache *c, const struct token_secrets *s, struct arena *arena,
    struct slice text, struct token *ret, char ret_key[TOKEN_KEY_SIZE])
{
	_Static_assert(TOKEN_CACHE_PLACES == 1 << 11, "eleven bits choose a place");

	if (text.len < 16 || text.len > TOKEN_CACHE_TEXT_MAX) {
		return token_read(s, arena, text, ret, ret_key);
	}
	struct entry *e = place_of(c, text);
	if (e->len == text.len && memcmp(e->text, text.ptr, text.len) == 0) {
		*ret = (struct token){ .uid = e->uid,
			.expires_s = e->expires_s,
			.node = SLICE_EMPTY,
			.salt = SLICE_EMPTY,
			.fxa_uid = slice_str(e->fxa_uid),
			.fxa_kid = slice_str(e->fxa_kid),
			.hashed_fxa_uid = SLICE_EMPTY,
			.hashed_device_id = SLICE_EMPTY };
		memcpy(ret_key, e->key, sizeof(e->key));
		return ERR_OK;
	}
	enum err err = token_read(s, arena, text, ret, ret_key);
	if (err == ERR_OK) {
		keep(e, text, ret, ret_key);
	}
	return err;
}
