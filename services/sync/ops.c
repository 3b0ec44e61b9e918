/*
 * The operations of the service, one row each.
 */
#include "services/sync/sync_priv.h"

enum {
	BODY_MAX = 8392704 /* bytes; what [sync] max_request_bytes can be at most */
};

/* clang-format off */
const struct op sync_ops[SYNC_OPS] = {
	{ "sync.info_collections", HTTP_GET, "/1.5/{uid:digits}/info/collections", COST_READ, SHED_FIRST, 10000, 0, OP_INLINE, sync_info_collections },
	{ "sync.info_collection_counts", HTTP_GET, "/1.5/{uid:digits}/info/collection_counts", COST_READ, SHED_EARLY, 10000, 0, OP_INLINE, sync_info_counts },
	{ "sync.info_collection_usage", HTTP_GET, "/1.5/{uid:digits}/info/collection_usage", COST_READ, SHED_EARLY, 10000, 0, OP_INLINE, sync_info_usage },
	{ "sync.info_quota", HTTP_GET, "/1.5/{uid:digits}/info/quota", COST_READ, SHED_EARLY, 10000, 0, OP_INLINE, sync_info_quota },
	{ "sync.info_configuration", HTTP_GET, "/1.5/{uid:digits}/info/configuration", COST_MEMORY, SHED_EARLY, 10000, 0, OP_INLINE, sync_info_configuration },
	{ "sync.get_item", HTTP_GET, "/1.5/{uid:digits}/storage/{collection}/{item}", COST_READ, SHED_LATE, 10000, 0, OP_INLINE, sync_get_item },
	{ "sync.put_item", HTTP_PUT, "/1.5/{uid:digits}/storage/{collection}/{item}", COST_WRITE, SHED_LATE, 60000, BODY_MAX, OP_STREAM, sync_put_item },
	{ "sync.delete_item", HTTP_DELETE, "/1.5/{uid:digits}/storage/{collection}/{item}", COST_WRITE, SHED_LATE, 30000, 0, 0, sync_delete_item },
	{ "sync.get_list", HTTP_GET, "/1.5/{uid:digits}/storage/{collection}", COST_READ, SHED_LATE, 300000, 0, 0, sync_get_list },
	{ "sync.post_list", HTTP_POST, "/1.5/{uid:digits}/storage/{collection}", COST_WRITE, SHED_LAST, 60000, BODY_MAX, OP_STREAM, sync_post_list },
	{ "sync.delete_list", HTTP_DELETE, "/1.5/{uid:digits}/storage/{collection}", COST_WRITE, SHED_LATE, 30000, 0, 0, sync_delete_list },
	{ "sync.delete_storage", HTTP_DELETE, "/1.5/{uid:digits}/storage", COST_WRITE, SHED_LATE, 30000, 0, 0, sync_delete_all },
	{ "sync.delete_user", HTTP_DELETE, "/1.5/{uid:digits}", COST_WRITE, SHED_LATE, 30000, 0, 0, sync_delete_all },
	{ "sync.delete_user_slash", HTTP_DELETE, "/1.5/{uid:digits}/", COST_WRITE, SHED_LATE, 30000, 0, 0, sync_delete_all },
	{ "sync.no_such_path", HTTP_GET, "/1.5/{rest*}", COST_MEMORY, SHED_EARLY, 1000, 0, OP_INLINE, sync_not_found },
	{ "sync.storage_preflight", HTTP_OPTIONS, "/1.5/{rest*}", COST_MEMORY, SHED_LAST, 1000, 0, OP_INLINE, sync_preflight },
};
/* clang-format on */

bool sync_op_is_collections(const struct op *op)
{
	return op->handle == sync_info_collections;
}

/*
 * Rates per million active users: the seed's 19 syncs a second of 30,000 users (sync.md 5.2), of
 * which the load test of the original makes a bit more than one POST in two (5.1).
 */
/* clang-format off */
const struct activity sync_activities[SYNC_ACTIVITIES] = {
	{ "sync.sync", "A browser began a sync: it asked what has changed.", { "sync.info_collections", NULL }, 633 },
	{ "sync.upload", "A browser sent records.", { "sync.post_list", "sync.put_item", NULL }, 0 },
	{ "sync.download", "A browser fetched records.", { "sync.get_list", "sync.get_item", NULL }, 0 },
};
/* clang-format on */
