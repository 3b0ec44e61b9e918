/*
 * Inside the JSON reader: what a value is made of and the state of one parse. Only json_*.c of this
 * folder and their tests include it.
 */
#ifndef PLIMSOLL_BASE_JSON_PRIV_H
#define PLIMSOLL_BASE_JSON_PRIV_H

#include "core/base/json.h"

enum {
	JSON_PAD_BYTES = 16,   /* of zeros behind the text: scanning needs no test for its end */
	JSON_FEW_MEMBERS = 16, /* up to here names are compared one by one */
	JSON_FIRST_OPEN = 32   /* values of unfinished containers that need no heap */
};

/*
 * items of an object: name, value, name, value, ... in the order of the text; with more than
 * JSON_FEW_MEMBERS members, len pointers to the names, sorted, stand behind them.
 */
struct json {
	enum json_kind kind;
	uint32_t len; /* bytes of a string, elements of an array, members of an object */
	union {
		bool flag;
		int64_t integer;
		double real;
		const char *text;
		struct json *items;
	};
};

struct json_reader {
	struct arena *arena;
	struct err_note *note;
	char *text, *end; /* the copy in the arena; strings are decoded in place */
	char *at;
	unsigned depth;
	/* A stack: what is in containers that are not closed yet. In first[], later on the heap. */
	struct json *open;
	size_t n_open, cap_open;
};

/* ERR_SYNTAX with the place in the note; never quotes the text. */
NODISCARD enum err json_refuse(struct json_reader *r, const char *what);

/* Both stand on the first byte (quote; digit or minus) and leave r->at behind the last. */
NODISCARD enum err json_read_string(struct json_reader *r, struct json *ret);
NODISCARD enum err json_read_number(struct json_reader *r, struct json *ret);

/* Bytes that json_seal_object() needs behind the items of an object of n members. */
size_t json_index_bytes(size_t n);

/* Makes a complete object fit for look-up. False: a name occurs twice. */
bool json_seal_object(struct json *object);

/* Length of the valid UTF-8 sequence (RFC 3629) at the start of left > 0 bytes, or 0. */
size_t json_utf8_length(const char *bytes, size_t left);

#endif
