/*
 * See durable_rig.h. The process ends by the cut, or with an exit code.
 */
#include "services/identity/durable_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "accounts/accounts.h"
#include "accounts/keys.h"
#include "accounts/login.h"
#include "accounts/outbox.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/wire.h"
#include "core/ev/task.h"
#include "core/role/data_dir.h"
#include "core/service.h"
#include "core/store/fault_disk.h"
#include "core/store/store.h"
#include "services/identity/identity.h"
#include "services/identity/staging.h"

enum {
	CALLERS = 12,
	TASKS = 64,
	MESSAGE_MAX = 64 * 1024,
	LEASE_MS = 60000,
	LOGIN_EACH = 3, /* every third person logs in, too */
	ERRORS_MAX = 64 /* then the store is as good as dead */
};

static const struct service *const services[] = { &accounts_service, &identity_service };
static const struct rpc_def *const defs[] = { &identity_stage, &identity_complete,
	&accounts_login_result, &accounts_outbox_lease, &accounts_outbox_sent,
	&accounts_courier_wake };
static const struct rpc_registry registry = { defs, sizeof(defs) / sizeof(defs[0]) };

static struct life {
	struct svc_env env;
	struct metric_schema *schema;
	struct store *store;
	struct rpc_server *server;
	struct rpc_pool *web, *courier;
	int64_t next_id;
	int said_fd;
	unsigned errors;
	bool restart_after_fault;
} life;

bool durable_does(int64_t id, enum step step)
{
	return step == STEP_SIGN_UP || (step == STEP_ADD && id % 2 == 0) ||
	       (step == STEP_RESET && id % 3 != 0);
}

/* A reset is by the first address. */
void durable_address(int64_t id, enum step step, char out[48])
{
	snprintf(
	    out, 48, "%s%lld@example.org", step == STEP_ADD ? "second" : "person", (long long)id);
}

void durable_token(int64_t id, enum step step, char out[65])
{
	snprintf(out, 65, "%063llx%d", (unsigned long long)id, (int)step);
}

bool durable_token_of(const char *text, int64_t *ret_id, enum step *ret_step)
{
	if (strlen(text) != 64 || text[63] < '0' || text[63] >= '0' + STEPS) {
		return false;
	}
	char digits[64];
	memcpy(digits, text, 63);
	digits[63] = '\0';
	*ret_id = (int64_t)strtoull(digits, NULL, 16);
	*ret_step = (enum step)(text[63] - '0');
	return true;
}

void durable_password(int64_t id, int generation, char out[48])
{
	snprintf(out, 48, "$2b$04$password.%lld.%d", (long long)id, generation);
}

static void say_all(enum said_kind kind, int64_t id, enum step step, int64_t mail)
{
	const struct said s = { kind, id, step, mail };

	if (write(life.said_fd, &s, sizeof(s)) != sizeof(s)) {
		_exit(LIFE_BROKEN);
	}
}

static void say(enum said_kind kind, int64_t id)
{
	say_all(kind, id, STEP_SIGN_UP, 0);
}

/* ---- calls ---- */

static enum err call(struct rpc_pool *pool, const struct rpc_def *def, struct buf *message,
    struct arena *arena, struct slice *ret)
{
	struct err_note note = { 0 };
	enum err e;

	CHECK(!message->failed);
	e = rpc_call(pool, def, buf_slice(message), DEADLINE_NONE, 1, arena, ret, &note);
	buf_clear(message);
	if (e == ERR_OK) {
		return e;
	}
	if (fault_disk_faults() == 0) {
		fprintf(stderr, "%s: %s: %s\n", def->name, err_text(e), note.text);
	}
	life.errors++;
	if (life.restart_after_fault || life.errors > ERRORS_MAX) {
		_exit(LIFE_RESTART);
	}
	return e;
}

static enum err call_stage(int64_t id, enum step step, int64_t account, struct buf *message,
    struct arena *arena, struct slice *ret)
{
	static const enum staged_kind kinds[STEPS] = { STAGED_NEW, STAGED_ADD, STAGED_RESET };
	char address[48], token[65], hash[48];
	struct stage_req r = { .kind = kinds[step],
		.account_id = account,
		.lifetime_ms = 3600 * 1000,
		.limits = { .free_mails = 1, .max_waiting = 1 } };

	durable_address(id, step, address);
	durable_token(id, step, token);
	durable_password(id, 1, hash);
	r.token_hash = slice_str(token);
	r.password_hash = step == STEP_SIGN_UP ? slice_str(hash) : SLICE_EMPTY;
	r.mail = (struct outbox_mail){ .recipient = slice_str(address),
		.kind = SLICE("new"),
		.subject = SLICE("Complete sign-in"),
		.link = slice_str(token),
		.site = SLICE("https://site.example"),
		.text = SLICE("The text of the mail.") };
	stage_req_put(message, &r);
	return call(life.web, &identity_stage, message, arena, ret);
}

