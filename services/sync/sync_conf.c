/*
 * Configuration keys of [sync], and what of them cannot be.
 */
#include "services/sync/sync_priv.h"
#include "services/sync/write.h"

/* clang-format off */
const struct conf_key sync_conf_keys[SYNC_CONF_KEYS] = {
	{ .section = "sync", .name = "master_secret", .type = CONF_STRING, .max = TOKEN_SECRET_MAX,
	  .secret = true, .roles = ROLE_BIT(ROLE_SIGNER),
	  .env = "SYNC_MASTER_SECRET|SYNCSERVER_SECRET",
	  .help = "Secret that tokens for the storage are signed with, where other servers share it. Empty: one of this server's own, made from its keys." },
	{ .section = "sync", .name = "master_secret_previous", .type = CONF_STRING, .max = TOKEN_SECRET_MAX,
	  .secret = true, .roles = ROLE_BIT(ROLE_SIGNER),
	  .help = "The secret before that one: tokens signed with it are good until they expire." },
	{ .section = "sync", .name = "clock_skew", .type = CONF_DURATION, .unit = "ms", .min = 10000, .max = 31536000000,
	  .def = "28d", .reloadable = true,
	  .help = "How far a browser's clock may be off when it signs requests to the storage. That nothing old is taken twice follows from the tokens' end." },
	{ .section = "sync", .name = "token_lifetime", .type = CONF_DURATION, .unit = "ms", .min = 60000, .max = 86400000,
	  .def = "1h", .reloadable = true,
	  .env = "SYNC_TOKENSERVER__TOKEN_DURATION:s",
	  .help = "How long a token for the storage is good. A browser asks for the next one by itself." },
	{ .section = "sync", .name = "new_users", .type = CONF_BOOL, .def = "yes", .reloadable = true,
	  .help = "Whether accounts that have no store yet get one." },
	{ .section = "sync", .name = "nodes", .type = CONF_STRING, .max = 4000, .list = true, .reloadable = true,
	  .help = "Other servers that keep the stores of new users, in the place of this one: https://HOST=how many users, separated by commas. They share master_secret." },
	{ .section = "sync", .name = "oauth_verifier", .type = CONF_URL,
	  .env = "SYNC_TOKENSERVER__FXA_OAUTH_SERVER_URL",
	  .help = "Another accounts server, such as https://oauth.example.org, that is asked about access tokens which this one has not given out (POST /v1/verify). Empty: only accounts of this server." },
	{ .section = "sync", .name = "oauth_jwks", .type = CONF_PATH,
	  .help = "File with the public keys (JWK set) of another accounts server, whose access tokens are then taken without asking it." },
	{ .section = "sync", .name = "old_api", .type = CONF_ENUM, .choices = "off|closed|captcha|open", .def = "off",
	  .help = "Whether the storage and user API of versions 1.0 and 1.1 (Firefox 4 to 28, names and passwords) is served: not at all, to the users that there are, also to new ones who answer a question, or to everybody." },
	{ .section = "sync", .name = "old_api_secret", .type = CONF_STRING, .max = 200, .secret = true, .roles = ROLE_BIT(ROLE_SIGNER), .reloadable = true,
	  .help = "What scripts of administrators send in X-Weave-Secret to make users without a question, also where old_api is closed. Empty: nobody can." },
	{ .section = "sync", .name = "max_post_records", .type = CONF_INT, .unit = "records", .min = 1, .max = 10000,
	  .def = "100", .reloadable = true,
	  .env = "SYNC_SYNCSTORAGE__LIMITS__MAX_POST_RECORDS",
	  .help = "How many records one request may bring. Browsers are told this and the other limits, and keep to them." },
	{ .section = "sync", .name = "max_post_bytes", .type = CONF_SIZE, .unit = "bytes", .min = 262144, .max = 8388608,
	  .def = "2560k", .reloadable = true,
	  .env = "SYNC_SYNCSTORAGE__LIMITS__MAX_POST_BYTES",
	  .help = "How many bytes the payloads of one request may have together." },
	{ .section = "sync", .name = "max_record_payload_bytes", .type = CONF_SIZE, .unit = "bytes", .min = 262144, .max = 8388608,
	  .def = "2560k", .reloadable = true,
	  .env = "SYNC_SYNCSTORAGE__LIMITS__MAX_RECORD_PAYLOAD_BYTES",
	  .help = "How many bytes the payload of one record may have. Bookmarks, history and tabs come near two million." },
	{ .section = "sync", .name = "max_request_bytes", .type = CONF_SIZE, .unit = "bytes", .min = 266240, .max = 8392704,
	  .def = "2564k", .reloadable = true,
	  .env = "SYNC_SYNCSTORAGE__LIMITS__MAX_REQUEST_BYTES",
	  .help = "How many bytes the body of one request may have." },
	{ .section = "sync", .name = "max_total_records", .type = CONF_INT, .unit = "records", .min = 1, .max = 100000,
	  .def = "10000", .reloadable = true,
	  .env = "SYNC_SYNCSTORAGE__LIMITS__MAX_TOTAL_RECORDS",
	  .help = "How many records an upload in several requests may bring." },
	{ .section = "sync", .name = "max_total_bytes", .type = CONF_SIZE, .unit = "bytes", .min = 262144, .max = 1073741824,
	  .def = "100000000", .reloadable = true,
	  .env = "SYNC_SYNCSTORAGE__LIMITS__MAX_TOTAL_BYTES",
	  .help = "How many bytes the payloads of an upload in several requests may have together." },
	{ .section = "sync", .name = "quota", .type = CONF_SIZE, .unit = "bytes", .min = 0, .max = INT64_C(1) << 50,
	  .def = "2000M", .reloadable = true,
	  .env = "SYNC_SYNCSTORAGE__LIMITS__MAX_QUOTA_LIMIT",
	  .help = "How many bytes the payloads of one user may have together; 0: any number." },
	{ .section = "sync", .name = "batch_lifetime", .type = CONF_DURATION, .unit = "ms", .min = 60000, .max = 604800000,
	  .def = "2h", .reloadable = true,
	  .help = "How long an upload in several requests may take." },
	{ .section = "sync", .name = "upload_memory", .type = CONF_SIZE, .unit = "bytes", .min = 8392704, .max = INT64_C(1) << 40,
	  .def = "64M", .reloadable = true,
	  .help = "Memory of a web process for uploads that are on their way; beyond it they are told to come later." },
	{ .section = "sync", .name = "backoff_from", .type = CONF_INT, .unit = "percent", .min = 0, .max = 100,
	  .def = "70", .reloadable = true,
	  .help = "Use of the busiest role, or of the processors that all roles share, from which browsers are asked to sync later (X-Weave-Backoff): first a few, then more and more." },
	{ .section = "sync", .name = "backoff_full", .type = CONF_INT, .unit = "percent", .min = 0, .max = 100,
	  .def = "95", .reloadable = true,
	  .help = "Use at which all of them are asked." },
	{ .section = "sync", .name = "backoff_min", .type = CONF_DURATION, .unit = "ms", .min = 1000, .max = 86400000,
	  .def = "10m", .reloadable = true,
	  .help = "How long those who are asked stay away, at least." },
	{ .section = "sync", .name = "backoff_max", .type = CONF_DURATION, .unit = "ms", .min = 1000, .max = 86400000,
	  .def = "1h", .reloadable = true,
	  .help = "The same, at most." },
	{ .section = "sync", .name = "backoff_wait", .type = CONF_DURATION, .unit = "ms", .min = 1, .max = 60000,
	  .def = "200ms", .reloadable = true,
	  .help = "A wait for the database that, when it stands, makes the server refuse new syncs to some users, so that those that have begun can end." },
	{ .section = "sync", .name = "retry_after_min", .type = CONF_DURATION, .unit = "ms", .min = 1000, .max = 86400000,
	  .def = "5m", .reloadable = true,
	  .help = "When those who were refused are told to come again, at the earliest." },
	{ .section = "sync", .name = "retry_after_max", .type = CONF_DURATION, .unit = "ms", .min = 1000, .max = 86400000,
	  .def = "30m", .reloadable = true,
	  .help = "The same, at the latest." },
};
/* clang-format on */

