/*
 * What the files of services/symbols share: the service's state per process, and its tables.
 */
#ifndef PLIMSOLL_SYMBOLS_SYMBOLS_PRIV_H
#define PLIMSOLL_SYMBOLS_SYMBOLS_PRIV_H

#include "accounts/public_url.h"
#include "core/base/buf.h"
#include "core/blob/blob.h"
#include "core/service.h"
#include "services/symbols/cache_bound.h"
#include "services/symbols/flight.h"
#include "services/symbols/index_shelf.h"
#include "services/symbols/hot_files.h"
#include "services/symbols/miss_cache.h"
#include "services/symbols/missing.h"
#include "services/symbols/upstream_server.h"

/* The configuration, as the processes use it; texts live with the conf of their reload. */
struct symbols_settings {
	struct slice suffixes;	/* names that may be asked for, with commas */
	struct slice compress;	/* those that are stored in gzip form */
	struct slice forbidden; /* pieces of names that are refused */
	bool redirects;		/* downloads are answered with 302 to where the bytes are */
	bool counts_missing;
	int64_t max_upload;   /* bytes of a request */
	int64_t max_unpacked; /* bytes of an archive's members together */
	int64_t max_members;
	int64_t max_sym;	     /* bytes of text that are indexed of a .sym */
	int64_t index_cache;	     /* bytes of indexes on disk */
	int64_t max_symbolicate;     /* bytes of a request */
	int64_t max_frames;	     /* of a request */
	int64_t symbolicate_memory;  /* bytes of all requests of a process */
	int64_t upstream_wait_ms;    /* how long a request waits for another server */
	int64_t upstream_miss_ms;    /* how long it is known that nobody has a file */
	int64_t upstream_max;	     /* bytes of a file that is fetched */
	int64_t upstream_cache;	     /* bytes of all of them */
	struct slice upload_domains; /* from where uploads by URL are taken, with commas */
	bool upload_insecure; /* for development: also over http, and from private addresses */
};

enum {
	SYMBOLS_SESSIONS_OPEN = 64 /* at once, in a process */
};

/* How it goes with an upstream: one that fails again and again rests for a while. */
struct upstream_health {
	unsigned failures; /* in a row */
	int64_t rests_until_us;
};

struct symbols_state {
	struct svc_env *env;
	struct public_url url;
	struct symbols_settings settings;
	struct blob_store *blobs; /* web: to read; files: to write; others: NULL */

	struct blob_store *indexes; /* likewise, of what is derived (derived.h) */

	/* web */
	struct index_shelf *shelf;
	int64_t symbolicate_bytes; /* memory of requests now */
	struct miss_cache *misses;
	struct hot_files *hot;
	struct symbols_counts *counts;
	unsigned uploads; /* that are on their way in this process */

	/* web and courier: files that are being fetched from upstreams; NULL: there are none */
	struct flights *fetches;
	struct upstream_servers upstreams;
	struct upstream_health health[UPSTREAM_SERVERS_MAX]; /* courier */
	struct cache_bound cached;			     /* courier */
	char user_agent[PUBLIC_URL_MAX + 64];		     /* courier: who asks */

	/* Sessions of upload v2 that are being written here; empty: none. */
	char sessions[SYMBOLS_SESSIONS_OPEN][BLOB_DRAFT_CHARS + 1];
};

/* The state in this process. */
struct symbols_state *symbols_state(const struct svc_env *env);

/* symbols_ops.c */
enum {
	SYMBOLS_OPS = 47
};
extern const struct op symbols_ops[SYMBOLS_OPS];

enum {
	SYMBOLS_ACTIVITIES = 5
};
extern const struct activity symbols_activities[SYMBOLS_ACTIVITIES];

/* symbols_conf.c */
enum {
	SYMBOLS_CONF_KEYS = 24
};
extern const struct conf_key symbols_conf_keys[SYMBOLS_CONF_KEYS];
NODISCARD enum err symbols_conf_check(const struct conf *conf, struct err_note *note);
struct symbols_settings symbols_settings_of(const struct conf *conf);

/* symbols_site.c: what is common to all answers. */
void symbols_decorate(struct op_call *c);
void symbols_error(struct op_call *c, enum err e);
op_fn symbols_not_found, symbols_wrong_method, symbols_broken;
/* {"error": text} */
enum err symbols_refuse(struct op_call *c, int status, const char *text);
/* Answers with JSON of any length, which no cache keeps. ERR_LIMIT: the buffer has failed. */
NODISCARD enum err symbols_reply(struct op_call *c, int status, const struct buf *json);
/*
 * How a check of who asks goes on: refusal is the text of a 403, which is answered, or NULL.
 * *ret_good: nothing was answered, the request may go on.
 */
NODISCARD enum err symbols_let(struct op_call *c, enum err e, const char *refusal, bool *ret_good);

/* download.c, syminfo.c */
op_fn symbols_download, symbols_download_try, symbols_download_tier, symbols_stored, symbols_pingme,
    symbols_syminfo;
/* debuginfod.c, debuginfod_section.c */
op_fn symbols_debuginfo, symbols_executable, symbols_source, symbols_section;
/* upload_v1.c, upload_v2.c, upload_session.c */
op_fn symbols_upload_v1, symbols_auth_info, symbols_upload_v2, symbols_upload_session;
/* uploads_list.c, upload_show.c, upload_files_api.c, upload_file_show.c */
op_fn symbols_uploads, symbols_upload_show, symbols_upload_files, symbols_upload_file_show;
/* auth_api.c, tokens_api.c, stats_api.c, stored_list.c */
op_fn symbols_auth, symbols_sign_in, symbols_sign_out;
op_fn symbols_tokens, symbols_token_make, symbols_token_revoke, symbols_token_extend;
op_fn symbols_stats, symbols_stored_list;
/* sym_upload.c, sym_upload_v2.c */
op_fn symbols_sym_upload, symbols_sym_check, symbols_sym_create, symbols_sym_put,
    symbols_sym_complete;
/* pages.c */
op_fn symbols_page, symbols_page_file;
/* symbolicate_op.c */
op_fn symbols_symbolicate_v4, symbols_symbolicate_v5, symbols_symbolicate_preflight;
/* missing_list.c */
op_fn symbols_missing_csv, symbols_missing_list;

/* symbols_audit.c */
NODISCARD enum err symbols_audit(struct sql_db *db, struct err_note *note);
NODISCARD enum err symbols_anonymise(
    struct sql_db *db, const char *password, struct err_note *note);

#endif