/* What fails is asked once more with the same token, as web does for such a call. */
static bool stage(
    int64_t id, enum step step, int64_t account, struct buf *message, struct arena *arena)
{
	struct slice reply = SLICE_EMPTY;
	enum stage_outcome outcome = STAGE_TOO_SOON;

	if (call_stage(id, step, account, message, arena, &reply) != ERR_OK &&
	    call_stage(id, step, account, message, arena, &reply) != ERR_OK) {
		return false;
	}
	CHECK(stage_outcome_take(reply, &outcome) && outcome == STAGE_DONE);
	return true;
}

static bool complete(
    int64_t id, enum step step, struct buf *message, struct arena *arena, int64_t *ret_account)
{
	static const enum complete_call calls[STEPS] = { COMPLETE_CREATION, COMPLETE_CONFIRMATION,
		COMPLETE_RESET };
	char token[65], hash[48];
	struct slice reply = SLICE_EMPTY;
	struct complete_req r = { .call = calls[step] };
	struct completion done = { .outcome = COMPLETE_UNKNOWN };

	durable_token(id, step, token);
	durable_password(id, 3, hash);
	r.token_hash = slice_str(token);
	r.password_hash = step == STEP_RESET ? slice_str(hash) : SLICE_EMPTY;
	complete_req_put(message, &r);
	if (call(life.web, &identity_complete, message, arena, &reply) != ERR_OK) {
		return false;
	}
	CHECK(completion_take(reply, &done) && done.outcome == COMPLETE_DONE);
	*ret_account = done.account_id;
	return true;
}

static bool log_in(int64_t id, int64_t account, struct buf *message, struct arena *arena)
{
	char before[48], after[48];
	struct slice reply = SLICE_EMPTY;
	struct login_result failed = {
		.account_id = account, .client = SLICE("192.0.2.1"), .good = false
	};
	struct login_result good = {
		.account_id = account, .client = SLICE("192.0.2.1"), .good = true
	};

	durable_password(id, 1, before);
	durable_password(id, 2, after);
	good.old_hash = slice_str(before);
	good.new_hash = slice_str(after);
	login_put_result(message, &failed);
	if (call(life.web, &accounts_login_result, message, arena, &reply) != ERR_OK) {
		return false;
	}
	login_put_result(message, &good);
	return call(life.web, &accounts_login_result, message, arena, &reply) == ERR_OK;
}

static bool take_step(
    int64_t id, enum step step, int64_t *account, struct buf *message, struct arena *arena)
{
	if (stage(id, step, *account, message, arena)) {
		say_all(SAID_STAGED, id, step, 0);
		if (complete(id, step, message, arena, account)) {
			say_all(SAID_COMPLETED, id, step, 0);
			return true;
		}
	}
	say_all(SAID_FAILED, id, step, 0);
	return false;
}

/* One person's way; ends where a call fails. */
static void person(int64_t id, struct buf *message, struct arena *arena)
{
	int64_t account = 0;

	if (!take_step(id, STEP_SIGN_UP, &account, message, arena)) {
		return;
	}
	if (id % LOGIN_EACH == 0) {
		if (!log_in(id, account, message, arena)) {
			return;
		}
		say(SAID_REHASHED, id);
	}
	for (enum step step = STEP_ADD; step < STEPS; step++) {
		if (durable_does(id, step) && !take_step(id, step, &account, message, arena)) {
			return;
		}
	}
}

static void people_task(void *arg)
{
	(void)arg;
	for (;;) {
		struct buf message = buf_new(MESSAGE_MAX);
		struct arena arena = arena_new(MESSAGE_MAX);
		person(life.next_id++, &message, &arena);
		arena_reset(&arena);
		buf_free(&message);
	}
}

static void send_mails(const struct outbox_leased *leased, struct buf *message)
{
	for (unsigned i = 0; i < leased->n; i++) {
		struct arena arena = arena_new(MESSAGE_MAX);
		const struct outbox_sent_req sent = { leased->mails[i].id, leased->lease, false };
		struct slice reply = SLICE_EMPTY;
		char token[65];
		int64_t id = 0;
		enum step step = STEP_SIGN_UP;
		CHECK(slice_to_cstr(leased->mails[i].link, token, sizeof(token)) == ERR_OK &&
		      durable_token_of(token, &id, &step));
		say_all(SAID_LEASED, id, step, sent.id);
		outbox_put_sent_req(message, &sent);
		if (call(life.courier, &accounts_outbox_sent, message, &arena, &reply) == ERR_OK) {
			say_all(SAID_SENT, id, step, sent.id);
		}
		arena_reset(&arena);
	}
}

