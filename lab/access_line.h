/*
 * One line of an access log, of the kinds that servers write. Strict where a guess would change
 * what is replayed: a line that is not understood whole is broken, and says why. Pure.
 */
#ifndef PLIMSOLL_LAB_ACCESS_LINE_H
#define PLIMSOLL_LAB_ACCESS_LINE_H

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "lab/log_time.h"

enum access_format {
	ACCESS_AUTO,	/* told from the line */
	ACCESS_COMMON,	/* common and combined of Apache, nginx's usual one */
	ACCESS_HAPROXY, /* httplog, with or without syslog's beginning */
	ACCESS_JSON,	/* an object a line: nginx with escape=json, Caddy, Traefik and others */
	ACCESS_LOGFMT,	/* key=value: our own */
	ACCESS_PATHS,	/* CSV: path[,status[,count]], or a first line that names the columns */
	ACCESS_HAR,	/* a whole file: lab/access_har.h */
};

enum {
	ACCESS_COLUMNS = 16,
	ACCESS_PATH_MOST = 8000,
};

/* Borrowed from the line, or from the scratch of the reader: valid until its next line. */
struct access_line {
	struct slice client, method, path; /* client may be empty */
	int status;			   /* 0: the log does not say */
	bool has_time;
	struct log_time time;
	int64_t count; /* of ACCESS_PATHS; else 1 */
};

enum access_column {
	COLUMN_OTHER,
	COLUMN_PATH,
	COLUMN_STATUS,
	COLUMN_COUNT,
	COLUMN_METHOD,
	COLUMN_CLIENT,
	COLUMN_TIME,
};

struct access_reader {
	enum access_format format; /* settled by the first line if it was ACCESS_AUTO */
	enum access_column
	    columns[ACCESS_COLUMNS]; /* of ACCESS_PATHS, once the first line was seen */
	unsigned n_columns;
	struct arena arena;
	struct buf texts; /* unescaped ones */
};

struct access_reader access_reader_new(enum access_format format);
void access_reader_free(struct access_reader *r);

enum access_result {
	ACCESS_TAKEN,
	ACCESS_NOTHING, /* empty, a comment, the names of columns, no request (another log line) */
	ACCESS_BROKEN,	/* *ret_why says why; static */
};

enum access_result access_read(
    struct access_reader *r, struct slice line, struct access_line *ret, const char **ret_why);

/* "auto", "common", "combined", "nginx", "haproxy", "json", "logfmt", "paths", "har". ERR_INVALID.
 */
NODISCARD enum err access_format_parse(struct slice name, enum access_format *ret);
const char *access_format_name(enum access_format format);

/* Private to access_*.c: the kinds by themselves, and what they share. */
enum access_result access_read_json(
    struct access_reader *r, struct slice line, struct access_line *ret, const char **ret_why);
enum access_result access_read_paths(
    struct access_reader *r, struct slice line, struct access_line *ret, const char **ret_why);

/* "GET /path HTTP/1.1" into method and path. */
bool access_take_request(struct slice text, struct access_line *ret);

/* A target to the path that can be sent: "http://host/path" loses its host. False: neither. */
bool access_take_path(struct slice target, struct access_line *ret);
bool access_take_status(struct slice text, struct access_line *ret);

/* "10.0.0.1:51234" and "[::1]:51234" without the port. */
struct slice access_client(struct slice text);

#endif
