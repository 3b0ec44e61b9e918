/*
 * What the request header "Debug" adds to an answer: where the time went. Downloads are those of
 * another server's; here the symbols lie beside, so they are none.
 */
#include "core/base/clock.h"
#include "core/base/json.h"
#include "services/symbols/symbolicate_priv.h"

static void put_value_seconds(struct json_writer *w, int64_t us)
{
	struct buf text = buf_new(32);

	buf_printf(&text, "%lld.%06lld", (long long)(us / 1000000), (long long)(us % 1000000));
	json_put_raw(w, buf_slice(&text));
	buf_free(&text);
}

static void put_seconds(struct json_writer *w, struct slice name, int64_t us)
{
	json_put_name(w, name);
	put_value_seconds(w, us);
}

static void put_count(struct json_writer *w, struct slice name, int64_t n)
{
	json_put_name(w, name);
	json_put_i64(w, n);
}

static void put_empty(struct json_writer *w, struct slice name)
{
	json_put_name(w, name);
	json_begin_object(w);
	json_end_object(w);
}

/* The module's key; the member's value follows. */
static void put_key(struct asked *a, struct json_writer *w, const struct module_used *u)
{
	buf_clear(&a->text);
	buf_append_slice(&a->text, u->file);
	buf_append_char(&a->text, '/');
	buf_append_slice(&a->text, u->id);
	json_put_name(w, buf_slice(&a->text));
}

/* What it took to build the index of each module; *ret_us: all together. */
static void put_built(
    struct asked *a, struct json_writer *w, struct slice name, bool is_found, int64_t *ret_us)
{
	uint32_t n = asked_count(&a->used, sizeof(struct module_used));

	json_put_name(w, name);
	json_begin_object(w);
	for (uint32_t i = 0; i < n; i++) {
		const struct module_used *u = asked_used(a, i);
		if (u->is_asked && (is_found ? u->was_built : u->index == NULL)) {
			put_key(a, w, u);
			put_value_seconds(w, u->open_us);
			*ret_us += u->open_us;
		}
	}
	json_end_object(w);
}

static void put_lookups(struct asked *a, struct json_writer *w)
{
	uint32_t n = asked_count(&a->used, sizeof(struct module_used));
	int64_t count = 0, hits = 0, us = 0;

	for (uint32_t i = 0; i < n; i++) {
		const struct module_used *u = asked_used(a, i);
		count += u->is_asked;
		hits += u->index != NULL && !u->was_built;
		us += u->was_built ? 0 : u->open_us;
	}
	json_put_name(w, SLICE("cache_lookups"));
	json_begin_object(w);
	put_count(w, SLICE("count"), count);
	put_count(w, SLICE("hits"), hits);
	put_seconds(w, SLICE("time"), us);
	json_end_object(w);
}

static void put_downloads(struct json_writer *w)
{
	json_put_name(w, SLICE("downloads"));
	json_begin_object(w);
	put_count(w, SLICE("count"), 0);
	put_count(w, SLICE("size"), 0);
	put_seconds(w, SLICE("time"), 0);
	put_empty(w, SLICE("size_per_module"));
	put_empty(w, SLICE("time_per_module"));
	put_empty(w, SLICE("fail_time_per_module"));
	json_end_object(w);
}

static void put_modules(struct asked *a, struct json_writer *w)
{
	uint32_t n = asked_count(&a->used, sizeof(struct module_used));
	int64_t count = 0;

	json_put_name(w, SLICE("modules"));
	json_begin_object(w);
	json_put_name(w, SLICE("stacks_per_module"));
	json_begin_object(w);
	for (uint32_t i = 0; i < n; i++) {
		const struct module_used *u = asked_used(a, i);
		if (u->used_by != 0) {
			put_key(a, w, u);
			json_put_i64(w, u->stacks);
			count++;
		}
	}
	json_end_object(w);
	put_count(w, SLICE("count"), count);
	json_end_object(w);
}

void asked_debug(struct asked *a, struct json_writer *w)
{
	int64_t built_us = 0, failed_us = 0;

	json_begin_object(w);
	put_lookups(a, w);
	put_downloads(w);
	json_put_name(w, SLICE("parse_sym"));
	json_begin_object(w);
	put_built(a, w, SLICE("time_per_module"), true, &built_us);
	put_built(a, w, SLICE("fail_time_per_module"), false, &failed_us);
	put_seconds(w, SLICE("time"), built_us);
	json_end_object(w);
	json_put_name(w, SLICE("save_symcache"));
	json_begin_object(w);
	put_seconds(w, SLICE("time"), 0);
	put_empty(w, SLICE("time_per_module"));
	json_end_object(w);
	put_modules(a, w);
	put_seconds(w, SLICE("time"), clock_mono_us() - a->since_us);
	json_end_object(w);
}
