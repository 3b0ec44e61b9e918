/*
 * The keys of section [http], and what the process' descriptor limit makes of them.
 */
#include "core/http/settings.h"

#include <sys/resource.h>

#include "core/http/server.h"

/* Descriptors left to everything that is no client connection. */
enum {
	FDS_FOR_OTHERS = 64,
	FDS_MIN = 16
};

static const char section[] = "http";

/* clang-format off */
static const struct conf_key keys[] = {
	{ .section = section, .name = "max_connections", .type = CONF_INT, .unit = "connections", .min = 0, .max = 1000000, .def = "0", .reloadable = true,
	  .help = "Most client connections of one process; 0: as many as its descriptor limit allows." },
	{ .section = section, .name = "max_connections_per_address", .type = CONF_INT, .unit = "connections", .min = 0, .max = 1000000, .def = "1000", .reloadable = true,
	  .help = "Most connections of one client address (IPv6: one /64) in one process; 0: no limit. Trusted proxies are not counted." },
	{ .section = section, .name = "max_queue", .type = CONF_INT, .unit = "requests", .min = 1, .max = 100000, .def = "1024", .reloadable = true,
	  .help = "Most requests that wait in one class queue of a process; more are refused. The last eighth is for work already begun." },
	{ .section = section, .name = "max_head", .type = CONF_SIZE, .unit = "bytes", .min = 1024, .max = HTTP_MAX_HEAD_BYTES, .def = "16k", .reloadable = true,
	  .help = "Longest head of a request; longer ones get 431." },
	{ .section = section, .name = "max_request_line", .type = CONF_SIZE, .unit = "bytes", .min = 256, .max = HTTP_MAX_HEAD_BYTES, .def = "8k", .reloadable = true,
	  .help = "Longest request line; longer ones get 414." },
	{ .section = section, .name = "max_body_memory", .type = CONF_SIZE, .unit = "bytes", .min = 65536, .max = INT64_C(1) << 40, .def = "64M", .reloadable = true,
	  .help = "Memory of one process for request bodies that are still arriving; beyond it they are refused with 503." },
	{ .section = section, .name = "header_timeout", .type = CONF_DURATION, .unit = "s", .min = 100, .max = 3600000, .def = "10s", .reloadable = true,
	  .help = "Time for a whole head, from its first byte (or from the connection's beginning); then 408." },
	{ .section = section, .name = "idle_timeout", .type = CONF_DURATION, .unit = "s", .min = 100, .max = 3600000, .def = "60s", .reloadable = true,
	  .help = "Time that a connection may be idle between requests." },
	{ .section = section, .name = "write_timeout", .type = CONF_DURATION, .unit = "s", .min = 100, .max = 3600000, .def = "30s", .reloadable = true,
	  .help = "Time without progress while a client takes its answer; then the connection is cut." },
	{ .section = section, .name = "body_grace", .type = CONF_DURATION, .unit = "s", .min = 100, .max = 3600000, .def = "10s", .reloadable = true,
	  .help = "Time before the minimum rate of a request body counts." },
	{ .section = section, .name = "min_body_rate", .type = CONF_SIZE, .unit = "bytes/s", .min = 1, .max = INT64_C(1) << 30, .def = "1k", .reloadable = true,
	  .help = "Slowest average rate of a request body; slower ones get 408." },
	{ .section = section, .name = "trusted_proxies", .type = CONF_STRING, .max = 1024, .def = "127.0.0.0/8, ::1", .reloadable = true,
	  .help = "Addresses and networks whose X-Forwarded-For, X-Forwarded-Proto and traceparent are believed." },
	{ .section = section, .name = "proxy_protocol", .type = CONF_BOOL, .def = "no", .reloadable = true,
	  .help = "Whether trusted proxies begin each connection with a PROXY header (version 1 or 2) that names the client; required of them then, and refused from others. Not on the admin listener." },
	{ .section = section, .name = "access_log", .type = CONF_BOOL, .def = "yes", .reloadable = true,
	  .help = "One log line per request." },
	{ .section = section, .name = "trace_header", .type = CONF_BOOL, .def = "no", .reloadable = true,
	  .help = "Whether answers carry X-Request-Id with the trace that log lines of the request have." },
	{ .section = section, .name = "http2", .type = CONF_BOOL, .def = "yes", .reloadable = true,
	  .help = "HTTP/2: over TLS where the client asks for it, and by prior knowledge (h2c) without." },
	{ .section = section, .name = "http2_streams", .type = CONF_INT, .unit = "streams", .min = 1, .max = 10000, .def = "100", .reloadable = true,
	  .help = "Most requests at once on one HTTP/2 connection." },
	{ .section = section, .name = "http2_streams_total", .type = CONF_INT, .unit = "streams", .min = 1, .max = 1000000, .def = "8192", .reloadable = true,
	  .help = "Most HTTP/2 requests at once in one process; more are refused with REFUSED_STREAM, which clients may retry." },
	{ .section = section, .name = "http2_window", .type = CONF_SIZE, .unit = "bytes", .min = 65535, .max = INT64_C(1) << 30, .def = "512k", .reloadable = true,
	  .help = "Bytes of request bodies that one HTTP/2 connection may send ahead of their handlers; one stream half of it." },
};
/* clang-format on */

