/*
 * The call as web makes it; section_work.c has the other side.
 */
#include "services/symbols/section_calls.h"

#include <openssl/evp.h>

#include "core/base/wire.h"
#include "core/ev/task.h"

/* Names change with the form, so that an older program's sections are simply not there. */
#define SECTION_FORM "sec1"

enum err section_blob(struct slice blob, struct slice section, char ret[BLOB_NAME_SIZE])
{
	EVP_MD_CTX *hash = EVP_MD_CTX_new();
	unsigned char digest[EVP_MAX_MD_SIZE];
	bool good = hash != NULL && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1 &&
		    EVP_DigestUpdate(hash, blob.ptr, blob.len) == 1 &&
		    EVP_DigestUpdate(hash, "\n", 1) == 1 &&
		    EVP_DigestUpdate(hash, section.ptr, section.len) == 1 &&
		    EVP_DigestFinal_ex(hash, digest, NULL) == 1;

	EVP_MD_CTX_free(hash);
	if (good) {
		blob_name_of(digest, SECTION_FORM, ret);
	}
	return good ? ERR_OK : ERR_CRYPTO;
}

enum err section_cut(
    const struct file_caller *c, struct slice blob, bool is_gzip, struct slice section)
{
	struct buf message = buf_new(symbols_section_cut.max_req);

	wire_put_bytes(&message, blob);
	wire_put_u8(&message, is_gzip ? 1 : 0);
	wire_put_bytes(&message, section);
	enum err e = message.failed ? ERR_LIMIT
				    : rpc_call(c->files, &symbols_section_cut, buf_slice(&message),
					  DEADLINE_NONE, c->trace, c->arena, NULL, c->note);
	buf_free(&message);
	return e;
}
