/*
 * A web role without sockets: its service, its databases, and what stands in the place of
 * rpc_call().
 */
#include "services/identity/web_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "accounts/accounts.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/rpc/rpc.h"
#include "core/store/pg_rig.h"
#include "core/store/store.h"
#include "services/identity/identity.h"
#include "services/identity/web_rig_priv.h"

enum {
	MAX_TABLES = 4
};

static const struct service *const services[] = { &accounts_service, &identity_service };
enum {
	N_SERVICES = 2,
	IDENTITY = 1
};

/* Keys of the runtime that the services read. */
static const struct conf_key runtime_keys[] = {
	{ .section = "plimsoll",
	    .name = "public_url",
	    .type = CONF_URL,
	    .def = "http://127.0.0.1:8000",
	    .help = "URL." },
	{ .section = "store",
	    .name = "read_only",
	    .type = CONF_BOOL,
	    .def = "no",
	    .help = "Read-only." },
	{ .section = "admin",
	    .name = "listen",
	    .type = CONF_ADDRESS,
	    .def = "127.0.0.1:8001",
	    .help = "Address." },
};

static struct {
	char dir[64], db_path[128];
	struct conf *conf;
	struct sql_db *store_db;
	struct svc_env env[ROLE_COUNT];
	struct arena texts;
	const struct rpc_def *failing;
	enum err failure;
} rig;

/* ---- in the place of core/rpc/call.c ---- */

/* What a pool is here: nothing but not NULL. */
static char any_pool;

int64_t rpc_pool_expected_wait_us(const struct rpc_pool *p)
{
	(void)p;
	return 0;
}

/* A transaction as the store runs it: all or nothing. */
static enum err run_in_store(const struct rpc_def *def, const struct rpc_call_info *info,
    struct slice req, struct buf *reply, struct err_note *note)
{
	struct arena arena = arena_new(REQUEST_ARENA);
	struct txn t = { .db = rig.store_db,
		.arena = &arena,
		.now_ms = clock_wall_ms(),
		.env = &rig.env[ROLE_STORE] };

	assert_int_equal(sql_run(rig.store_db, "BEGIN", NULL), ERR_OK);
	enum err e = def->handle(&t, info, req, reply, note);
	assert_int_equal(sql_run(rig.store_db, e == ERR_OK ? "COMMIT" : "ROLLBACK", NULL), ERR_OK);
	arena_reset(&arena);
	return e;
}

enum err rpc_call(struct rpc_pool *p, const struct rpc_def *def, struct slice req,
    int64_t deadline_us, uint64_t trace, struct arena *arena, struct slice *ret_reply,
    struct err_note *note)
{
	const struct rpc_call_info info = { ROLE_WEB, deadline_us, trace };
	struct buf reply = buf_new(def->max_rep);
	enum err e = ERR_OK;

	assert_non_null(p);
	assert_true((def->from & ROLE_BIT(ROLE_WEB)) != 0);
	assert_true(req.len <= def->max_req);
	if (def == rig.failing) {
		return rig.failure;
	}
	if (def->to == ROLE_STORE) {
		e = run_in_store(def, &info, req, &reply, note);
	} else {
		e = def->handle(&rig.env[def->to], &info, req, &reply, note);
	}
	assert_false(reply.failed);
	if (e == ERR_OK && ret_reply != NULL) {
		e = arena_copy(arena, buf_slice(&reply), ret_reply);
	}
	buf_free(&reply);
	return e;
}

/* ---- the service ---- */

void rig_set(const char *setting)
{
	struct slice s = slice_str(setting);
	struct buf problems = buf_new(1000);
	size_t dot = slice_find(s, '.', 0), equals = slice_find(s, '=', 0);

	enum err e = conf_set(rig.conf, "test", slice_sub(s, 0, dot), slice_sub(s, dot + 1, equals),
	    slice_sub(s, equals + 1, s.len), &problems);
	if (e != ERR_OK) {
		fail_msg("%.*s", SLICE_ARG(buf_slice(&problems)));
	}
	buf_free(&problems);
}

static void make_conf(const char *const *settings)
{
	const struct conf_table tables[MAX_TABLES] = {
		{ runtime_keys, sizeof(runtime_keys) / sizeof(runtime_keys[0]) },
		accounts_service.conf, identity_service.conf
	};

	assert_int_equal(conf_new(tables, 3, &rig.conf), ERR_OK);
	rig_set("accounts.bcrypt_cost=4");
	for (; settings != NULL && *settings != NULL; settings++) {
		rig_set(*settings);
	}
}

static void open_databases(void)
{
	struct err_note note = { 0 };

	(void)snprintf(rig.db_path, sizeof(rig.db_path), "%s/plimsoll.db", rig.dir);
	if (pg_rig_is_wanted()) {
		pg_rig_reset(pg_rig_shared());
		rig.store_db = pg_rig_session(pg_rig_shared(), SQL_READ_WRITE);
	} else {
		assert_int_equal(
		    sql_open(rig.db_path, SQL_READ_WRITE, &rig.store_db, &note), ERR_OK);
	}
	for (size_t i = 0; i < N_SERVICES; i++) {
		assert_int_equal(sql_migrate(rig.store_db, services[i]->name,
				     services[i]->migrations, services[i]->n_migrations, &note),
		    ERR_OK);
	}
	if (pg_rig_is_wanted()) {
		rig.env[ROLE_WEB].db = pg_rig_session(pg_rig_shared(), SQL_READ_ONLY);
		return;
	}
	assert_int_equal(
	    sql_open(rig.db_path, SQL_READ_ONLY, &rig.env[ROLE_WEB].db, &note), ERR_OK);
}

