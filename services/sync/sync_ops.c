/*
 * The operations of the service, one row each.
 */
#include "services/sync/fx.h"
#include "services/sync/sync_priv.h"
#include "services/sync/token_server.h"
#include "services/sync/weave.h"

enum {
	BODY_MAX = 8392704 /* bytes; what [sync] max_request_bytes can be at most */
};

/* clang-format off */
const struct op sync_ops[SYNC_OPS] = {
	{ "sync.info_collections", HTTP_GET, "/1.5/{uid:digits}/info/collections", COST_READ, SHED_FIRST, 10000, 0, OP_INLINE | OP_BEGINS, sync_info_collections },
	{ "sync.info_collection_counts", HTTP_GET, "/1.5/{uid:digits}/info/collection_counts", COST_READ, SHED_EARLY, 10000, 0, OP_INLINE, sync_info_counts },
	{ "sync.info_collection_usage", HTTP_GET, "/1.5/{uid:digits}/info/collection_usage", COST_READ, SHED_EARLY, 10000, 0, OP_INLINE, sync_info_usage },
	{ "sync.info_quota", HTTP_GET, "/1.5/{uid:digits}/info/quota", COST_READ, SHED_EARLY, 10000, 0, OP_INLINE, sync_info_quota },
	{ "sync.info_configuration", HTTP_GET, "/1.5/{uid:digits}/info/configuration", COST_MEMORY, SHED_EARLY, 10000, 0, OP_INLINE, sync_info_configuration },
	{ "sync.get_item", HTTP_GET, "/1.5/{uid:digits}/storage/{collection}/{item}", COST_READ, SHED_LATE, 10000, 0, OP_INLINE, sync_get_item },
	{ "sync.put_item", HTTP_PUT, "/1.5/{uid:digits}/storage/{collection}/{item}", COST_WRITE, SHED_LATE, 60000, BODY_MAX, OP_STREAM | OP_STEP, sync_put_item },
	{ "sync.delete_item", HTTP_DELETE, "/1.5/{uid:digits}/storage/{collection}/{item}", COST_WRITE, SHED_LATE, 30000, 0, OP_STEP, sync_delete_item },
	{ "sync.get_list", HTTP_GET, "/1.5/{uid:digits}/storage/{collection}", COST_READ, SHED_LATE, 300000, 0, 0, sync_get_list },
	{ "sync.post_list", HTTP_POST, "/1.5/{uid:digits}/storage/{collection}", COST_WRITE, SHED_LAST, 60000, BODY_MAX, OP_STREAM | OP_STEP, sync_post_list },
	{ "sync.delete_list", HTTP_DELETE, "/1.5/{uid:digits}/storage/{collection}", COST_WRITE, SHED_LATE, 30000, 0, OP_STEP, sync_delete_list },
	{ "sync.delete_storage", HTTP_DELETE, "/1.5/{uid:digits}/storage", COST_WRITE, SHED_LATE, 30000, 0, 0, sync_delete_all },
	{ "sync.delete_user", HTTP_DELETE, "/1.5/{uid:digits}", COST_WRITE, SHED_LATE, 30000, 0, 0, sync_delete_all },
	{ "sync.delete_user_slash", HTTP_DELETE, "/1.5/{uid:digits}/", COST_WRITE, SHED_LATE, 30000, 0, 0, sync_delete_all },
	{ "sync.no_such_path", HTTP_GET, "/1.5/{rest*}", COST_MEMORY, SHED_EARLY, 1000, 0, OP_INLINE, sync_not_found },
	{ "sync.storage_preflight", HTTP_OPTIONS, "/1.5/{rest*}", COST_MEMORY, SHED_LAST, 1000, 0, OP_INLINE, sync_preflight },
	/* The storage and user API of versions 1.0 and 1.1. */
	{ "sync.weave_info", HTTP_GET, "/{version:token}/{user}/info/{rest*}", COST_READ, SHED_FIRST, 10000, 0, OP_BEGINS, weave_info },
	{ "sync.weave_get", HTTP_GET, "/{version:token}/{user}/storage/{rest*}", COST_READ, SHED_LATE, 300000, 0, 0, weave_get },
	{ "sync.weave_put", HTTP_PUT, "/{version:token}/{user}/storage/{rest*}", COST_WRITE, SHED_LATE, 60000, WEAVE_BODY_MAX, OP_STREAM | OP_STEP, weave_put },
	{ "sync.weave_post", HTTP_POST, "/{version:token}/{user}/storage/{rest*}", COST_WRITE, SHED_LAST, 60000, WEAVE_BODY_MAX, OP_STREAM | OP_STEP, weave_post },
	{ "sync.weave_delete", HTTP_DELETE, "/{version:token}/{user}/storage/{rest*}", COST_WRITE, SHED_LATE, 60000, 0, OP_STEP, weave_delete },
	{ "sync.weave_delete_storage", HTTP_DELETE, "/{version:token}/{user}/storage", COST_WRITE, SHED_LATE, 30000, 0, 0, weave_delete_all },
	{ "sync.weave_delete_1", HTTP_DELETE, "/1/{user}", COST_WRITE, SHED_LATE, 30000, 0, 0, weave_delete_all },
	{ "sync.weave_delete_1_slash", HTTP_DELETE, "/1/{user}/", COST_WRITE, SHED_LATE, 30000, 0, 0, weave_delete_all },
	{ "sync.weave_delete_1_0", HTTP_DELETE, "/1.0/{user}", COST_WRITE, SHED_LATE, 30000, 0, 0, weave_delete_all },
	{ "sync.weave_delete_1_0_slash", HTTP_DELETE, "/1.0/{user}/", COST_WRITE, SHED_LATE, 30000, 0, 0, weave_delete_all },
	{ "sync.weave_delete_1_1", HTTP_DELETE, "/1.1/{user}", COST_WRITE, SHED_LATE, 30000, 0, 0, weave_delete_all },
	{ "sync.weave_delete_1_1_slash", HTTP_DELETE, "/1.1/{user}/", COST_WRITE, SHED_LATE, 30000, 0, 0, weave_delete_all },
	{ "sync.weave_user_get_bare", HTTP_GET, "/user/{version:token}/{user}", COST_READ, SHED_MIDDLE, 30000, 0, 0, weave_user_get },
	{ "sync.weave_user_reset", HTTP_GET, "/user/{version:token}/{user}/password_reset", COST_WRITE, SHED_MIDDLE, 30000, 0, OP_MAILS, weave_user_reset },
	{ "sync.weave_user_reset_slash", HTTP_GET, "/user/{version:token}/{user}/password_reset/", COST_WRITE, SHED_MIDDLE, 30000, 0, OP_MAILS, weave_user_reset },
	{ "sync.weave_user_get", HTTP_GET, "/user/{version:token}/{user}/{rest*}", COST_READ, SHED_MIDDLE, 30000, 0, 0, weave_user_get },
	{ "sync.weave_user_put_bare", HTTP_PUT, "/user/{version:token}/{user}", COST_COMPUTE, SHED_MIDDLE, 30000, WEAVE_FORM_MAX, 0, weave_user_put },
	{ "sync.weave_user_put", HTTP_PUT, "/user/{version:token}/{user}/{rest*}", COST_COMPUTE, SHED_MIDDLE, 30000, WEAVE_FORM_MAX, 0, weave_user_put },
	{ "sync.weave_user_post", HTTP_POST, "/user/{version:token}/{user}/{rest*}", COST_COMPUTE, SHED_MIDDLE, 30000, WEAVE_FORM_MAX, 0, weave_user_post },
	{ "sync.weave_user_delete_bare", HTTP_DELETE, "/user/{version:token}/{user}", COST_COMPUTE, SHED_MIDDLE, 30000, 0, 0, weave_user_delete },
	{ "sync.weave_user_delete", HTTP_DELETE, "/user/{version:token}/{user}/{rest*}", COST_COMPUTE, SHED_MIDDLE, 30000, 0, 0, weave_user_delete },
	{ "sync.weave_captcha", HTTP_GET, "/misc/{version:token}/captcha_html", COST_MEMORY, SHED_MIDDLE, 1000, 0, OP_INLINE, weave_captcha },
	{ "sync.weave_reset_form", HTTP_GET, "/weave-password-reset", COST_MEMORY, SHED_MIDDLE, 1000, 0, OP_INLINE, weave_reset_form },
	{ "sync.weave_reset_use", HTTP_POST, "/weave-password-reset", COST_COMPUTE, SHED_LATE, 30000, WEAVE_FORM_MAX, 0, weave_reset_use },
	/* The token server. */
	{ "sync.token", HTTP_GET, "/token/1.0/{application}/{version}", COST_READ, SHED_FIRST, 10000, 0, OP_BEGINS, token_server_get },
	{ "sync.token_bare", HTTP_GET, "/1.0/sync/1.5", COST_READ, SHED_FIRST, 10000, 0, OP_BEGINS, token_server_get },
	{ "sync.token_events", HTTP_POST, "/token/1.0/webhooks/fxa/events", COST_WRITE, SHED_LATE, 10000, FX_BODY_MAX, 0, token_events_post },
	{ "sync.token_events_bare", HTTP_POST, "/1.0/webhooks/fxa/events", COST_WRITE, SHED_LATE, 10000, FX_BODY_MAX, 0, token_events_post },
	/* The accounts server for Firefox. */
	{ "sync.fx_configuration", HTTP_GET, "/.well-known/fxa-client-configuration", COST_MEMORY, SHED_LATE, 1000, 0, OP_INLINE, fx_configuration },
	{ "sync.fx_configuration_below", HTTP_GET, "/firefox/.well-known/fxa-client-configuration", COST_MEMORY, SHED_LATE, 1000, 0, OP_INLINE, fx_configuration },
	{ "sync.fx_openid_configuration", HTTP_GET, "/.well-known/openid-configuration", COST_MEMORY, SHED_LATE, 1000, 0, OP_INLINE, fx_openid_configuration },
	{ "sync.fx_openid_configuration_below", HTTP_GET, "/firefox/.well-known/openid-configuration", COST_MEMORY, SHED_LATE, 1000, 0, OP_INLINE, fx_openid_configuration },
	{ "sync.fx_jwks", HTTP_GET, "/v1/jwks", COST_MEMORY, SHED_LATE, 1000, 0, OP_INLINE, fx_jwks },
	{ "sync.fx_home", HTTP_GET, "/firefox", COST_MEMORY, SHED_LATE, 1000, 0, OP_INLINE, fx_home },
	{ "sync.fx_settings", HTTP_GET, "/settings", COST_MEMORY, SHED_LATE, 1000, 0, OP_INLINE, fx_home },
	{ "sync.fx_settings_below", HTTP_GET, "/settings/{rest*}", COST_MEMORY, SHED_LATE, 1000, 0, OP_INLINE, fx_home },
	{ "sync.fx_connect", HTTP_GET, "/connect_another_device", COST_MEMORY, SHED_LATE, 1000, 0, OP_INLINE, fx_home },
	{ "sync.fx_force_auth", HTTP_GET, "/oauth/force_auth", COST_MEMORY, SHED_LATE, 1000, 0, OP_INLINE, fx_home },
	{ "sync.fx_file", HTTP_GET, "/firefox/{rest*}", COST_MEMORY, SHED_NEVER, 1000, 0, OP_INLINE, fx_file },
	{ "sync.fx_credentials_status", HTTP_POST, "/v1/account/credentials/status", COST_READ, SHED_LATE, 5000, FX_BODY_MAX, 0, fx_credentials_status },
	{ "sync.fx_login", HTTP_POST, "/v1/account/login", COST_COMPUTE, SHED_MIDDLE, 5000, FX_BODY_MAX, 0, fx_login },
	{ "sync.fx_account_status", HTTP_GET, "/v1/account/status", COST_READ, SHED_LATE, 5000, 0, 0, fx_account_status },
	{ "sync.fx_get_keys", HTTP_GET, "/v1/account/keys", COST_WRITE, SHED_LATE, 10000, 0, 0, fx_get_keys },
	{ "sync.fx_set_keys", HTTP_POST, "/v1/account/keys", COST_WRITE, SHED_LAST, 10000, FX_BODY_MAX, 0, fx_set_keys },
	{ "sync.fx_scoped_key_data", HTTP_POST, "/v1/account/scoped-key-data", COST_READ, SHED_LATE, 5000, FX_BODY_MAX, 0, fx_scoped_key_data },
	{ "sync.fx_session_status", HTTP_GET, "/v1/session/status", COST_READ, SHED_LATE, 5000, 0, 0, fx_session_status },
	{ "sync.fx_session_destroy", HTTP_POST, "/v1/session/destroy", COST_WRITE, SHED_LAST, 10000, FX_BODY_MAX, 0, fx_session_destroy },
	{ "sync.fx_session_duplicate", HTTP_POST, "/v1/session/duplicate", COST_WRITE, SHED_MIDDLE, 10000, FX_BODY_MAX, 0, fx_session_duplicate },
	{ "sync.fx_session_reauth", HTTP_POST, "/v1/session/reauth", COST_COMPUTE, SHED_MIDDLE, 10000, FX_BODY_MAX, 0, fx_session_reauth },
	{ "sync.fx_email_status", HTTP_GET, "/v1/recovery_email/status", COST_READ, SHED_LATE, 5000, 0, 0, fx_email_status },
	{ "sync.fx_profile", HTTP_GET, "/v1/profile", COST_READ, SHED_FIRST, 5000, 0, 0, fx_profile },
	{ "sync.fx_authorization", HTTP_POST, "/v1/oauth/authorization", COST_WRITE, SHED_LAST, 10000, FX_BODY_MAX, 0, fx_authorization },
	{ "sync.fx_token", HTTP_POST, "/v1/oauth/token", COST_WRITE, SHED_LATE, 10000, FX_BODY_MAX, 0, fx_token },
	{ "sync.fx_token_short", HTTP_POST, "/v1/token", COST_WRITE, SHED_LATE, 10000, FX_BODY_MAX, 0, fx_token },
	{ "sync.fx_destroy", HTTP_POST, "/v1/oauth/destroy", COST_WRITE, SHED_LAST, 10000, FX_BODY_MAX, 0, fx_destroy },
	{ "sync.fx_destroy_short", HTTP_POST, "/v1/destroy", COST_WRITE, SHED_LAST, 10000, FX_BODY_MAX, 0, fx_destroy },
	{ "sync.fx_verify", HTTP_POST, "/v1/verify", COST_READ, SHED_LATE, 5000, FX_BODY_MAX, 0, fx_verify },
	{ "sync.fx_introspect", HTTP_POST, "/v1/introspect", COST_READ, SHED_LATE, 5000, FX_BODY_MAX, 0, fx_introspect },
	{ "sync.fx_set_device", HTTP_POST, "/v1/account/device", COST_WRITE, SHED_LATE, 10000, FX_BODY_MAX, 0, fx_set_device },
	{ "sync.fx_destroy_device", HTTP_POST, "/v1/account/device/destroy", COST_WRITE, SHED_LAST, 10000, FX_BODY_MAX, 0, fx_destroy_device },
	{ "sync.fx_list_devices", HTTP_GET, "/v1/account/devices", COST_READ, SHED_FIRST, 5000, 0, 0, fx_list_devices },
	{ "sync.fx_commands", HTTP_GET, "/v1/account/device/commands", COST_READ, SHED_FIRST, 5000, 0, 0, fx_commands },
	{ "sync.fx_notify", HTTP_POST, "/v1/account/devices/notify", COST_READ, SHED_FIRST, 5000, FX_BODY_MAX, 0, fx_notify },
	{ "sync.fx_invoke_command", HTTP_POST, "/v1/account/devices/invoke_command", COST_WRITE, SHED_EARLY, 10000, FX_BODY_MAX, 0, fx_invoke_command },
	{ "sync.fx_attached_clients", HTTP_GET, "/v1/account/attached_clients", COST_READ, SHED_FIRST, 5000, 0, 0, fx_attached_clients },
	{ "sync.fx_destroy_client", HTTP_POST, "/v1/account/attached_client/destroy", COST_WRITE, SHED_LAST, 10000, FX_BODY_MAX, 0, fx_destroy_device },
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
