/*
 * Power cuts under the real transaction functions: people sign up, log in, add addresses, reset
 * their passwords and get mail on a disk that fails and loses its power at a random call
 * (core/store/fault_disk.h), again and again over the same data. After each cut: the database opens
 * and is sound, the invariants of the services hold, everything that was acknowledged is there,
 * nothing that failed is there by half, every mail that waits leads somewhere, and no mail was
 * taken for sending twice with different tokens, nor two mails with one.
 *
 * DURABLE_ROUNDS (50; make soak takes 1,000) and DURABLE_SEED (printed) repeat a run: plan and
 * moment of the cut are the seed's, what the threads do meanwhile is the clock's. DURABLE_VERBOSE
 * prints each plan.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "accounts/accounts.h"
#include "core/base/arena.h"
#include "core/base/rng.h"
#include "core/store/fault_disk.h"
#include "core/store/sql.h"
#include "services/identity/durable_rig.h"

enum {
	ROUNDS = 50,
	SAID_MAX = 400000,
	FRESH_EACH = 8,		/* every so many rounds begin in an empty folder */
	CALLS_MAX = 1200,	/* the cut comes within so many calls */
	OPENING_CALLS = 120,	/* or, often, while things are opened */
	LONG_CALLS_MAX = 12000, /* or, seldom, so late that the log is copied back */
	LIFE_MS = 1500,
	RESTARTS_MAX = 20,
	IDS_PER_LIFE = 100000
};

struct place {
	char root[64], data[80], db[96], file[112];
};

struct book {
	struct said said[SAID_MAX];
	unsigned n;
	struct said leased[SAID_MAX]; /* SAID_LEASED of all lives on this data */
	unsigned n_leased;
	int64_t key; /* 0: none yet */
	int64_t next_id;
	unsigned completed[STEPS], failed, faults, ready, restarts;
	unsigned resent, resent_here; /* taken for sending twice: in all, on this data */
};

static uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t z = a + (b + 1) * 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static struct fault_plan plan_of(uint64_t seed)
{
	static const int errors[] = { EIO, ENOSPC, EIO };
	static const enum fault_kind kinds[] = { FAULT_NONE, FAULT_NONE, FAULT_WRITE, FAULT_SHORT,
		FAULT_SYNC, FAULT_SYNC, FAULT_ANY };
	uint64_t length = mix(seed, 1) % 8;
	uint64_t within = length < 3 ? OPENING_CALLS : length < 7 ? CALLS_MAX : LONG_CALLS_MAX;
	struct fault_plan p = {
		.seed = mix(seed, 0),
		.cut_at = 1 + (unsigned)(mix(seed, 2) % within),
		.keep_some = mix(seed, 3) % 2 == 0,
		.kind = kinds[mix(seed, 4) % (sizeof(kinds) / sizeof(kinds[0]))],
		.fail_n = 1 + (unsigned)(mix(seed, 5) % 3),
		.fail_errno = errors[mix(seed, 6) % 3],
	};

	p.fail_at = 1 + (unsigned)(mix(seed, 7) % (p.kind == FAULT_SYNC ? 40 : within / 2));
	return p;
}

/* ---- lives ---- */

static void listen_to(int fd, struct book *b)
{
	struct said s;

	while (read(fd, &s, sizeof(s)) == sizeof(s)) { /* writes of 32 bytes come whole */
		assert_true(b->n < SAID_MAX && b->n_leased < SAID_MAX);
		b->said[b->n++] = s;
		if (s.kind == SAID_LEASED) {
			b->leased[b->n_leased++] = s;
		}
	}
}

/* One process. True: it ended asking for another on the same disk. */
static bool live_once(const char *data_dir, uint64_t seed, struct book *b)
{
	int fds[2], status;

	assert_int_equal(pipe(fds), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(fds[0]);
		fault_disk_use();
		durable_live(data_dir, b->next_id, fds[1], LIFE_MS, mix(seed, 8) % 2 == 0);
	}
	close(fds[1]);
	b->next_id += IDS_PER_LIFE;
	listen_to(fds[0], b);
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && fault_disk_was_cut()) {
		return false;
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != LIFE_RESTART) {
		fail_msg("a life ended with status %x", (unsigned)status);
	}
	assert_true(fault_disk_faults() > 0); /* nothing else is a reason to end */
	return true;
}

