/*
 * See symbols_json.h.
 */
#include "services/symbols/symbols_json.h"

#include "services/symbols/symbols_time.h"

void symbols_put_text(struct json_writer *w, struct slice name, struct slice value)
{
	json_put_name(w, name);
	json_put_string(w, value);
}

void symbols_put_text_or_null(struct json_writer *w, struct slice name, struct slice value)
{
	json_put_name(w, name);
	if (value.len == 0) {
		json_put_null(w);
	} else {
		json_put_string(w, value);
	}
}

void symbols_put_number(struct json_writer *w, struct slice name, int64_t n)
{
	json_put_name(w, name);
	json_put_i64(w, n);
}

void symbols_put_flag(struct json_writer *w, struct slice name, bool flag)
{
	json_put_name(w, name);
	json_put_bool(w, flag);
}

void symbols_put_raw(struct json_writer *w, struct slice name, struct slice json)
{
	json_put_name(w, name);
	json_put_raw(w, json);
}

void symbols_put_time(struct json_writer *w, struct slice name, int64_t ms)
{
	char text[SYMBOLS_TIME_SIZE];

	symbols_put_text_or_null(
	    w, name, ms == 0 ? SLICE_EMPTY : slice_str(symbols_time_text(ms, text)));
}

struct slice symbols_bucket(bool is_try)
{
	return is_try ? SLICE("try") : SLICE("symbols");
}
