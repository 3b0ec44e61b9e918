/*
 * What the files of services/sync share: the service's state per process, and its tables.
 */
#ifndef PLIMSOLL_SYNC_SYNC_PRIV_H
#define PLIMSOLL_SYNC_SYNC_PRIV_H

#include "accounts/public_url.h"
#include "core/service.h"
#include "services/sync/hawk_nonces.h"
#include "services/sync/jwt.h"
#include "services/sync/sync_backoff.h"
#include "services/sync/token.h"
#include "services/sync/token_cache.h"

/* What a user may do at most, as GET info/configuration tells it; inclusive. */
struct sync_limits {
	int64_t post_records, post_bytes;   /* of one request; bytes are those of payloads */
	int64_t record_bytes;		    /* of one payload */
	int64_t request_bytes;		    /* of one body */
	int64_t total_records, total_bytes; /* of a batch */
	int64_t quota_bytes;		    /* of a user's payloads; 0: no quota */
	int64_t batch_lifetime_ms;
	int64_t upload_memory; /* bodies that are being read, in this process */
	bool takes_parents;    /* of an import: what only the old protocol knows of records */
};

struct sync_state {
	struct svc_env *env;
	struct public_url url;
	struct sync_limits limits;

	/* web; the secrets are there when ready */
	struct hawk_nonces *nonces;
	struct token_secrets secrets;
	struct token_cache *tokens;
	struct jwt_keys jwt_keys; /* of another accounts server; n 0: none */
	/* X-Weave-Timestamp of the answer that is being begun; 0: what the clock says. */
	int64_t stamp_ms;
	int64_t upload_bytes; /* memory of bodies now */
	struct sync_backoff backoff;
	struct weave_cache *weave_cache; /* passwords of the old protocol; NULL: it is off */
};

/* The state in this process. */
struct sync_state *sync_state(const struct svc_env *env);

/* sync_ops.c */
enum {
	SYNC_OPS = 16 + 44 + 22
};
extern const struct op sync_ops[SYNC_OPS];
/* The row of GET info/collections, which a token may outlive. */
bool sync_op_is_collections(const struct op *op);

enum {
	SYNC_ACTIVITIES = 3
};
extern const struct activity sync_activities[SYNC_ACTIVITIES];

/* sync_conf.c */
enum {
	SYNC_CONF_KEYS = 26
};
extern const struct conf_key sync_conf_keys[SYNC_CONF_KEYS];
NODISCARD enum err sync_conf_check(const struct conf *conf, struct err_note *note);
struct sync_limits sync_limits_of(const struct conf *conf);

/* sync_site.c: what is common to all answers. */
void sync_decorate(struct op_call *c);
void sync_error(struct op_call *c, enum err e);
op_fn sync_preflight, sync_not_found, sync_wrong_method;

/* info.c, item.c, list.c, upload.c, remove.c */
op_fn sync_info_collections, sync_info_counts, sync_info_usage, sync_info_quota,
    sync_info_configuration, sync_get_item, sync_get_list, sync_put_item, sync_post_list,
    sync_delete_item, sync_delete_list, sync_delete_all;

/* fx_*.c: the accounts server for Firefox */
op_fn fx_configuration, fx_home, fx_file, fx_credentials_status, fx_login, fx_account_status,
    fx_get_keys, fx_set_keys, fx_scoped_key_data, fx_session_status, fx_session_destroy,
    fx_email_status, fx_profile, fx_authorization, fx_token, fx_destroy, fx_verify, fx_set_device,
    fx_destroy_device, fx_list_devices, fx_commands, fx_notify, fx_invoke_command,
    fx_attached_clients, fx_openid_configuration, fx_jwks, fx_session_duplicate, fx_session_reauth,
    fx_introspect;

/* weave_*.c: the protocol before 1.5 */
op_fn weave_info, weave_get, weave_put, weave_post, weave_delete, weave_delete_all, weave_user_get,
    weave_user_reset, weave_user_put, weave_user_post, weave_user_delete, weave_captcha,
    weave_reset_form, weave_reset_use;

/* audit.c */
NODISCARD enum err sync_audit(struct sql_db *db, struct err_note *note);
NODISCARD enum err sync_anonymise(struct sql_db *db, const char *password, struct err_note *note);

#endif