/* The power goes while nobody runs. */
static void cut_idle(void)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		fault_disk_use();
		fault_disk_cut();
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

/* Until the power goes; a process that ended itself has a successor on the same page cache. */
static void live_until_cut(const struct place *place, uint64_t seed, struct book *b)
{
	const struct fault_plan plan = plan_of(seed);

	if (getenv("DURABLE_VERBOSE") != NULL) {
		print_message("cut at %u, some kept %d; fault %d, %u from %u, errno %d\n",
		    plan.cut_at, plan.keep_some, (int)plan.kind, plan.fail_n, plan.fail_at,
		    plan.fail_errno);
	}
	fault_disk_new(place->root, &plan);
	for (int i = 0; live_once(place->data, seed, b); i++) {
		b->restarts++;
		if (i == RESTARTS_MAX) {
			cut_idle();
			break;
		}
	}
	b->faults += fault_disk_faults();
}

/* ---- after the cut ---- */

static struct sql_db *db;
static struct arena arena;

static int64_t number(const char *text, const char *name, const char *value)
{
	struct sql_stmt *stmt = arena_alloc(&arena, sizeof(*stmt));
	struct sql_query *q = NULL;
	struct err_note note = { 0 };

	assert_non_null(stmt);
	*stmt = (struct sql_stmt){ .name = "test.number", .text = text };
	if (sql_begin(db, stmt, &q, &note) != ERR_OK) {
		fail_msg("%s: %s", text, note.text);
	}
	if (name != NULL) {
		sql_bind_text(q, name, slice_str(value));
	}
	assert_int_equal(sql_step(q), ERR_OK);
	int64_t n = sql_col_i64(q, 0);
	sql_end(q);
	return n;
}

static int64_t staged(int64_t id, enum step step)
{
	char token[65];

	durable_token(id, step, token);
	return number("SELECT COUNT(*) FROM staged WHERE token_hash = :token", "token", token);
}

static int64_t has_address(int64_t id, enum step step)
{
	char address[48];

	durable_address(id, step, address);
	return number("SELECT COUNT(*) FROM email WHERE address_key = :key", "key", address);
}

static int64_t has_password(int64_t id, int generation)
{
	char hash[48];

	durable_password(id, generation, hash);
	return number("SELECT COUNT(*) FROM account WHERE password_hash = :hash", "hash", hash);
}

/* 1: what the mail of a step asks for is done; 0: it is not. */
static int64_t is_done(int64_t id, enum step step)
{
	return step == STEP_RESET ? has_password(id, 3) : has_address(id, step);
}

/* After a reset by the first address the other one must be verified again. */
static int64_t is_second_verified(int64_t id)
{
	char address[48];

	durable_address(id, STEP_ADD, address);
	return number(
	    "SELECT COUNT(*) FROM email WHERE verified = 1 AND address_key = :key", "key", address);
}

static int64_t mails(int64_t id, enum step step)
{
	char token[65];

	durable_token(id, step, token);
	return number("SELECT COUNT(*) FROM outbox WHERE link = :token", "token", token);
}

static int64_t waits(int64_t mail)
{
	char text[80];

	snprintf(text, sizeof(text), "SELECT COUNT(*) FROM outbox WHERE state = 0 AND id = %lld",
	    (long long)mail);
	return number(text, NULL, NULL);
}