static void courier_task(void *arg)
{
	(void)arg;
	for (;;) {
		struct buf message = buf_new(MESSAGE_MAX);
		struct arena arena = arena_new(2 * OUTBOX_REPLY_MAX);
		struct outbox_leased *leased = arena_alloc(&arena, sizeof(*leased));
		struct slice reply = SLICE_EMPTY;
		CHECK(leased != NULL);
		outbox_put_lease_req(&message, &(struct outbox_lease_req){ 8, LEASE_MS });
		if (call(life.courier, &accounts_outbox_lease, &message, &arena, &reply) ==
		    ERR_OK) {
			CHECK(outbox_take_leased(reply, leased));
			send_mails(leased, &message);
		}
		arena_reset(&arena);
		buf_free(&message);
		if (task_sleep(1000) != ERR_OK) {
			return;
		}
	}
}

/* ---- life ---- */

/* What a role that cannot start says before it ends. */
static void must(enum err e, const struct err_note *note)
{
	if (e != ERR_OK) {
		if (fault_disk_faults() == 0) {
			fprintf(stderr, "start: %s: %s\n", err_text(e), note->text);
			_exit(LIFE_BROKEN);
		}
		_exit(LIFE_RESTART);
	}
}

static void open_metrics(void)
{
	size_t bytes;

	CHECK(metric_schema_new(&life.schema) == ERR_OK);
	store_metric_schema(life.schema, &accounts_service.stmts, 1);
	bytes = metrics_block_bytes(life.schema, 1);
	void *block = metrics_block_new(life.schema, 1);
	CHECK(block != NULL);
	CHECK(metrics_open(life.schema, block, bytes, 1, 0, &life.env.metrics) == ERR_OK);
}

static void connect_role(enum role_id from, struct rpc_pool **ret)
{
	int fds[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
	CHECK(rpc_pool_new(life.env.loop, &registry, from, ROLE_STORE, 64, ret) == ERR_OK);
	CHECK(rpc_pool_add(*ret, 0, fds[0]) == ERR_OK);
	CHECK(rpc_server_add(life.server, from, fds[1]) == ERR_OK);
}

static void open_keys(const char *data_dir)
{
	struct symmetric_keys keys;
	struct err_note note = { 0 };
	int64_t start = 0;

	must(symmetric_keys_load(data_dir, &keys, &note), &note);
	memcpy(&start, keys.current, sizeof(start));
	say(SAID_KEY, start);
}

static void open_store(const char *data_dir)
{
	struct err_note note = { 0 };
	const struct service *s = &accounts_service;

	must(store_open(life.env.loop, data_dir, &life.env, life.env.metrics, &life.store, &note),
	    &note);
	must(sql_migrate(store_db(life.store), s->name, s->migrations, s->n_migrations, &note),
	    &note);
	must(store_start(life.store, &note), &note);
	struct rpc_executor ex = store_executor(life.store);
	CHECK(rpc_server_new(life.env.loop, &registry, ROLE_STORE, &ex, &life.server) == ERR_OK);
	store_set_server(life.store, life.server);
}

/* A courier that is not there: waking it does nothing. */
static void open_env(const char *data_dir)
{
	struct err_note note = { 0 };

	life.env.role = ROLE_STORE;
	life.env.data_dir = data_dir;
	life.env.services = services;
	life.env.n_services = 2;
	CHECK(loop_open(TASKS, &life.env.loop) == ERR_OK);
	CHECK(rpc_pool_new(life.env.loop, &registry, ROLE_STORE, ROLE_COURIER, 4,
		  &life.env.peer[ROLE_COURIER]) == ERR_OK);
	CHECK(accounts_service.start(&life.env, &life.env.state[0], &note) == ERR_OK);
}

static void end_task(void *arg)
{
	const unsigned *ms = arg;

	if (task_sleep((int64_t)*ms * 1000) == ERR_OK) {
		fault_disk_cut();
	}
}

_Noreturn void durable_live(
    const char *data_dir, int64_t first_id, int said_fd, unsigned ms, bool restart_after_fault)
{
	static char absolute[DATA_DIR_MAX];
	struct err_note note = { 0 };
	int lock = -1;

	life.said_fd = said_fd;
	life.next_id = first_id;
	life.restart_after_fault = restart_after_fault;
	must(data_dir_open(data_dir, absolute, &lock, &note), &note);
	open_keys(absolute);
	open_env(absolute);
	open_metrics();
	open_store(absolute);
	connect_role(ROLE_WEB, &life.web);
	connect_role(ROLE_COURIER, &life.courier);
	say(SAID_READY, 0);
	for (int i = 0; i < CALLERS; i++) {
		CHECK(task_spawn(life.env.loop, people_task, NULL, DEADLINE_NONE, NULL) == ERR_OK);
	}
	CHECK(task_spawn(life.env.loop, courier_task, NULL, DEADLINE_NONE, NULL) == ERR_OK);
	CHECK(task_spawn(life.env.loop, end_task, &ms, DEADLINE_NONE, NULL) == ERR_OK);
	for (;;) {
		loop_run(life.env.loop);
	}
}