struct sync_limits sync_limits_of(const struct conf *conf)
{
	return (struct sync_limits){
		.post_records = conf_int(conf, "sync", "max_post_records"),
		.post_bytes = conf_int(conf, "sync", "max_post_bytes"),
		.record_bytes = conf_int(conf, "sync", "max_record_payload_bytes"),
		.request_bytes = conf_int(conf, "sync", "max_request_bytes"),
		.total_records = conf_int(conf, "sync", "max_total_records"),
		.total_bytes = conf_int(conf, "sync", "max_total_bytes"),
		.quota_bytes = conf_int(conf, "sync", "quota"),
		.batch_lifetime_ms = conf_ms(conf, "sync", "batch_lifetime"),
		.upload_memory = conf_int(conf, "sync", "upload_memory"),
	};
}

/* What is announced must be possible. */
enum err sync_conf_check(const struct conf *conf, struct err_note *note)
{
	struct sync_limits l = sync_limits_of(conf);

	if (*conf_str(conf, "sync", "master_secret") == '\0' &&
	    *conf_str(conf, "sync", "master_secret_previous") != '\0') {
		return err_note_set(note, ERR_CONFIG,
		    "[sync] master_secret_previous: there is no master_secret that follows it");
	}
	if (l.record_bytes > l.post_bytes || l.post_bytes > l.request_bytes) {
		return err_note_set(note, ERR_CONFIG,
		    "[sync] a record must fit into a request: max_record_payload_bytes <= "
		    "max_post_bytes <= max_request_bytes");
	}
	if (l.post_records > l.total_records || l.post_bytes > l.total_bytes) {
		return err_note_set(note, ERR_CONFIG,
		    "[sync] a request must fit into an upload: max_post_records <= "
		    "max_total_records, max_post_bytes <= max_total_bytes");
	}
	if (conf_int(conf, "sync", "backoff_from") > conf_int(conf, "sync", "backoff_full") ||
	    conf_ms(conf, "sync", "backoff_min") > conf_ms(conf, "sync", "backoff_max") ||
	    conf_ms(conf, "sync", "retry_after_min") > conf_ms(conf, "sync", "retry_after_max")) {
		return err_note_set(note, ERR_CONFIG,
		    "[sync] what begins must not be above its end: backoff_from <= backoff_full, "
		    "backoff_min <= backoff_max, retry_after_min <= retry_after_max");
	}
	const char *jwks = conf_str(conf, "sync", "oauth_jwks");
	struct jwt_keys keys = { .n = 0 };
	enum err e = *jwks == '\0' ? ERR_OK : jwt_keys_load(jwks, &keys, note);
	jwt_keys_free(&keys);
	return e;
}