static void check_said(const struct said *s, struct book *b)
{
	long long id = (long long)s->id;
	enum step step = (enum step)s->step;

	switch ((enum said_kind)s->kind) {
	case SAID_KEY:
		if (b->key != 0 && b->key != s->id) {
			fail_msg("the key that cookies were made with is lost");
		}
		b->key = s->id;
		break;
	case SAID_STAGED:
		if (staged(s->id, step) + is_done(s->id, step) != 1) {
			fail_msg(
			    "step %d of person %lld was staged and is lost (staged %lld, done %lld)",
			    (int)step, id, (long long)staged(s->id, step),
			    (long long)is_done(s->id, step));
		}
		break;
	case SAID_COMPLETED:
		b->completed[step]++;
		if (is_done(s->id, step) != 1 || staged(s->id, step) != 0) {
			fail_msg("step %d of person %lld was done and is lost", (int)step, id);
		}
		if (step == STEP_RESET && is_second_verified(s->id) != 0) {
			fail_msg("person %lld reset and keeps an unproved address", id);
		}
		break;
	case SAID_REHASHED:
		if (has_password(s->id, 2) + has_password(s->id, 3) != 1) {
			fail_msg("the new password of person %lld is lost", id);
		}
		break;
	case SAID_LEASED:
		break; /* all together: check_leased() */
	case SAID_SENT:
		if (waits(s->mail) != 0) {
			fail_msg("mail %lld was sent and waits again", (long long)s->mail);
		}
		break;
	case SAID_FAILED:
		b->failed++;
		if (staged(s->id, step) + is_done(s->id, step) == 0 && mails(s->id, step) != 0) {
			fail_msg("step %d of person %lld is there by half", (int)step, id);
		}
		break;
	case SAID_READY:
		b->ready++;
		break;
	default:
		fail_msg("said %lld", (long long)s->kind);
	}
}

static int by_mail(const void *a, const void *b)
{
	const struct said *x = a, *y = b;

	return x->mail != y->mail ? (x->mail > y->mail) - (x->mail < y->mail)
	       : x->id != y->id	  ? (x->id > y->id) - (x->id < y->id)
				  : (x->step > y->step) - (x->step < y->step);
}

static int by_token(const void *a, const void *b)
{
	const struct said *x = a, *y = b;

	return x->id != y->id	    ? (x->id > y->id) - (x->id < y->id)
	       : x->step != y->step ? (x->step > y->step) - (x->step < y->step)
				    : (x->mail > y->mail) - (x->mail < y->mail);
}

/* A mail may go out again after a cut, but as it was: one mail, one token. */
static void check_leased(struct book *b)
{
	qsort(b->leased, b->n_leased, sizeof(b->leased[0]), by_mail);
	for (unsigned i = 1; i < b->n_leased; i++) {
		const struct said *s = &b->leased[i - 1], *t = &b->leased[i];
		if (s->mail == t->mail && (s->id != t->id || s->step != t->step)) {
			fail_msg("mail %lld went out with two tokens", (long long)s->mail);
		}
	}
	qsort(b->leased, b->n_leased, sizeof(b->leased[0]), by_token);
	b->resent_here = 0;
	for (unsigned i = 1; i < b->n_leased; i++) {
		const struct said *s = &b->leased[i - 1], *t = &b->leased[i];
		bool is_same = s->id == t->id && s->step == t->step;
		b->resent_here += is_same && s->mail == t->mail;
		if (is_same && s->mail != t->mail) {
			fail_msg("mails %lld and %lld have one token", (long long)s->mail,
			    (long long)t->mail);
		}
	}
}

/* Every mail that waits has a token that is staged, or was used meanwhile. */
static void check_waiting(void)
{
	struct sql_stmt *stmt = arena_alloc(&arena, sizeof(*stmt));
	struct sql_query *q = NULL;
	struct err_note note = { 0 };
	char token[65];
	enum step step = STEP_SIGN_UP;
	int64_t id = 0;

	assert_non_null(stmt);
	*stmt = (struct sql_stmt){ .name = "test.waiting",
		.text = "SELECT link FROM outbox WHERE state = 0" };
	assert_int_equal(sql_begin(db, stmt, &q, &note), ERR_OK);
	while (sql_step(q) == ERR_OK) {
		assert_int_equal(slice_to_cstr(sql_col_text(q, 0), token, sizeof(token)), ERR_OK);
		assert_true(durable_token_of(token, &id, &step));
		if (staged(id, step) + is_done(id, step) == 0) {
			fail_msg("a mail for step %d of person %lld leads nowhere", (int)step,
			    (long long)id);
		}
	}
	sql_end(q);
}

