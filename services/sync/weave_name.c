/*
 * Names of users of the old protocol, and which account and store they have.
 */
#include <openssl/sha.h>
#include <string.h>

#include "accounts/account.h"
#include "services/sync/db.h"
#include "services/sync/weave.h"

enum {
	HASH_CHARS = 32 /* base32 of 20 bytes */
};

static const char base32_digits[] = "abcdefghijklmnopqrstuvwxyz234567";

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

void weave_name_of_address(struct slice address, char out[WEAVE_NAME_MAX + 1])
{
	unsigned char digest[SHA_DIGEST_LENGTH];
	char text[EMAIL_MAX_BYTES];
	size_t len = address.len < sizeof(text) ? address.len : sizeof(text);
	unsigned bits = 0, n_bits = 0, n = 0;

	for (size_t i = 0; i < len; i++) {
		text[i] = lower(address.ptr[i]);
	}
	memset(digest, 0, sizeof(digest));
	(void)SHA1((const unsigned char *)text, len, digest);
	for (size_t i = 0; i < sizeof(digest); i++) {
		bits = (bits << 8 | digest[i]) & 0xffffu;
		for (n_bits += 8; n_bits >= 5; n_bits -= 5) {
			out[n++] = base32_digits[bits >> (n_bits - 5) & 31u];
		}
	}
	out[n] = '\0';
}

bool weave_name_is_hash(const char *name)
{
	return strlen(name) == HASH_CHARS && strspn(name, base32_digits) == HASH_CHARS;
}

bool weave_name(struct slice text, char out[WEAVE_NAME_MAX + 1])
{
	if (slice_find(text, '@', 0) < text.len) {
		weave_name_of_address(text, out);
		return text.len <= EMAIL_MAX_BYTES;
	}
	if (text.len < 1 || text.len > WEAVE_NAME_MAX) {
		return false;
	}
	for (size_t i = 0; i < text.len; i++) {
		char c = lower(text.ptr[i]);
		bool is_good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
			       c == '_' || c == '-';
		if (!is_good) {
			return false;
		}
		out[i] = c;
	}
	out[text.len] = '\0';
	return true;
}

enum err weave_user_find(struct sql_db *db, struct arena *arena, const char *name,
    struct weave_user *ret, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sync_begin(db, SYNC_WEAVE_USER, &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "username", slice_str(name));
	e = sql_step(q);
	if (e == ERR_OK) {
		ret->account_id = sql_col_i64(q, 0);
		ret->uid = sql_col_i64(q, 1);
		e = arena_copy(arena, sql_col_text(q, 2), &ret->address);
	}
	sql_end(q);
	if (e != ERR_OK) {
		return e == ERR_END ? ERR_NOT_FOUND : e;
	}
	return slice_to_cstr(slice_str(name), ret->name, sizeof(ret->name));
}
