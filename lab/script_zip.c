/*
 * zip{ { "name", "bytes" }, ... }: an archive without compression, as upload tools make of what is
 * packed already. PKWARE's format, no ZIP64.
 */
#include <zlib.h>

#include "lab/script_priv.h"

enum {
	ZIP_FILES = 10000,
	LOCAL_HEAD = 30,
};

static void put(struct buf *out, uint32_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++) {
		buf_append_char(out, (char)(value >> 8 * i & 0xFF));
	}
}

struct member {
	struct slice name, text;
	uint32_t crc;
};

/* What local and central heads have in common: versions to lengths of name and extra. */
static void put_common(struct buf *out, const struct member *m)
{
	put(out, 20, 2);	 /* version needed */
	put(out, 0x0800, 2);	 /* names are UTF-8 */
	put(out, 0, 2);		 /* stored */
	put(out, 0x21 << 16, 4); /* 1980-01-01 00:00 */
	put(out, m->crc, 4);
	put(out, (uint32_t)m->text.len, 4);
	put(out, (uint32_t)m->text.len, 4);
	put(out, (uint32_t)m->name.len, 2);
	put(out, 0, 2);
}

/* Member i of the list at 1; its texts are held by the list. */
static struct member member_of(lua_State *L, int i)
{
	struct member m = { 0 };

	lua_rawgeti(L, 1, i);
	if (!lua_istable(L, -1)) {
		script_fail(L, "zip{ { name, bytes }, ... }");
	}
	lua_rawgeti(L, -1, 1);
	lua_rawgeti(L, -2, 2);
	m.name = script_text(L, -2, "zip: the name of a file");
	m.text = script_text(L, -1, "zip: the bytes of a file");
	m.crc = (uint32_t)crc32(0, (const unsigned char *)m.text.ptr, (unsigned)m.text.len);
	lua_pop(L, 3);
	if (m.name.len == 0 || m.name.len > 1000) {
		script_fail(L, "zip: a name has from 1 to 1000 bytes");
	}
	return m;
}

static int zip(lua_State *L)
{
	struct buf *out = script_scratch(L);

	if (!lua_istable(L, 1) || lua_objlen(L, 1) > ZIP_FILES) {
		script_fail(L, "zip{ { name, bytes }, ... }, at most %d", ZIP_FILES);
	}
	int n = (int)lua_objlen(L, 1);
	for (int i = 1; i <= n; i++) {
		struct member m = member_of(L, i);
		put(out, 0x04034b50, 4);
		put_common(out, &m);
		buf_append_slice(out, m.name);
		buf_append_slice(out, m.text);
	}
	uint32_t directory = (uint32_t)out->len, at = 0;
	for (int i = 1; i <= n; i++) {
		struct member m = member_of(L, i);
		put(out, 0x02014b50, 4);
		put(out, 20, 2); /* made by */
		put_common(out, &m);
		put(out, 0, 2); /* comment */
		put(out, 0, 4); /* disk, internal attributes */
		put(out, 0, 4);
		put(out, at, 4);
		buf_append_slice(out, m.name);
		at += LOCAL_HEAD + (uint32_t)m.name.len + (uint32_t)m.text.len;
	}
	uint32_t directory_bytes = (uint32_t)out->len - directory;
	put(out, 0x06054b50, 4);
	put(out, 0, 4);
	put(out, (uint32_t)n, 2);
	put(out, (uint32_t)n, 2);
	put(out, directory_bytes, 4);
	put(out, directory, 4);
	put(out, 0, 2);
	return script_push_scratch(L, "zip");
}

void script_add_zip(struct script *s)
{
	lua_register(s->lua, "zip", zip);
}
