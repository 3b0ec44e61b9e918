/*
 * See windows_file.h. Formats: PE (Microsoft's "PE Format"), MSF and PDB as LLVM's documentation
 * has them, ECMA-335 II.24.2 for the metadata of portable PDBs. All numbers are little-endian.
 *
 * A PDB has two ages. That of the debug information (stream 3) is what linkers write into the
 * program that belongs to it, so that is what debuggers ask by; a PDB without has that of stream 1.
 */
#include "services/symbols/windows_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "services/symbols/little.h"

enum {
	DOS_HEAD = 0x40, /* bytes; the last four say where the PE header is */
	DOS_PE_AT = 0x3c,
	PE_HEAD = 24, /* "PE\0\0" and the COFF header */
	PE_STAMP_AT = 8,
	PE_OPTIONAL_LEN_AT = 20,
	PE_IMAGE_SIZE_AT = 56, /* of the optional header, in both of its forms */
	PE_OPTIONAL_MIN = 60,
	PE32_MAGIC = 0x10b,
	PE64_MAGIC = 0x20b,

	MSF_MAGIC_LEN = 32,
	MSF_HEAD = 56,
	MSF_BLOCK_MIN = 512,
	MSF_BLOCK_MAX = 65536,
	MSF_STREAMS_MAX = 1 << 16,
	MSF_NONE = -1, /* the size of a stream that is not there */
	PDB_INFO = 1,  /* the stream of signature, age and GUID */
	PDB_DBI = 3,   /* that of the debug information */
	PDB_INFO_LEN = 28,
	PDB_DBI_LEN = 12,

	GUID_LEN = 16,
	CLI_HEAD = 16,
	CLI_VERSION_MAX = 256,
	CLI_STREAMS_MAX = 32,
	CLI_NAME_MAX = 32
};

static const char msf_magic[MSF_MAGIC_LEN] = "Microsoft C/C++ MSF 7.00\r\n\x1a"
					     "DS\0\0";
static const char cli_magic[] = { 'B', 'S', 'J', 'B' };

static uint32_t u16_at(const unsigned char *p)
{
	return (uint32_t)little_number(p, 2);
}

static uint32_t u32_at(const unsigned char *p)
{
	return (uint32_t)little_number(p, 4);
}

static enum err read_at(const struct elf_source *s, uint64_t at, void *out, size_t len)
{
	return s->read(s->arg, at, out, len);
}

bool windows_begins(struct slice head)
{
	return slice_starts(head, SLICE_OF(msf_magic, MSF_MAGIC_LEN)) ||
	       slice_starts(head, SLICE_OF(cli_magic, sizeof(cli_magic))) ||
	       (head.len >= DOS_HEAD && slice_starts(head, SLICE("MZ")));
}

/* ---- PE ---- */

static enum err read_pe(const struct elf_source *s, const unsigned char *dos, char *ret_id)
{
	unsigned char head[PE_HEAD], optional[PE_OPTIONAL_MIN];
	uint64_t at = u32_at(dos + DOS_PE_AT);
	enum err e = read_at(s, at, head, sizeof(head));

	if (e != ERR_OK) {
		return e;
	}
	/* Programs of DOS and of 16 bits begin likewise. */
	if (memcmp(head, "PE\0", 4) != 0) {
		return ERR_SYNTAX;
	}
	if (u16_at(head + PE_OPTIONAL_LEN_AT) < PE_OPTIONAL_MIN) {
		return ERR_INVALID;
	}
	e = read_at(s, at + PE_HEAD, optional, sizeof(optional));
	if (e != ERR_OK) {
		return e;
	}
	if (u16_at(optional) != PE32_MAGIC && u16_at(optional) != PE64_MAGIC) {
		return ERR_INVALID;
	}
	(void)snprintf(ret_id, WINDOWS_ID_SIZE, "%08" PRIx32 "%" PRIx32, u32_at(head + PE_STAMP_AT),
	    u32_at(optional + PE_IMAGE_SIZE_AT));
	return ERR_OK;
}

/* ---- PDB: a file of blocks, of which streams are made ---- */