const struct conf_table http_conf = { keys, sizeof(keys) / sizeof(keys[0]) };

static unsigned by_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > 1000000) {
		return 1000000;
	}
	return limit.rlim_cur < FDS_FOR_OTHERS + FDS_MIN
		   ? FDS_MIN
		   : (unsigned)limit.rlim_cur - FDS_FOR_OTHERS;
}

static int64_t duration_us(const struct conf *conf, const char *name)
{
	return conf_ms(conf, section, name) * 1000;
}

enum err http_settings_read(
    const struct conf *conf, struct http_settings *ret, struct err_note *note)
{
	unsigned possible = by_descriptors();
	unsigned wanted = (unsigned)conf_int(conf, section, "max_connections");
	struct http_settings s = {
		.max_connections = wanted == 0 || wanted > possible ? possible : wanted,
		.max_per_address = (unsigned)conf_int(conf, section, "max_connections_per_address"),
		.queue_max = (unsigned)conf_int(conf, section, "max_queue"),
		.head = { .line_bytes = (uint32_t)conf_int(conf, section, "max_request_line"),
		    .head_bytes = (uint32_t)conf_int(conf, section, "max_head"),
		    .headers = HTTP_MAX_HEADERS },
		.body_memory = (size_t)conf_int(conf, section, "max_body_memory"),
		.head_us = duration_us(conf, "header_timeout"),
		.idle_us = duration_us(conf, "idle_timeout"),
		.write_us = duration_us(conf, "write_timeout"),
		.body_grace_us = duration_us(conf, "body_grace"),
		.body_rate = conf_int(conf, section, "min_body_rate"),
		.access_log = conf_bool(conf, section, "access_log"),
		.proxy_protocol = conf_bool(conf, section, "proxy_protocol"),
		.trace_header = conf_bool(conf, section, "trace_header"),
		.http2 = conf_bool(conf, section, "http2"),
		.h2_streams = (unsigned)conf_int(conf, section, "http2_streams"),
		.h2_streams_total = (unsigned)conf_int(conf, section, "http2_streams_total"),
		.h2_window = (uint32_t)conf_int(conf, section, "http2_window"),
	};
	struct err_note why = { .code = ERR_OK };

	if (http_networks_parse(slice_str(conf_str(conf, section, "trusted_proxies")), &s.trusted,
		&why) != ERR_OK) {
		return err_note_set(note, ERR_CONFIG, "[http] trusted_proxies: %s", why.text);
	}
	if (s.proxy_protocol && s.trusted.n == 0) {
		return err_note_set(note, ERR_CONFIG,
		    "[http] proxy_protocol: nobody may send a PROXY header while trusted_proxies "
		    "is empty");
	}
	*ret = s;
	return ERR_OK;
}
