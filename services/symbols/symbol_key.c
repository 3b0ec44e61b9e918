/*
 * See symbol_key.h.
 */
#include "services/symbols/symbol_key.h"

#include "core/base/buf.h"
#include "core/http/target.h"

#define SOURCE_DIR SLICE("source/")

static bool is_forbidden(unsigned char c)
{
	return c < 0x20 || memchr("\\^`><{}[]#%\"'|/", c, 15) != NULL;
}

/*
 * Bytes of the UTF-8 character at s, 0 if there is none that may be: U+0080 to U+00FF begin with
 * C2 or C3 and are forbidden, shorter forms than needed and surrogates are no UTF-8.
 */
static size_t character_len(struct slice s)
{
	unsigned char a = (unsigned char)s.ptr[0];
	size_t len = a < 0x80 ? 1 : a < 0xc4 ? 0 : a < 0xe0 ? 2 : a < 0xf0 ? 3 : a < 0xf5 ? 4 : 0;

	if (len == 0 || len > s.len) {
		return 0;
	}
	for (size_t i = 1; i < len; i++) {
		if (((unsigned char)s.ptr[i] & 0xc0) != 0x80) {
			return 0;
		}
	}
	unsigned char b = len > 1 ? (unsigned char)s.ptr[1] : 0;
	bool is_wrong = (a == 0xe0 && b < 0xa0) || (a == 0xed && b >= 0xa0) ||
			(a == 0xf0 && b < 0x90) || (a == 0xf4 && b >= 0x90);
	return is_wrong ? 0 : len;
}

