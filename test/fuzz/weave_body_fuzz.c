/*
 * Bodies of the old storage protocol. What is taken must be what a store can keep, and the answer
 * must be JSON.
 */
#include "core/base/check.h"
#include "core/base/json.h"
#include "services/sync/weave.h"
#include "test/fuzz/fuzz.h"

static void check_json(const struct buf *text)
{
	struct arena arena = arena_new(16 * 1024 * 1024);
	const struct json *doc = NULL;
	struct err_note note;
	enum err e = json_parse(&arena, buf_slice(text), &doc, &note);

	/* Twice the same bad id is a name twice, and that alone. */
	CHECK(e == ERR_OK || e == ERR_SYNTAX || e == ERR_MEMORY);
	arena_reset(&arena);
}

static void check_records(const struct sync_upload *u)
{
	struct wire_reader r = wire_reader_new(buf_slice(&u->records));
	struct sync_record record;
	int64_t n = 0;

	while (sync_record_take(&r, &record)) {
		n++;
		CHECK(sync_id_is_good(record.id) && record.payload.len <= WEAVE_RECORD_BYTES);
		CHECK(
		    record.parentid.len <= SYNC_ID_MAX && record.predecessorid.len <= SYNC_ID_MAX);
		CHECK(record.ttl_s >= 0 && record.ttl_s <= WEAVE_TTL_MAX);
		CHECK(record.sortindex >= -SYNC_SORTINDEX_MAX &&
		      record.sortindex <= SYNC_SORTINDEX_MAX);
	}
	CHECK(!r.bad && n == u->n && n <= WEAVE_POST_RECORDS);
}

/* The first byte says which form and whether an id stands in the path. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sync_upload u;
	enum weave_body_kind kind;
	struct err_note note = { 0 };

	if (size == 0) {
		return 0;
	}
	struct slice id = (data[0] & 2) != 0 ? SLICE("id") : SLICE_EMPTY;
	enum err e =
	    weave_body_read(SLICE_OF(data + 1, size - 1), (data[0] & 1) != 0, id, &u, &kind, &note);
	if (e == ERR_OK) {
		check_records(&u);
		check_json(&u.success);
		check_json(&u.failed);
	}
	sync_upload_free(&u);
	return 0;
}
