/*
 * Inside of a configuration, for the files of this folder only.
 */
#ifndef PLIMSOLL_CONF_CONF_PRIV_H
#define PLIMSOLL_CONF_CONF_PRIV_H

#include "core/conf/conf.h"

enum {
	CONF_MAX_KEYS = 512,
	CONF_VALUE_BYTES = 1024
};

struct conf_entry {
	const struct conf_key *key; /* borrowed from the table */
	char *text;		    /* owned; the value as people write it */
	int64_t number;		    /* bool, int, bytes, milliseconds; 0 for texts */
	char *origin;		    /* owned; "FILE:LINE", "command line"; NULL: default */
};

struct conf {
	struct conf_entry *entries; /* owned, n of them in table order */
	size_t n;
};

/* The entry of a key, or NULL. */
struct conf_entry *conf_entry_find(const struct conf *c, struct slice section, struct slice name);

/*
 * Reads text as a value of the key. ERR_INVALID: what is wrong and what is allowed is appended to
 * why. *ret_number as in conf_entry.
 */
NODISCARD enum err conf_value_parse(
    const struct conf_key *key, struct slice text, int64_t *ret_number, struct buf *why);

/* "whole number from 1 to 64 (processes)" and the like. */
void conf_value_allowed(const struct conf_key *key, struct buf *out);

/* The name of a type for the reference page. */
const char *conf_type_name(enum conf_type type);

/* Replaces value and origin of an entry (both copied). */
NODISCARD enum err conf_entry_set(
    struct conf_entry *e, struct slice text, int64_t number, const char *origin);

#endif
