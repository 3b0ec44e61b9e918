/*
 * gc of rows that are no files: counts of what was missing long ago, and files that were announced
 * and never came. Some at a time, so that no transaction holds up others.
 */
#include "services/symbols/symbols_db.h"
#include "services/symbols/symbols_gc.h"

enum {
	ROWS_AT_ONCE = 200
};

/* Removes some rows by one statement. */
static enum err remove_some(struct symbols_gc *gc, enum symbols_stmt stmt, const char *column,
    int64_t before_ms, int64_t *ret_n)
{
	struct sql_query *q;
	enum err e = symbols_begin(gc->db, stmt, &q, gc->note);

	*ret_n = 0;
	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, column, before_ms);
	sql_bind_i64(q, "most", ROWS_AT_ONCE);
	while ((e = sql_step(q)) == ERR_OK) {
		*ret_n += 1;
	}
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

static enum err remove_old(struct symbols_gc *gc, enum symbols_stmt stmt, const char *column,
    int64_t age_ms, int64_t *total)
{
	int64_t n = ROWS_AT_ONCE;
	enum err e = ERR_OK;

	while (e == ERR_OK && n == ROWS_AT_ONCE && age_ms > 0) {
		e = gc->begin(gc->arg);
		if (e == ERR_OK) {
			e = remove_some(gc, stmt, column, gc->now_ms - age_ms, &n);
			e = gc->end(gc->arg, e);
			*total += e == ERR_OK ? n : 0;
		}
	}
	return e;
}

enum err symbols_gc_logs(struct symbols_gc *gc)
{
	enum err e = remove_old(
	    gc, SYMBOLS_MISSING_OLD, "modified_ms", gc->rules.missing_ms, &gc->done.missing);

	return e == ERR_OK ? remove_old(gc, SYMBOLS_SESSIONS_OLD, "created_ms",
				 SYMBOLS_GC_UNSENT_MS, &gc->done.unsent)
			   : e;
}
