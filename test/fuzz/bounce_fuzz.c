/*
 * Reports of mail servers: whatever comes, a bounce that is taken has a token of ours, a status of
 * RFC 3463 and one line of plain words, and survives the way to the store.
 */
#include "test/fuzz/fuzz.h"

#include <string.h>

#include "accounts/mail_address.h"
#include "core/base/check.h"

static void look(const struct bounce *b)
{
	struct buf message = buf_new(1024);
	struct bounce back;

	CHECK(strlen(b->verp) == VERP_LEN && b->address[0] == '\0');
	CHECK((b->status[0] == '4' || b->status[0] == '5') && b->status[1] == '.');
	for (const char *c = b->told; *c != '\0'; c++) {
		CHECK(*c >= ' ' && *c < 0x7f);
	}
	mail_bounced_put(&message, b);
	CHECK(!message.failed && mail_bounced_take(buf_slice(&message), &back));
	CHECK(strcmp(back.status, b->status) == 0 && back.is_permanent == b->is_permanent);
	buf_free(&message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err_note note = { 0 };
	struct bounce b;
	enum err e = bounce_parse(SLICE_OF(data, size), SLICE_EMPTY, &b, &note);

	CHECK(e == ERR_OK || e == ERR_NOT_FOUND || e == ERR_UNSUPPORTED);
	if (e == ERR_OK) {
		look(&b);
	}
	bounce_from_reply(SLICE_OF(data, size), &b);
	CHECK(b.status[0] == '4' || b.status[0] == '5');
	return 0;
}
