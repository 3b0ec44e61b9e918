/*
 * plimsoll symbols: tokens of uploaders, and removing what is not wanted any more. It works on the
 * database and the files themselves, beside a server that runs or without one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/account.h"
#include "cmd/cmd_symbols.h"
#include "cmd/cmd_user.h"
#include "core/base/clock.h"
#include "services/symbols/miss_cache.h"
#include "services/symbols/symbols_gc.h"
#include "services/symbols/symbols_time.h"
#include "services/symbols/symbols_token.h"

enum {
	DAY_MS = 86400000,
	/* How long these stay if nothing else is said. */
	TRY_DAYS = 30,
	CACHED_DAYS = 30,
	MISSING_DAYS = 90,
	DATE_CHARS = 10
};

/* ---- tokens ---- */

static enum err print_token(void *arg, const struct symbols_token *t)
{
	char end[SYMBOLS_TIME_SIZE];
	bool is_over = t->expires_ms <= *(const int64_t *)arg;

	printf("%6" PRId64 "  %.*s...  %.*s  %-8s  %.*s  ", t->id, SLICE_ARG(t->key_start),
	    DATE_CHARS, symbols_time_text(t->expires_ms, end),
	    t->is_blocked ? "blocked"
	    : is_over	  ? "expired"
			  : "live",
	    SLICE_ARG(t->email));
	for (unsigned bit = 0, n = 0; bit < SYMBOLS_PERMISSIONS; bit++) {
		if ((t->permissions & (1u << bit)) != 0) {
			printf("%s%s", n++ > 0 ? "," : "", symbols_permission_name(bit));
		}
	}
	printf("%s%.*s\n", t->notes.len > 0 ? "  " : "", SLICE_ARG(t->notes));
	return ERR_OK;
}

static enum err token_list(struct user_run *r)
{
	int64_t now_ms = clock_wall_ms();

	printf(
	    "%6s  %-9s  %-10s  %-8s  %s\n", "id", "key", "until", "state", "whose, and what for");
	return symbols_token_each(r->db, SLICE_EMPTY, print_token, &now_ms, &r->note);
}

static enum err read_number(
    struct user_run *r, const char *text, uint64_t max, int64_t *ret, const char *what)
{
	uint64_t n = 0;

	if (slice_to_u64(slice_str(text), max, &n) != ERR_OK || n == 0) {
		return err_note_set(&r->note, ERR_INVALID, "\"%s\" is no %s", text, what);
	}
	*ret = (int64_t)n;
	return ERR_OK;
}

/* In small letters, as people who sign in are looked up. */
static enum err read_email(struct user_run *r, struct slice *ret)
{
	struct slice text = slice_str(r->words[1]);

	if (slice_find(text, '@', 0) == text.len || email_key(&r->arena, text, ret) != ERR_OK) {
		return err_note_set(
		    &r->note, ERR_INVALID, "\"%s\" is no e-mail address", r->words[1]);
	}
	return ERR_OK;
}

static enum err token_add(struct user_run *r, const char *days_text)
{
	struct symbols_token t = { .email = SLICE_EMPTY, .notes = SLICE_EMPTY };
	char key[SYMBOLS_KEY_DIGITS + 1];
	int64_t days = SYMBOLS_TOKEN_DAYS, id = 0;
	enum err e = symbols_permissions_parse(slice_str(r->words[2]), &t.permissions, &r->note);

	e = e == ERR_OK ? read_email(r, &t.email) : e;
	if (e == ERR_OK && days_text != NULL) {
		e = read_number(r, days_text, SYMBOLS_TOKEN_DAYS_MAX, &days, "number of days");
	}
	if (e == ERR_OK) {
		e = user_begin(r);
	}
	if (e != ERR_OK) {
		return e;
	}
	t.created_ms = clock_wall_ms();
	t.expires_ms = t.created_ms + days * DAY_MS;
	e = user_finish(r, symbols_token_new(r->db, &t, key, &id, &r->note));
	if (e == ERR_OK) {
		printf("%s\n", key);
	}
	return e;
}

static enum err find_token(struct user_run *r, struct symbols_token *ret)
{
	int64_t id = 0;
	enum err e = read_number(r, r->words[1], INT64_MAX, &id, "number of a token");

