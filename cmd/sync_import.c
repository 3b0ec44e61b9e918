/*
 * plimsoll sync import-from FILE: stores and users of another sync server. The file is looked
 * through as a whole first; then some stores go into each commit, so that a break in between leaves
 * whole ones, and a second run goes on where the first ended.
 */
#include <stdio.h>

#include "cmd/sync_import.h"
#include "services/sync/peer.h"

enum {
	RECORDS_PER_COMMIT = 2000,
	USERS_PER_COMMIT = 500
};

static enum err begin(struct user_run *r, bool dry)
{
	return dry ? ERR_OK : user_begin(r);
}

static enum err finish(struct user_run *r, bool dry, enum err e)
{
	return dry ? e : user_finish(r, e);
}

static enum err take_stores(struct user_run *r, struct peer *p, bool dry)
{
	int64_t uid = -1;
	enum err e = ERR_OK;

	while (e == ERR_OK) {
		int64_t until = p->report.records + RECORDS_PER_COMMIT;
		enum err end = ERR_OK;
		e = begin(r, dry);
		for (unsigned i = 0; e == ERR_OK && end == ERR_OK && p->report.records < until &&
				     i < RECORDS_PER_COMMIT;
		     i++) {
			struct txn t = user_txn(r);
			e = peer_next_store(p, &t, dry, &uid, &r->note);
			end = e == ERR_END ? ERR_END : ERR_OK;
			e = end == ERR_END ? ERR_OK : e;
			arena_reset(&r->arena);
		}
		e = finish(r, dry, e);
		e = e == ERR_OK ? end : e;
	}
	return e == ERR_END ? ERR_OK : e;
}

static enum err take_users(struct user_run *r, struct peer *p, bool dry)
{
	int64_t uid = -1;
	enum err e = ERR_OK;

	while (e == ERR_OK) {
		struct txn t = user_txn(r);
		e = begin(r, dry);
		if (e != ERR_OK) {
			return e;
		}
		enum err taken = peer_next_users(p, &t, dry, &uid, USERS_PER_COMMIT, &r->note);
		e = finish(r, dry, taken == ERR_END ? ERR_OK : taken);
		e = e == ERR_OK ? taken : e;
		arena_reset(&r->arena);
	}
	return e == ERR_END ? ERR_OK : e;
}

static enum err pass(struct user_run *r, struct peer *p, bool dry)
{
	int64_t batches = p->report.batches;

	p->report = (struct peer_report){ .batches = batches };
	enum err e = take_stores(r, p, dry);
	return e == ERR_OK ? take_users(r, p, dry) : e;
}

static void print_report(const struct peer_report *p, bool dry)
{
	printf("%sstores: %lld taken over with %lld records of %lld bytes, %lld there already, "
	       "%lld left alone, as they were written here since\n",
	    dry ? "would be: " : "", (long long)p->stores, (long long)p->records,
	    (long long)p->bytes, (long long)p->stores_there, (long long)p->stores_newer);
	printf("%susers: %lld taken over, %lld known already\n", dry ? "would be: " : "",
	    (long long)p->users, (long long)p->users_there);
	if (p->expired > 0 || p->batches > 0) {
		printf("left out: %lld records that have expired, %lld uploads that were not "
		       "finished\n",
		    (long long)p->expired, (long long)p->batches);
	}
}

enum err sync_import_from(struct user_run *r)
{
	struct peer p;
	bool dry = r->options->dry_run;
	enum err e = peer_open(r->words[0], r->conf, &p, &r->note);

	if (e == ERR_OK) {
		e = pass(r, &p, true);
	}
	if (e == ERR_OK && !dry) {
		e = pass(r, &p, false);
	}
	if (e == ERR_OK) {
		print_report(&p.report, dry);
	}
	peer_close(&p);
	return e;
}
