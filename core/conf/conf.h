/*
 * Configuration: one table of keys from which parsing, checking, `plimsoll config`, the reference
 * page and --help come. Files are "[section]" with "key = value" lines (inih). A conf holds a value
 * and its origin for every key of every table; roles get a copy that lacks the secrets of others.
 */
#ifndef PLIMSOLL_CONF_CONF_H
#define PLIMSOLL_CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/role_id.h"
#include "core/base/slice.h"

enum conf_type {
	CONF_BOOL,     /* yes | no | true | false | on | off */
	CONF_INT,      /* whole number, min..max, in the key's unit */
	CONF_SIZE,     /* bytes; 64k, 10M, 1G (powers of 1024) */
	CONF_DURATION, /* milliseconds; 500ms, 10s, 5m, 2h, 28d; a bare number is in the key's unit
			*/
	CONF_STRING,
	CONF_ENUM,    /* one of choices */
	CONF_ADDRESS, /* host:port, [v6]:port, or port (loopback); without default it may be empty
		       */
	CONF_PATH,    /* without default it may be empty */
	CONF_URL      /* http(s)://host[:port], no path */
};

struct conf_key {
	const char *section, *name;
	enum conf_type type;
	const char *unit; /* for people: "ms", "bytes", "processes"; NULL if none */
	int64_t min,
	    max; /* CONF_INT, CONF_SIZE, CONF_DURATION; strings: longest length in max, 0=1024 */
	const char *choices; /* CONF_ENUM: "open|invite|closed" */
	const char *def;     /* default as text; NULL = empty */
	bool reloadable;     /* takes effect on SIGHUP */
	bool secret;	     /* never printed */
	uint32_t roles;	     /* ROLE_BIT mask of the roles that get a secret; 0 = all */
	const char *help;    /* one sentence */
	bool list;	     /* with commas; lines of one file that set it add up */
	/*
	 * Names in the environment that set it, "NAME|NAME", the first that is there counts;
	 * "NAME:s" reads a bare number in that unit, "HOST+PORT" makes an address of two. NULL:
	 * none.
	 */
	const char *env;
};

struct conf_table {
	const struct conf_key *keys;
	size_t n;
};

struct conf;

/*
 * Defaults of all keys of the tables (which are kept, not copied). At most 512 keys. ERR_MEMORY.
 * A table with a bad row (duplicate key, default out of bounds) is a broken invariant.
 */
NODISCARD enum err conf_new(const struct conf_table *tables, size_t n, struct conf **ret);
void conf_free(struct conf **c);

/*
 * Reads a file over the current values. Every problem is appended to problems as one line:
 *	FILE:LINE: [section] key: what was wrong; what is allowed[; did you mean "X"?]
 * ERR_CONFIG if there was any; ERR_NOT_FOUND/ERR_DENIED/ERR_IO if the file cannot be read.
 */
NODISCARD enum err conf_load(struct conf *c, const char *path, struct buf *problems);

/*
 * Sets what the environment says (conf_key.env), over a file and below the command line. The origin
 * is "environment NAME". Empty variables count as absent. Problems as of conf_load(). ERR_CONFIG.
 */
NODISCARD enum err conf_load_env(struct conf *c, struct buf *problems);

/* Sets one value from text ("section.name=value" of the command line); same problem lines. */
NODISCARD enum err conf_set(struct conf *c, const char *origin, struct slice section,
    struct slice name, struct slice value, struct buf *problems);

/* Values. An unknown key or one of another type is a broken invariant. Strings live with c. */
bool conf_bool(const struct conf *c, const char *section, const char *name);
int64_t conf_int(const struct conf *c, const char *section, const char *name);	   /* INT, SIZE */
int64_t conf_ms(const struct conf *c, const char *section, const char *name);	   /* DURATION */
const char *conf_str(const struct conf *c, const char *section, const char *name); /* all others */

/* True if the value came from a file or the command line, not from the default. */
bool conf_is_set(const struct conf *c, const char *section, const char *name);

/* Prints "[section]" and "key = value  # origin" of everything in effect; secrets as "(hidden)". */
void conf_print(const struct conf *c, struct buf *out);

/* The reference page in Markdown: a table per section. */
void conf_print_reference(const struct conf_table *tables, size_t n, struct buf *out);

/* The same keys as the sections of plimsoll.ini(5), in mdoc. */
void conf_print_man(const struct conf_table *tables, size_t n, struct buf *out);

/* For handing to a role over a socketpair: all values but secrets that role may not see. */
void conf_export(const struct conf *c, enum role_id role, struct buf *out);
NODISCARD enum err conf_import(struct conf *c, struct slice exported);

/* Sets in to what has that origin in from (the same tables): keeps --set values over a reload. */
NODISCARD enum err conf_copy_origin(struct conf *to, const struct conf *from, const char *origin);

/*
 * Compares two confs of the same tables and appends a line per key that differs but is not
 * reloadable. True if there was one.
 */
bool conf_needs_restart(const struct conf *now, const struct conf *next, struct buf *out);

#endif