	e = e == ERR_OK ? symbols_token_get(r->db, &r->arena, id, ret, &r->note) : e;
	return e == ERR_NOT_FOUND ? err_note_set(&r->note, e, "there is no token %s", r->words[1])
				  : e;
}

static enum err token_revoke(struct user_run *r)
{
	struct symbols_token t;
	enum err e = find_token(r, &t);

	e = e == ERR_OK ? user_begin(r) : e;
	return e == ERR_OK ? user_finish(r, symbols_token_delete(r->db, t.id, &r->note)) : e;
}

/* From the old end on, not from today. */
static enum err token_extend(struct user_run *r)
{
	struct symbols_token t;
	int64_t days = 0;
	enum err e = find_token(r, &t);

	e = e == ERR_OK
		? read_number(r, r->words[2], SYMBOLS_TOKEN_DAYS_MAX, &days, "number of days")
		: e;
	e = e == ERR_OK ? user_begin(r) : e;
	return e == ERR_OK ? user_finish(r, symbols_token_set_end(r->db, t.id,
						t.expires_ms + days * DAY_MS, &r->note))
			   : e;
}

static enum err token_block(struct user_run *r, bool is_blocked)
{
	struct slice email = SLICE_EMPTY;
	int64_t n = 0;
	enum err e = read_email(r, &email);

	e = e == ERR_OK ? user_begin(r) : e;
	if (e == ERR_OK) {
		e = user_finish(r, symbols_token_block(r->db, email, is_blocked, &n, &r->note));
	}
	return e == ERR_OK && n == 0
		   ? err_note_set(&r->note, ERR_NOT_FOUND, "%s has no tokens", r->words[1])
		   : e;
}

static enum err unknown(struct user_run *r)
{
	return err_note_set(&r->note, ERR_INVALID,
	    "list; add EMAIL PERMISSIONS [DAYS]; extend ID DAYS; revoke ID; block EMAIL; unblock "
	    "EMAIL");
}

static enum err do_token_1(struct user_run *r)
{
	return strcmp(r->words[0], "list") == 0 ? token_list(r) : unknown(r);
}

static enum err do_token_2(struct user_run *r)
{
	if (strcmp(r->words[0], "revoke") == 0) {
		return token_revoke(r);
	}
	bool is_block = strcmp(r->words[0], "block") == 0;
	return is_block || strcmp(r->words[0], "unblock") == 0 ? token_block(r, is_block)
							       : unknown(r);
}

static enum err do_token_3(struct user_run *r)
{
	if (strcmp(r->words[0], "add") == 0) {
		return token_add(r, NULL);
	}
	return strcmp(r->words[0], "extend") == 0 ? token_extend(r) : unknown(r);
}

static enum err do_token_4(struct user_run *r)
{
	return strcmp(r->words[0], "add") == 0 ? token_add(r, r->words[3]) : unknown(r);
}

/* ---- removing ---- */

static enum err gc_begin(void *arg)
{
	return user_begin(arg);
}

static enum err gc_end(void *arg, enum err e)
{
	return user_finish(arg, e);
}

/* Days of a flag, or as many as usual if it was not given. */
static enum err days_of(struct user_run *r, const char *text, int64_t usual, int64_t *ret_ms)
{
	int64_t days = usual;
	enum err e = text == NULL
			 ? ERR_OK
			 : read_number(r, text, SYMBOLS_TOKEN_DAYS_MAX, &days, "number of days");

	*ret_ms = days * DAY_MS;
	return e;
}

static enum err read_rules(struct user_run *r, struct symbols_gc_rules *ret)
{
	const struct cmd_options *o = r->options;
	struct symbols_gc_rules rules = { .dry_run = o->dry_run };
	enum err e = days_of(r, o->older_than, 0, &rules.older_ms);

	e = e == ERR_OK ? days_of(r, o->unused_for, 0, &rules.unused_ms) : e;
	e = e == ERR_OK ? days_of(r, o->try_older_than, TRY_DAYS, &rules.try_ms) : e;
	e = e == ERR_OK ? days_of(r, o->cached_unused_for, CACHED_DAYS, &rules.cached_ms) : e;
	e = e == ERR_OK ? days_of(r, o->missing_older_than, MISSING_DAYS, &rules.missing_ms) : e;
	if (e == ERR_OK && o->keep != NULL) {
		e = read_number(r, o->keep, INT32_MAX, &rules.keep, "number of builds");
	}
	*ret = rules;
	return e;
}

