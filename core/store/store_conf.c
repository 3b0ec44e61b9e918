/*
 * See store_conf.h. The two connection strings are secrets of different roles: web never learns
 * the one that may write.
 */
#include "core/store/store_conf.h"

#include <string.h>

bool store_is_postgres(const struct conf *conf)
{
	return strcmp(conf_str(conf, "store", "engine"), "postgres") == 0;
}

enum err store_target(
    const struct conf *conf, enum sql_mode mode, struct pg_target **ret, struct err_note *note)
{
	bool writes = mode == SQL_READ_WRITE;
	const char *url = conf_str(conf, "store", writes ? "url" : "read_url");
	const char *what = writes ? "[store] url" : "[store] read_url";

	if (url[0] == '\0') {
		return err_note_set(note, ERR_CONFIG, "%s: is needed with engine = postgres", what);
	}
	return pg_target_new(url, what, mode, ret, note);
}

static enum err check_one(const struct conf *conf, enum sql_mode mode, struct err_note *note)
{
	struct pg_target *t = NULL;
	enum err e = store_target(conf, mode, &t, note);

	pg_target_free(&t);
	return e;
}

enum err store_conf_check(const struct conf *conf, struct err_note *note)
{
	if (!store_is_postgres(conf)) {
		return ERR_OK;
	}
	enum err e = check_one(conf, SQL_READ_WRITE, note);
	return e == ERR_OK ? check_one(conf, SQL_READ_ONLY, note) : e;
}

struct pg_pool_options store_pool_options(const struct conf *conf)
{
	return (struct pg_pool_options){ .size = (unsigned)conf_int(conf, "store", "pool"),
		.wait_max = (unsigned)conf_int(conf, "store", "pool_queue"),
		.wait_us = conf_ms(conf, "store", "pool_wait") * 1000 };
}