struct msf {
	const struct elf_source *source;
	uint32_t block, n_blocks;
	uint32_t directory_len,
	    directory_map; /* bytes; the block with the blocks of the directory */
};

static enum err msf_open(const struct elf_source *s, struct msf *ret)
{
	unsigned char head[MSF_HEAD];
	enum err e = read_at(s, 0, head, sizeof(head));

	if (e != ERR_OK) {
		return e;
	}
	*ret = (struct msf){ .source = s,
		.block = u32_at(head + 32),
		.n_blocks = u32_at(head + 40),
		.directory_len = u32_at(head + 44),
		.directory_map = u32_at(head + 52) };
	/* The map of the directory is one block, which bounds the directory, too. */
	bool is_good = ret->block >= MSF_BLOCK_MIN && ret->block <= MSF_BLOCK_MAX &&
		       (ret->block & (ret->block - 1)) == 0 &&
		       ret->directory_len <= (uint64_t)ret->block / 4 * ret->block;
	return is_good ? ERR_OK : ERR_INVALID;
}

static enum err read_block(const struct msf *m, uint32_t block, uint32_t at, void *out, size_t len)
{
	return block >= m->n_blocks ? ERR_INVALID
				    : read_at(m->source, (uint64_t)block * m->block + at, out, len);
}

/* A number of the directory; it may lie in any of its blocks, but never in two. */
static enum err read_directory(const struct msf *m, uint64_t at, uint32_t *ret)
{
	unsigned char number[4];

	if (at + 4 > m->directory_len) {
		return ERR_INVALID;
	}
	enum err e =
	    read_block(m, m->directory_map, (uint32_t)(at / m->block) * 4, number, sizeof(number));
	if (e == ERR_OK) {
		e = read_block(
		    m, u32_at(number), (uint32_t)(at % m->block), number, sizeof(number));
	}
	if (e == ERR_OK) {
		*ret = u32_at(number);
	}
	return e;
}

/* The beginning of a stream, no more than a block has. ERR_NOT_FOUND: it is not there, or short. */
static enum err read_stream(const struct msf *m, uint32_t stream, void *out, size_t len)
{
	uint32_t n = 0, size = 0, block = 0;
	uint64_t blocks_before = 0;
	enum err e = read_directory(m, 0, &n);

	if (e == ERR_OK && (n > MSF_STREAMS_MAX || stream >= n)) {
		e = n > MSF_STREAMS_MAX ? ERR_INVALID : ERR_NOT_FOUND;
	}
	for (uint32_t i = 0; e == ERR_OK && i <= stream; i++) {
		e = read_directory(m, 4 + 4 * (uint64_t)i, &size);
		size = size == (uint32_t)MSF_NONE ? 0 : size;
		if (i < stream) {
			blocks_before += ((uint64_t)size + m->block - 1) / m->block;
		}
	}
	if (e == ERR_OK && size < len) {
		e = ERR_NOT_FOUND;
	}
	if (e == ERR_OK) {
		e = read_directory(m, 4 + 4 * ((uint64_t)n + blocks_before), &block);
	}
	return e == ERR_OK ? read_block(m, block, 0, out, len) : e;
}

/* 32 digits: three numbers, and eight bytes as they are. */
static void put_guid(const unsigned char *p, char *out)
{
	int len = snprintf(out, WINDOWS_ID_SIZE, "%08" PRIx32 "%04" PRIx32 "%04" PRIx32, u32_at(p),
	    u16_at(p + 4), u16_at(p + 6));

	for (size_t i = 8; i < GUID_LEN; i++) {
		len += snprintf(out + len, WINDOWS_ID_SIZE - (size_t)len, "%02x", (unsigned)p[i]);
	}
}

static enum err read_pdb(const struct elf_source *s, char *ret_id)
{
	unsigned char info[PDB_INFO_LEN], dbi[PDB_DBI_LEN];
	struct msf m;
	enum err e = msf_open(s, &m);

