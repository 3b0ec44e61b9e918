/*
 * Each user has an address of 10.0.0.0/8.
 */
#include "lab/access_write.h"

#include <time.h>

#include "core/base/json.h"

static void put_address(uint64_t user, struct buf *out)
{
	buf_printf(out, "10.%u.%u.%u", (unsigned)(user >> 16 & 255), (unsigned)(user >> 8 & 255),
	    (unsigned)(user & 255));
}

static void put_json(const struct pretended *p, int64_t us, struct buf *out)
{
	struct json_writer w = json_writer_new(out);
	struct buf text = buf_new(64);

	json_begin_object(&w);
	json_put_name(&w, SLICE("time"));
	buf_printf(&text, "%lld.%03d", (long long)(us / 1000000), (int)(us / 1000 % 1000));
	json_put_raw(&w, buf_slice(&text));
	buf_clear(&text);
	put_address(p->user, &text);
	json_put_name(&w, SLICE("remote_addr"));
	json_put_string(&w, buf_slice(&text));
	json_put_name(&w, SLICE("method"));
	json_put_string(&w, p->method);
	json_put_name(&w, SLICE("path"));
	json_put_string(&w, p->path);
	json_put_name(&w, SLICE("status"));
	json_put_i64(&w, p->status);
	json_put_name(&w, SLICE("bytes"));
	json_put_i64(&w, (int64_t)p->bytes);
	json_end_object(&w);
	buf_append_char(out, '\n');
	buf_free(&text);
}

void access_write(
    const struct pretended *p, int64_t begin_ms, enum access_format format, struct buf *out)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int64_t us = begin_ms * 1000 + p->at_us;
	time_t seconds = (time_t)(us / 1000000);
	struct tm tm = { 0 };

	if (format == ACCESS_JSON) {
		put_json(p, us, out);
		return;
	}
	(void)gmtime_r(&seconds, &tm);
	put_address(p->user, out);
	buf_printf(out,
	    " - - [%02d/%.3s/%04d:%02d:%02d:%02d +0000] \"%.*s %.*s HTTP/1.1\" %d %zu \"-\" \"plimsoll-lab\"\n",
	    tm.tm_mday, months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec,
	    SLICE_ARG(p->method), SLICE_ARG(p->path), p->status, p->bytes);
}
