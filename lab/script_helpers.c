/*
 * What a model calls to make requests and to read answers: base64, base64url, hex, addresses,
 * chance and the time. JSON, cryptography and data files have files of their own.
 */
#include "core/base/clock.h"
#include "core/base/enc.h"
#include "core/http/chars.h"
#include "lab/script_priv.h"

struct buf *script_scratch(lua_State *L)
{
	struct buf *b = &script_of(L)->scratch;

	buf_clear(b);
	return b;
}

int script_push_scratch(lua_State *L, const char *what)
{
	struct slice text = SLICE_EMPTY;

	if (buf_finish(&script_of(L)->scratch, &text) != ERR_OK) {
		script_fail(L, "%s: the text is too long", what);
	}
	lua_pushlstring(L, text.ptr, text.len);
	return 1;
}

static int base64_encode(lua_State *L)
{
	enc_base64(script_scratch(L), script_text(L, 1, "base64.encode: what to write"));
	return script_push_scratch(L, "base64.encode");
}

static int base64url_encode(lua_State *L)
{
	enc_base64url(script_scratch(L), script_text(L, 1, "base64url.encode: what to write"));
	return script_push_scratch(L, "base64url.encode");
}

typedef enum err decode_fn(struct slice text, void *out, size_t out_size, size_t *ret_len);

/* What is decoded is never longer than its text. */
static int decode_text(lua_State *L, decode_fn *fn, const char *name)
{
	struct slice text = script_text(L, 1, name);
	size_t len = 0;
	char *room = buf_room(script_scratch(L), text.len + 1);

	if (room == NULL || fn(text, room, text.len + 1, &len) != ERR_OK) {
		script_fail(L, "%s: not of that form", name);
	}
	lua_pushlstring(L, room, len);
	return 1;
}

static int base64_decode(lua_State *L)
{
	return decode_text(L, dec_base64, "base64.decode");
}

static int base64url_decode(lua_State *L)
{
	return decode_text(L, dec_base64url, "base64url.decode");
}

static int hex_decode(lua_State *L)
{
	return decode_text(L, dec_hex, "unhex");
}

static int hex_encode(lua_State *L)
{
	enc_hex(script_scratch(L), script_text(L, 1, "hex: what to write"));
	return script_push_scratch(L, "hex");
}

/* n letters and digits, from the seed of the run. */
static int random_text(lua_State *L)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	struct script *s = script_of(L);
	double n = script_number(L, 1, "random_text: the length");
	struct buf *b = script_scratch(L);

	if (!(n >= 0 && n <= 4096)) {
		script_fail(L, "random_text: from 0 to 4096 letters");
	}
	for (int i = 0; i < (int)n; i++) {
		buf_append_char(b, letters[chance_below(&s->chance, sizeof(letters) - 1)]);
	}
	return script_push_scratch(L, "random_text");
}

int64_t script_now_ms(const struct script *s)
{
	return s->pretended_ms != 0 ? s->pretended_ms : clock_wall_ms();
}

/* True while there is no server and the model pretends its answers. */
static int pretending(lua_State *L)
{
	lua_pushboolean(L, script_of(L)->pretended_ms != 0);
	return 1;
}

static int now_ms(lua_State *L)
{
	lua_pushnumber(L, (double)script_now_ms(script_of(L)));
	return 1;
}

static int url_encode(lua_State *L)
{
	struct slice text = script_text(L, 1, "url_encode: what to write");
	struct buf *b = script_scratch(L);

	for (size_t i = 0; i < text.len; i++) {
		if (http_char_is(text.ptr[i], HTTP_CHAR_UNRESERVED)) {
			buf_append_char(b, text.ptr[i]);
		} else {
			buf_printf(b, "%%%02X", (unsigned char)text.ptr[i]);
		}
	}
	return script_push_scratch(L, "url_encode");
}

void script_add_pair(lua_State *L, const char *name, lua_CFunction encode, lua_CFunction decode)
{
	lua_createtable(L, 0, 2);
	lua_pushcfunction(L, encode);
	lua_setfield(L, -2, "encode");
	lua_pushcfunction(L, decode);
	lua_setfield(L, -2, "decode");
	lua_setglobal(L, name);
}

void script_add_helpers(struct script *s)
{
	lua_State *L = s->lua;

	script_add_json(s);
	script_add_crypto(s);
	script_add_data(s);
	script_add_zip(s);
	script_add_pair(L, "base64", base64_encode, base64_decode);
	script_add_pair(L, "base64url", base64url_encode, base64url_decode);
	lua_register(L, "hex", hex_encode);
	lua_register(L, "unhex", hex_decode);
	lua_register(L, "random_text", random_text);
	lua_register(L, "now_ms", now_ms);
	lua_register(L, "pretending", pretending);
	lua_register(L, "url_encode", url_encode);
}