/* Nothing was promised before the file was there, and then it is ours or not there at all. */
static void check_all(const struct place *place, struct book *b)
{
	struct err_note note = { 0 };
	const struct service *s = &accounts_service;

	mkdir(place->data, 0700);
	mkdir(place->db, 0700);
	if (sql_open(place->file, SQL_READ_WRITE, &db, &note) != ERR_OK ||
	    sql_migrate(db, s->name, s->migrations, s->n_migrations, &note) != ERR_OK) {
		fail_msg("the database does not open: %s", note.text);
	}
	arena = arena_new(512 * 1024 * 1024);
	if (number("SELECT COUNT(*) = 1 AND MAX(integrity_check) = 'ok'"
		   " FROM pragma_integrity_check",
		NULL, NULL) != 1) {
		fail_msg("the database is damaged");
	}
	if (s->audit(db, &note) != ERR_OK) {
		fail_msg("audit: %s", note.text);
	}
	for (unsigned i = 0; i < b->n; i++) {
		check_said(&b->said[i], b);
	}
	check_leased(b);
	check_waiting();
	arena_reset(&arena);
	sql_close(&db);
}

static void forget(const struct place *place, struct book *b)
{
	fault_disk_remove(place->root);
	b->key = 0;
	b->next_id = 0;
	b->n_leased = 0;
	b->resent += b->resent_here;
	b->resent_here = 0;
}

static void test_power_cuts_lose_nothing_acknowledged(void **state)
{
	uint64_t rounds = setting("DURABLE_ROUNDS", ROUNDS);
	uint64_t seed = setting("DURABLE_SEED", 0);
	struct book *b = calloc(1, sizeof(*b));
	struct place place;

	(void)state;
	assert_non_null(b);
	if (seed == 0) {
		seed = 1 + rng_below(1000000000);
	}
	print_message("DURABLE_SEED=%llu\n", (unsigned long long)seed);
	snprintf(place.root, sizeof(place.root), "/tmp/plimsoll-durable-XXXXXX");
	assert_non_null(mkdtemp(place.root));
	snprintf(place.data, sizeof(place.data), "%s/data", place.root);
	snprintf(place.db, sizeof(place.db), "%s/db", place.data);
	snprintf(place.file, sizeof(place.file), "%s/plimsoll.db", place.db);
	for (uint64_t round = 1; round <= rounds; round++) {
		if (round % FRESH_EACH == 1) {
			forget(&place, b);
			assert_int_equal(mkdir(place.root, 0700), 0);
		}
		b->n = 0;
		if (round % 100 == 0) {
			print_message("round %llu\n", (unsigned long long)round);
		}
		live_until_cut(&place, mix(seed, round), b);
		check_all(&place, b);
	}
	unsigned changes =
	    b->completed[STEP_SIGN_UP] + b->completed[STEP_ADD] + b->completed[STEP_RESET];
	print_message("%u changes acknowledged (%u sign-ups, %u additions, %u resets), %u calls "
		      "failed, %u faults, %u restarts, %u of %llu lives got ready, %u mails "
		      "taken twice\n",
	    changes, b->completed[STEP_SIGN_UP], b->completed[STEP_ADD], b->completed[STEP_RESET],
	    b->failed, b->faults, b->restarts, b->ready, (unsigned long long)rounds,
	    b->resent + b->resent_here);
	assert_true(b->completed[STEP_SIGN_UP] > rounds && b->completed[STEP_ADD] > rounds / 4 &&
		    b->completed[STEP_RESET] > rounds / 4 && b->faults > rounds / 5);
	forget(&place, b);
	free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_power_cuts_lose_nothing_acknowledged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
