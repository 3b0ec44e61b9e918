/*
 * The index of one .sym: what a look-up needs and nothing else, mapped as it is. Little-endian.
 *
 *	header		HEADER_BYTES, with a checksum of its own
 *	data		names and blocks of functions, in the order in which they were met
 *	functions	n x { u32 start, u32 last, u32 block }, by start, none overlapping
 *	publics		n x { u32 address, u32 name }, by address
 *	files		n x u32 name, by the number that blocks use; 0: never named
 *	origins		the same for names of inlined functions
 *	sums		u32 CRC-32 of each SUM_BYTES from HEADER_BYTES to here
 *
 * Places in the file are u32 from its beginning, addresses are u32 from the module's base: what
 *lies beyond is found by nobody (no client has larger offsets that resolve).
 *
 * name: varint length of the text, then pieces until it is complete: varint n << 1 and n bytes, or
 * varint n << 1 | 1 and a varint: n bytes that stand so far before this piece. Copies take stored
 * bytes as they are, so a piece costs one step. Names of templates are mostly pieces of each other.
 *
 * block of a function: its name; varint number of lines; varint number of groups of inlined calls;
 * the groups; for each chunk of lines but the first { u32 start - function's start, u32 place
 *behind the first chunk's beginning }; the chunks of CHUNK_LINES lines each. line: varint (code <<
 *2 | other file << 1 | gap), [varint gap], varint size, [varint file + 1]; code 0: no line number,
 *else zigzag of the difference to the last number, + 1. Addresses and numbers start anew with each
 *chunk, from its start, 0 and no file (0). group: varint lowest address - function's start, varint
 *span of all ranges, varint records, varint bytes of these. inlined call: varint depth, varint
 *(zigzag of difference of the calling line << 1 | other file), [varint file + 1, 0: none], varint
 *origin, varint ranges, each: varint zigzag of difference to the start of the range before, varint
 *size. All starts anew with each group, from its lowest address.
 */
#ifndef PLIMSOLL_SYMBOLS_INDEX_FORMAT_H
#define PLIMSOLL_SYMBOLS_INDEX_FORMAT_H

#include <stdint.h>

enum {
	INDEX_VERSION = 1, /* count up whenever the meaning of a byte changes */
	INDEX_HASH_BYTES = 32,
	INDEX_HEADER_BYTES = 128,
	INDEX_SUM_BYTES = 4096,
	INDEX_CHUNK_LINES = 64,
	INDEX_GROUP_INLINES = 32
};

#define INDEX_MAGIC "PLSYMIX\n"

/* As it stands at the beginning of the file. Places of tables are multiples of 4. */
struct index_header {
	char magic[8];
	uint32_t version;
	uint32_t sum; /* CRC-32 of the header with 0 here */
	uint64_t source_bytes;
	uint8_t source_hash[INDEX_HASH_BYTES]; /* of the stored file; all 0: not known */
	uint32_t file_bytes;
	uint32_t sums_sum; /* CRC-32 of the sums */
	uint32_t functions, n_functions;
	uint32_t publics, n_publics;
	uint32_t files, n_files;
	uint32_t origins, n_origins;
	uint32_t sums;
	/* Names: of the module, its id, INFO CODE_ID; 0: none. */
	uint32_t module_name, module_id, code_id, code_file;
	uint32_t unused[3];
};

struct index_function {
	uint32_t start, last, block;
};

struct index_public {
	uint32_t address, name;
};

_Static_assert(sizeof(struct index_header) == INDEX_HEADER_BYTES, "no padding");
_Static_assert(sizeof(struct index_function) == 12 && sizeof(struct index_public) == 8,
    "tables are mapped as they are");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the index is little-endian");

static inline uint64_t index_zigzag(int64_t n)
{
	return (uint64_t)n << 1 ^ (uint64_t)(n >> 63);
}

static inline int64_t index_unzigzag(uint64_t n)
{
	return (int64_t)(n >> 1) ^ -(int64_t)(n & 1);
}

#endif