static void start_role(enum role_id role)
{
	struct svc_env *env = &rig.env[role];
	struct err_note note = { 0 };

	env->role = role;
	env->conf = rig.conf;
	env->data_dir = rig.dir;
	env->version = "test";
	env->services = services;
	env->n_services = N_SERVICES;
	for (int peer = 0; role == ROLE_WEB && peer < ROLE_COUNT; peer++) {
		env->peer[peer] = (struct rpc_pool *)(void *)&any_pool;
	}
	for (size_t i = 0; i < N_SERVICES; i++) {
		if (services[i]->start(env, &env->state[i], &note) != ERR_OK) {
			fail_msg("%s", note.text);
		}
	}
	for (size_t i = 0; i < N_SERVICES; i++) {
		if (services[i]->ready(env, env->state[i], &note) != ERR_OK) {
			fail_msg("%s", note.text);
		}
	}
}

static const enum role_id roles[] = { ROLE_STORE, ROLE_SIGNER, ROLE_COMPUTE, ROLE_WEB };

/* One for all tests: to make one of 2048 bits takes longer than all else that a start does. */
static char domain_key[4096];
static size_t domain_key_len;

static void keep_domain_key(void)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/keys/identity.key", rig.dir);
	FILE *in = domain_key_len == 0 ? fopen(path, "re") : NULL;
	if (in != NULL) {
		domain_key_len = fread(domain_key, 1, sizeof(domain_key), in);
		(void)fclose(in);
	}
}

static void give_domain_key(void)
{
	char path[128];

	if (domain_key_len == 0) {
		return;
	}
	(void)snprintf(path, sizeof(path), "%s/keys", rig.dir);
	assert_int_equal(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/keys/identity.key", rig.dir);
	FILE *out = fopen(path, "we");
	assert_non_null(out);
	assert_int_equal(fchmod(fileno(out), 0600), 0);
	assert_int_equal(fwrite(domain_key, 1, domain_key_len, out), domain_key_len);
	assert_int_equal(fclose(out), 0);
}

void rig_start(const char *const *settings)
{
	memset(&rig, 0, sizeof(rig));
	rig.texts = arena_new(REQUEST_ARENA);
	(void)snprintf(rig.dir, sizeof(rig.dir), "/tmp/identity-test-XXXXXX");
	assert_non_null(mkdtemp(rig.dir));
	give_domain_key();
	make_conf(settings);
	open_databases();
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		start_role(roles[i]);
	}
}

void rig_stop(void)
{
	static const char *const files[] = { "plimsoll.db", "plimsoll.db-wal", "plimsoll.db-shm",
		"identity.begun", "keys/symmetric.key", "keys/identity.key", "keys/MADE" };
	char path[128];

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		struct svc_env *env = &rig.env[roles[i]];
		for (size_t k = N_SERVICES; k-- > 0;) {
			services[k]->stop(env, env->state[k]);
		}
	}
	sql_close(&rig.env[ROLE_WEB].db);
	sql_close(&rig.store_db);
	conf_free(&rig.conf);
	arena_reset(&rig.texts);
	keep_domain_key();
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", rig.dir, files[i]);
		(void)unlink(path);
	}
	(void)snprintf(path, sizeof(path), "%s/keys", rig.dir);
	(void)rmdir(path);
	assert_int_equal(rmdir(rig.dir), 0);
}

void rig_fail(const struct rpc_def *def, enum err e)
{
	rig.failing = def;
	rig.failure = e;
}

void rig_sql(const char *sql)
{
	assert_int_equal(sql_run(rig.store_db, sql, NULL), ERR_OK);
}

static struct sql_query *ask(const char *sql)
{
	struct sql_stmt *stmt = arena_alloc(&rig.texts, sizeof(*stmt));
	struct sql_query *q = NULL;

	*stmt = (struct sql_stmt){ .name = "test.ask", .text = sql };
	assert_int_equal(sql_begin(rig.store_db, stmt, &q, NULL), ERR_OK);
	assert_int_equal(sql_step(q), ERR_OK);
	return q;
}

int64_t rig_number(const char *sql)
{
	struct sql_query *q = ask(sql);
	int64_t n = sql_col_i64(q, 0);

	sql_end(q);
	return n;
}

const char *rig_text(const char *sql)
{
	struct sql_query *q = ask(sql);
	struct slice text;

	assert_int_equal(arena_copy(&rig.texts, sql_col_text(q, 0), &text), ERR_OK);
	sql_end(q);
	return text.ptr;
}

void rig_audit(void)
{
	struct err_note note = { 0 };

	for (size_t i = 0; i < N_SERVICES; i++) {
		if (services[i]->audit != NULL &&
		    services[i]->audit(rig.store_db, &note) != ERR_OK) {
			fail_msg("%s", note.text);
		}
	}
}

struct svc_env *rig_web_env(void)
{
	return &rig.env[ROLE_WEB];
}

void *rig_identity_state(void)
{
	return rig.env[ROLE_WEB].state[IDENTITY];
}
