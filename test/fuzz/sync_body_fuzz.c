/*
 * Bodies of PUT and POST to the storage. The first byte says which, and whether records come by
 * lines. What is taken is within the limits, can be read back, and every record is named once: as
 * a success or as a failure.
 */
#include "test/fuzz/fuzz.h"

#include "core/base/check.h"
#include "core/base/json.h"
#include "services/sync/bso_body.h"

enum {
	ARENA_MAX = 16 * 1024 * 1024
};

static const struct sync_limits limits = {
	.post_records = 5, .post_bytes = 60, .record_bytes = 20, .request_bytes = 4096
};

static void check_record(const struct sync_record *r)
{
	CHECK(sync_id_is_good(r->id) && (int64_t)r->payload.len <= limits.record_bytes);
	CHECK(!r->has_ttl || (r->ttl_s >= 0 && r->ttl_s <= SYNC_TTL_MAX));
	CHECK(!r->has_sortindex ||
	      (r->sortindex >= -SYNC_SORTINDEX_MAX && r->sortindex <= SYNC_SORTINDEX_MAX));
}

/* The run against what was said of it. */
static void check_upload(const struct sync_upload *u)
{
	struct arena arena = arena_new(ARENA_MAX);
	const struct json *success = NULL, *failed = NULL;
	struct wire_reader reader = wire_reader_new(buf_slice(&u->records));
	struct sync_record r;
	int64_t n = 0, bytes = 0;

	CHECK(json_parse(&arena, buf_slice(&u->success), &success, NULL) == ERR_OK);
	CHECK(json_parse(&arena, buf_slice(&u->failed), &failed, NULL) == ERR_OK);
	CHECK(json_kind(failed) == JSON_KIND_OBJECT);
	while (sync_record_take(&reader, &r)) {
		struct slice id;
		check_record(&r);
		CHECK(json_get_string(json_element(success, (size_t)n), &id) && slice_eq(id, r.id));
		bytes += (int64_t)r.payload.len;
		n++;
	}
	CHECK(!reader.bad && n == u->n && n == (int64_t)json_count(success));
	CHECK(n <= limits.post_records && bytes <= limits.post_bytes);
	arena_reset(&arena);
}

static void check_item(const struct sync_upload *u)
{
	struct wire_reader reader = wire_reader_new(buf_slice(&u->records));
	struct sync_record r;

	CHECK(u->n == 1 && sync_record_take(&reader, &r) && reader.rest.len == 0);
	check_record(&r);
	CHECK(slice_eq(r.id, SLICE("id")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sync_upload u;
	struct err_note note = { 0 };

	if (size == 0) {
		return 0;
	}
	struct slice body = SLICE_OF(data + 1, size - 1);
	struct slice collection = (data[0] & 1) != 0 ? SLICE("crypto") : SLICE("bookmarks");
	if ((data[0] & 2) != 0) {
		enum err e = sync_item_read(body, collection, SLICE("id"), &limits, &u, &note);
		CHECK(e == ERR_OK || e == ERR_INVALID || e == ERR_LIMIT);
		if (e == ERR_OK) {
			check_item(&u);
		}
	} else {
		enum err e =
		    sync_upload_read(body, (data[0] & 4) != 0, collection, &limits, &u, &note);
		CHECK(e == ERR_OK || e == ERR_INVALID);
		if (e == ERR_OK) {
			check_upload(&u);
		}
	}
	sync_upload_free(&u);
	return 0;
}