bool symbol_name_is_good(struct slice name)
{
	if (name.len == 0 || name.len > SYMBOL_NAME_MAX || slice_eq(name, SLICE(".")) ||
	    slice_eq(name, SLICE(".."))) {
		return false;
	}
	for (size_t i = 0; i < name.len;) {
		size_t len = character_len(slice_sub(name, i, name.len));
		if (len == 0 || is_forbidden((unsigned char)name.ptr[i])) {
			return false;
		}
		i += len;
	}
	return true;
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool symbol_id_is_good(struct slice id)
{
	for (size_t i = 0; i < id.len; i++) {
		if (!is_hex(id.ptr[i])) {
			return false;
		}
	}
	return id.len > 0 && id.len <= SYMBOL_ID_MAX;
}

bool symbol_id_is_null(struct slice id)
{
	for (size_t i = 0; i < id.len; i++) {
		if (id.ptr[i] != '0') {
			return false;
		}
	}
	return true;
}

struct slice symbol_id_fold(struct arena *arena, struct slice id)
{
	char *text = arena_alloc(arena, id.len);

	for (size_t i = 0; text != NULL && i < id.len; i++) {
		char c = id.ptr[i];
		text[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
	}
	return (struct slice){ text, text == NULL ? 0 : id.len };
}

struct slice symbol_id_lower(struct arena *arena, struct slice id)
{
	char *text = arena_alloc(arena, id.len);

	for (size_t i = 0; text != NULL && i < id.len; i++) {
		char c = id.ptr[i];
		text[i] = c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
	}
	return (struct slice){ text, text == NULL ? 0 : id.len };
}

struct slice symbol_id_of_build(struct arena *arena, struct slice build_id)
{
	static const unsigned char order[] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14,
		15 };
	char text[SYMBOL_DEBUG_ID];

	if (build_id.len % 2 != 0 || !symbol_id_is_good(build_id)) {
		return SLICE_EMPTY;
	}
	for (size_t i = 0; i < sizeof(order); i++) {
		size_t from = 2 * (size_t)order[i];
		bool is_there = from + 2 <= build_id.len;
		text[2 * i] = is_there ? build_id.ptr[from] : '0';
		text[2 * i + 1] = is_there ? build_id.ptr[from + 1] : '0';
	}
	text[SYMBOL_DEBUG_ID - 1] = '0';
	return symbol_id_fold(arena, SLICE_OF(text, sizeof(text)));
}

/* ---- sources ---- */

bool symbol_is_source(const struct symbol_key *key)
{
	return slice_eq(key->debug_file, SYMBOL_BUILDID) && slice_starts(key->file, SOURCE_DIR);
}

/* Takes the last part off; false: there is none. */
static bool go_up(struct buf *out)
{
	size_t len = out->len;

	while (len > SOURCE_DIR.len && out->data[len - 1] != '/') {
		len--;
	}
	bool was_there = out->len > SOURCE_DIR.len;
	out->len = len > SOURCE_DIR.len ? len - 1 : len;
	return was_there;
}

static bool is_path_text(struct slice path)
{
	for (size_t i = 0; i < path.len; i++) {
		unsigned char c = (unsigned char)path.ptr[i];
		if (c < 0x20 || c == 0x7f) {
			return false;
		}
	}
	return path.len <= SYMBOL_PATH_MAX && http_is_utf8(path);
}

enum err symbol_source_file(struct arena *arena, struct slice path, struct slice *ret)
{
	struct buf *out = arena_buf(arena, SYMBOL_PATH_MAX + 2 * SOURCE_DIR.len);
	struct slice part;

	if (out == NULL || !is_path_text(path)) {
		return out == NULL ? ERR_MEMORY : ERR_SYNTAX;
	}
	buf_append_slice(out, SOURCE_DIR);
	while (slice_split(&path, '/', &part)) {
		if (part.len == 0 || slice_eq(part, SLICE("."))) {
			continue;
		}
		if (slice_eq(part, SLICE(".."))) {
			if (!go_up(out)) {
				return ERR_SYNTAX;
			}
			continue;
		}
		if (out->len > SOURCE_DIR.len) {
			buf_append_char(out, '/');
		}
		buf_append_slice(out, part);
	}
	if (out->failed) {
		return ERR_MEMORY;
	}
	*ret = buf_slice(out);
	return ret->len > SOURCE_DIR.len ? ERR_OK : ERR_SYNTAX;
}

/* ---- keys ---- */

enum err symbol_key_parse(struct arena *arena, struct slice text, struct symbol_key *ret)
{
	size_t first = slice_find(text, '/', 0), second = slice_find(text, '/', first + 1);

	if (first >= text.len || second >= text.len) {
		return ERR_SYNTAX;
	}
	struct symbol_key key = { .debug_file = slice_sub(text, 0, first),
		.debug_id = slice_sub(text, first + 1, second),
		.file = slice_sub(text, second + 1, text.len) };
	if (!symbol_name_is_good(key.debug_file) || !symbol_id_is_good(key.debug_id)) {
		return ERR_SYNTAX;
	}
	if (symbol_is_source(&key)) {
		struct slice path = slice_sub(key.file, SOURCE_DIR.len, key.file.len);
		enum err e = symbol_source_file(arena, path, &key.file);
		if (e != ERR_OK) {
			return e;
		}
	} else if (!symbol_name_is_good(key.file)) {
		return ERR_SYNTAX;
	}
	key.debug_id = symbol_id_fold(arena, key.debug_id);
	if (key.debug_id.ptr == NULL) {
		return ERR_MEMORY;
	}
	*ret = key;
	return ERR_OK;
}

const char *symbol_key_text(struct arena *arena, const struct symbol_key *key)
{
	return arena_printf(arena, "%.*s/%.*s/%.*s", SLICE_ARG(key->debug_file),
	    SLICE_ARG(key->debug_id), SLICE_ARG(key->file));
}

static void put_encoded(struct buf *out, struct slice part)
{
	for (size_t i = 0; i < part.len; i++) {
		unsigned char c = (unsigned char)part.ptr[i];
		bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
				(c >= 'A' && c <= 'Z') || memchr("-._~/", c, 5) != NULL;
		if (is_plain) {
			buf_append_char(out, (char)c);
		} else {
			buf_printf(out, "%%%02X", c);
		}
	}
}

const char *symbol_name_encode(struct arena *arena, struct slice name)
{
	struct buf *out = arena_buf(arena, 3 * SYMBOL_KEY_MAX);

	if (out == NULL) {
		return NULL;
	}
	put_encoded(out, name);
	buf_append_char(out, '\0');
	return out->failed ? NULL : out->data;
}

const char *symbol_key_path(struct arena *arena, const struct symbol_key *key)
{
	struct buf *out = arena_buf(arena, 3 * SYMBOL_KEY_MAX);

	if (out == NULL) {
		return NULL;
	}
	put_encoded(out, key->debug_file);
	buf_append_char(out, '/');
	put_encoded(out, key->debug_id);
	buf_append_char(out, '/');
	put_encoded(out, key->file);
	buf_append_char(out, '\0');
	return out->failed ? NULL : out->data;
}

bool symbol_name_ends(struct slice name, struct slice list)
{
	for (struct slice piece; slice_split(&list, ',', &piece);) {
		struct slice end = slice_trim(piece);
		if (end.len > 0 && slice_ends(name, end)) {
			return true;
		}
	}
	return false;
}

static bool ends_nocase(struct slice name, struct slice end)
{
	return name.len >= end.len &&
	       slice_eq_nocase(slice_sub(name, name.len - end.len, name.len), end);
}

bool symbol_is_sym(struct slice file)
{
	return ends_nocase(file, SLICE(".sym"));
}

const char *symbol_sym_name(struct arena *arena, struct slice debug_file)
{
	bool is_pdb = ends_nocase(debug_file, SLICE(".pdb"));
	struct slice stem = slice_sub(debug_file, 0, debug_file.len - (is_pdb ? 4 : 0));

	return arena_printf(arena, "%.*s.sym", SLICE_ARG(stem));
}
