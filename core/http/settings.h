/*
 * The keys of section [http] as numbers in the units of the code.
 */
#ifndef PLIMSOLL_HTTP_SETTINGS_H
#define PLIMSOLL_HTTP_SETTINGS_H

#include "core/base/err.h"
#include "core/conf/conf.h"
#include "core/http/address.h"
#include "core/http/parse.h"

struct http_settings {
	unsigned max_connections; /* never 0 */
	unsigned max_per_address; /* 0: no limit */
	unsigned queue_max;	  /* requests waiting in one class queue */
	struct http_parse_limits head;
	size_t body_memory; /* bytes of buffered bodies in the process */
	int64_t head_us, idle_us, write_us, body_grace_us;
	int64_t body_rate; /* bytes/s */
	bool access_log, trace_header;
	bool proxy_protocol; /* trusted proxies begin their connections with a PROXY header */
	bool http2;
	unsigned h2_streams;	   /* open at once in one connection */
	unsigned h2_streams_total; /* in the process */
	uint32_t h2_window;	   /* bytes of bodies that a connection may have unread in here */
	struct http_networks trusted;
};

/* Reads section [http]; ERR_CONFIG with the key in note. *ret is changed on success only. */
NODISCARD enum err http_settings_read(
    const struct conf *conf, struct http_settings *ret, struct err_note *note);

#endif