/*
 * What is removed now is in the memory of the server's processes; opening their table voids that.
 * Where it cannot be opened they know it for some seconds more.
 */
static void forget_removed(struct user_run *r)
{
	struct miss_cache *known = NULL;
	struct err_note note = { 0 };
	enum err e = miss_cache_open_in(conf_str(r->conf, "plimsoll", "data_dir"), &known, &note);

	(void)e;
	miss_cache_close(&known);
}

static enum err do_gc(struct user_run *r)
{
	struct blob_store *blobs = NULL;
	struct symbols_gc gc = { .db = r->db,
		.begin = gc_begin,
		.end = gc_end,
		.arg = r,
		.now_ms = clock_wall_ms(),
		.note = &r->note };
	enum err e = read_rules(r, &gc.rules);

	if (e == ERR_OK) {
		e = blob_open(
		    conf_str(r->conf, "plimsoll", "data_dir"), BLOB_WRITE, &blobs, &r->note);
	}
	gc.blobs = blobs;
	if (e == ERR_OK && !gc.rules.dry_run) {
		e = blob_hold(blobs, true, &r->note);
	}
	if (e == ERR_OK) {
		e = symbols_gc_run(&gc);
	}
	if (e == ERR_OK && !gc.rules.dry_run) {
		forget_removed(r);
	}
	blob_close(&blobs);
	if (e == ERR_OK) {
		printf("%s%" PRId64 " files (%" PRId64 " bytes), %" PRId64 " blobs (%" PRId64
		       " bytes), %" PRId64 " broken uploads\n",
		    gc.rules.dry_run ? "would remove " : "removed ", gc.done.files,
		    gc.done.file_bytes, gc.done.blobs, gc.done.blob_bytes, gc.done.drafts);
	}
	if (e == ERR_OK && !gc.rules.dry_run) {
		printf("removed %" PRId64 " counts of what was missing, %" PRId64
		       " files that were announced and never sent\n",
		    gc.done.missing, gc.done.unsent);
	}
	return e;
}

/* clang-format off */
static const struct user_verb verbs[] = {
	{ "token", "list", 1, false, do_token_1 },
	{ "token", "revoke ID | block EMAIL | unblock EMAIL", 2, true, do_token_2 },
	{ "token", "add EMAIL PERMISSION,... | extend ID DAYS", 3, true, do_token_3 },
	{ "token", "add EMAIL PERMISSION,... DAYS", 4, true, do_token_4 },
	/* With a file in the place of MODULE no database is needed. */
	{ "symbolicate", "FILE.sym | DEBUG_FILE/DEBUG_ID  (offsets from standard input)", 1, false, symbols_symbolicate_stored },
	{ "symbolicate", "FILE.sym | DEBUG_FILE/DEBUG_ID OFFSET", 2, false, symbols_symbolicate_stored },
	{ "symbolicate", "FILE.sym | DEBUG_FILE/DEBUG_ID OFFSET OFFSET", 3, false, symbols_symbolicate_stored },
	{ "symbolicate", "FILE.sym | DEBUG_FILE/DEBUG_ID OFFSET OFFSET OFFSET", 4, false, symbols_symbolicate_stored },
	/* Before this table is looked at: it needs no database. */
	{ "upload", "FILE|FOLDER... [--url URL] [--token-file FILE] [--try]", CMD_MAX_WORDS + 1, false, NULL },
	{ "gc", "[--older-than DAYS] [--unused-for DAYS] [--keep BUILDS] [--try-older-than DAYS] [--cached-unused-for DAYS] [--missing-older-than DAYS] [--dry-run]", 0, true, do_gc },
};
/* clang-format on */

int cmd_symbols(const struct app *app, struct conf *conf, const struct cmd_options *o)
{
	int code = 0;

	if (symbols_symbolicate_file(o, &code)) {
		return code;
	}
	if (o->word != NULL && strcmp(o->word, "upload") == 0) {
		return symbols_send_files(conf, o);
	}
	return user_command("symbols", verbs, sizeof(verbs) / sizeof(verbs[0]), app, conf, o);
}
