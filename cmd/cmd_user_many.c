/*
 * plimsoll user import, create-many: accounts by the thousand, a thousand a commit.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cmd/cmd_user.h"
#include "services/identity/users.h"

enum {
	PER_COMMIT = 1000
};

static enum err whole(struct user_run *r, const char *text, uint64_t *ret)
{
	return slice_to_u64(slice_str(text), 1000000000, ret) == ERR_OK
		   ? ERR_OK
		   : err_note_set(&r->note, ERR_INVALID, "\"%s\" is no whole number", text);
}

/* A run of accounts of one commit. */
static enum err create_some(
    struct user_run *r, uint64_t from, uint64_t to, const char *hash, uint64_t *made)
{
	enum err e = user_begin(r);

	for (uint64_t n = from; e == ERR_OK && n < to; n++) {
		char address[64];
		int64_t id = 0;
		struct txn t = user_txn(r);
		(void)snprintf(
		    address, sizeof(address), "%llu@loadtest.domain", (unsigned long long)n);
		e = user_create(&t, slice_str(address), slice_str(hash), &id, &r->note);
		*made += e == ERR_OK ? 1 : 0;
		e = e == ERR_EXISTS ? ERR_OK : e;
		arena_reset(&r->arena);
	}
	return user_finish(r, e);
}

/* N@loadtest.domain for load generators; one hash for all, so that a million takes seconds. */
enum err user_create_many(struct user_run *r)
{
	static const char pass[] = "THE PASSWORD";
	char hash[PASSWORD_HASH_SIZE];
	uint64_t from = 0, to = 0, made = 0;
	enum err e = whole(r, r->words[0], &from);

	if (e == ERR_OK) {
		e = whole(r, r->words[1], &to);
	}
	if (e == ERR_OK) {
		e = user_hash(r, pass, hash);
	}
	while (e == ERR_OK && from < to) {
		uint64_t end = to - from > PER_COMMIT ? from + PER_COMMIT : to;
		e = create_some(r, from, end, hash, &made);
		from = end;
	}
	if (e == ERR_OK) {
		printf("%llu accounts made\n", (unsigned long long)made);
	}
	return e;
}

/* Each line for itself: one that is refused is named, the others are taken. */
static enum err import_line(struct user_run *r, const char *line, unsigned number, bool *ret_taken)
{
	struct txn t = user_txn(r);
	struct err_note why = { 0 };
	enum err e = sql_run(r->db, "SAVEPOINT line", &r->note);

	if (e != ERR_OK) {
		return e;
	}
	enum err read = user_read(&t, slice_trim(slice_str(line)), &why);
	*ret_taken = read == ERR_OK;
	if (read != ERR_OK) {
		fprintf(stderr, "line %u: %s\n", number,
		    why.text[0] != '\0' ? why.text : err_text(read));
		e = sql_run(r->db, "ROLLBACK TO line", &r->note);
	}
	if (e == ERR_OK) {
		e = sql_run(r->db, "RELEASE line", &r->note);
	}
	arena_reset(&r->arena);
	return read == ERR_OK || read == ERR_INVALID || read == ERR_EXISTS || read == ERR_SYNTAX
		   ? e
		   : read;
}

enum err user_import(struct user_run *r)
{
	char *line = NULL;
	size_t size = 0;
	unsigned number = 0, taken = 0;
	bool is_taken = false;
	enum err e = user_begin(r);

	while (e == ERR_OK && getline(&line, &size, stdin) >= 0) {
		number++;
		e = import_line(r, line, number, &is_taken);
		taken += is_taken ? 1 : 0;
		if (e == ERR_OK && number % PER_COMMIT == 0) {
			e = user_finish(r, ERR_OK);
			e = e == ERR_OK ? user_begin(r) : e;
		}
	}
	free(line);
	e = user_finish(r, e);
	printf("%u of %u accounts taken\n", taken, number);
	return e == ERR_OK && taken < number
		   ? err_note_set(&r->note, ERR_INVALID, "%u lines were refused", number - taken)
		   : e;
}