	if (e == ERR_OK) {
		e = read_stream(&m, PDB_INFO, info, sizeof(info));
	}
	if (e != ERR_OK) {
		return e == ERR_NOT_FOUND ? ERR_INVALID : e;
	}
	uint32_t age = u32_at(info + 8);
	e = read_stream(&m, PDB_DBI, dbi, sizeof(dbi));
	if (e == ERR_OK) {
		age = u32_at(dbi + 8);
	}
	if (e != ERR_OK && e != ERR_NOT_FOUND) {
		return e;
	}
	put_guid(info + 12, ret_id);
	size_t len = strlen(ret_id);
	(void)snprintf(ret_id + len, WINDOWS_ID_SIZE - len, "%" PRIx32, age);
	return ERR_OK;
}

/* ---- portable PDB: metadata with the stream "#Pdb" ---- */

static enum err read_guid_at(const struct elf_source *s, uint64_t at, char *ret_id)
{
	unsigned char guid[GUID_LEN];
	enum err e = read_at(s, at, guid, sizeof(guid));

	if (e == ERR_OK) {
		put_guid(guid, ret_id);
		size_t len = strlen(ret_id);
		(void)snprintf(ret_id + len, WINDOWS_ID_SIZE - len, "ffffffff");
	}
	return e;
}

/* One header of a stream: its place, its name, and where the next header is. */
static enum err read_cli_stream(
    const struct elf_source *s, uint64_t *at, uint32_t *ret_offset, char name[CLI_NAME_MAX + 1])
{
	unsigned char head[8], four[4];
	size_t len = 0;
	enum err e = read_at(s, *at, head, sizeof(head));

	*at += sizeof(head);
	*ret_offset = u32_at(head);
	/* With its NUL it takes a multiple of four bytes. */
	do {
		if (e == ERR_OK) {
			e = read_at(s, *at, four, sizeof(four));
		}
		if (e != ERR_OK) {
			return e;
		}
		memcpy(name + len, four, sizeof(four));
		len += sizeof(four);
		*at += sizeof(four);
	} while (memchr(four, 0, sizeof(four)) == NULL && len < CLI_NAME_MAX);
	name[CLI_NAME_MAX] = '\0';
	return memchr(name, 0, len) == NULL ? ERR_INVALID : ERR_OK;
}

static enum err read_portable(const struct elf_source *s, char *ret_id)
{
	unsigned char head[CLI_HEAD], counts[4];
	char name[CLI_NAME_MAX + 1];
	uint32_t offset;
	enum err e = read_at(s, 0, head, sizeof(head));

	if (e == ERR_OK && u32_at(head + 12) > CLI_VERSION_MAX) {
		return ERR_INVALID;
	}
	uint64_t at = e == ERR_OK ? (uint64_t)CLI_HEAD + u32_at(head + 12) : 0;
	if (e == ERR_OK) {
		e = read_at(s, at, counts, sizeof(counts));
		at += sizeof(counts);
	}
	if (e == ERR_OK && u16_at(counts + 2) > CLI_STREAMS_MAX) {
		return ERR_INVALID;
	}
	for (uint32_t i = 0, n = e == ERR_OK ? u16_at(counts + 2) : 0; i < n; i++) {
		e = read_cli_stream(s, &at, &offset, name);
		if (e != ERR_OK) {
			return e;
		}
		if (strcmp(name, "#Pdb") == 0) {
			return read_guid_at(s, offset, ret_id);
		}
	}
	/* Metadata of something else. */
	return e == ERR_OK ? ERR_SYNTAX : e;
}

/* ---- which ---- */

enum err windows_read(const struct elf_source *source, struct windows_facts *ret)
{
	struct windows_facts f = { .kind = WINDOWS_PDB };
	unsigned char head[DOS_HEAD];
	enum err e = read_at(source, 0, head, sizeof(head));

	if (e != ERR_OK) {
		return e;
	}
	if (memcmp(head, msf_magic, MSF_MAGIC_LEN) == 0) {
		e = read_pdb(source, f.id);
	} else if (memcmp(head, cli_magic, sizeof(cli_magic)) == 0) {
		e = read_portable(source, f.id);
	} else if (memcmp(head, "MZ", 2) == 0) {
		f.kind = WINDOWS_PE;
		e = read_pe(source, head, f.id);
	} else {
		e = ERR_SYNTAX;
	}
	if (e == ERR_OK) {
		*ret = f;
	}
	return e;
}
