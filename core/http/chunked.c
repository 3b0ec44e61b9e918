/*
 * One byte at a time between the data, whole slices of data. The states are named after what is
 * expected next.
 */
#include "core/http/chunked.h"

#include "core/http/chars.h"

enum state {
	SIZE_FIRST, /* zero: the start */
	SIZE_MORE,
	EXTENSION,
	SIZE_LF,
	DATA,
	DATA_CR,
	DATA_LF,
	TRAILER_FIRST, /* a field's first byte, or the CR of the last line */
	TRAILER_NAME,
	TRAILER_VALUE,
	TRAILER_LF,
	LAST_LF,
	ENDED,
	FAILED,
};

/* Leading zeros are digits too; no length needs more, and none above INT64_MAX is taken. */
enum {
	SIZE_DIGITS = 16
};

static enum state take_digit(struct http_chunked *c, char byte)
{
	int value = http_hex_value(byte);

	if (value < 0 || c->digits == SIZE_DIGITS || c->left > INT64_MAX >> 4) {
		return FAILED;
	}
	c->digits++;
	c->left = c->left << 4 | (unsigned)value;
	return SIZE_MORE;
}

static enum state after_size(struct http_chunked *c, char byte)
{
	if (byte == '\r') {
		return SIZE_LF;
	}
	return byte == ';' ? EXTENSION : take_digit(c, byte);
}

static enum state in_extension(struct http_chunked *c, char byte)
{
	if (byte == '\r') {
		return SIZE_LF;
	}
	bool fits = ++c->extension_bytes <= HTTP_CHUNK_EXTENSION_BYTES;
	return fits && http_char_is(byte, HTTP_CHAR_FIELD) ? EXTENSION : FAILED;
}

static enum state after_size_line(struct http_chunked *c)
{
	c->digits = 0;
	return c->left > 0 ? DATA : TRAILER_FIRST;
}

static enum state in_trailer(struct http_chunked *c, enum state state, char byte)
{
	if (++c->trailer_bytes > HTTP_CHUNK_TRAILER_BYTES) {
		return FAILED;
	}
	if (state == TRAILER_FIRST && byte == '\r') {
		return LAST_LF;
	}
	if (state == TRAILER_VALUE) {
		return byte == '\r'			     ? TRAILER_LF
		       : http_char_is(byte, HTTP_CHAR_FIELD) ? TRAILER_VALUE
							     : FAILED;
	}
	if (state == TRAILER_NAME && byte == ':') {
		return TRAILER_VALUE;
	}
	return http_char_is(byte, HTTP_CHAR_TOKEN) ? TRAILER_NAME : FAILED;
}

static enum state expect(char byte, char wanted, enum state next)
{
	return byte == wanted ? next : FAILED;
}

static enum state step(struct http_chunked *c, char byte)
{
	switch ((enum state)c->state) {
	case SIZE_FIRST:
		return take_digit(c, byte);
	case SIZE_MORE:
		return after_size(c, byte);
	case EXTENSION:
		return in_extension(c, byte);
	case SIZE_LF:
		return byte == '\n' ? after_size_line(c) : FAILED;
	case DATA_CR:
		return expect(byte, '\r', DATA_LF);
	case DATA_LF:
		return expect(byte, '\n', SIZE_FIRST);
	case TRAILER_FIRST:
	case TRAILER_NAME:
	case TRAILER_VALUE:
		return in_trailer(c, (enum state)c->state, byte);
	case TRAILER_LF:
		return expect(byte, '\n', TRAILER_FIRST);
	case LAST_LF:
		return expect(byte, '\n', ENDED);
	case DATA:
	case ENDED:
	case FAILED:
		break;
	}
	return FAILED;
}

static void take_data(struct http_chunked *c, struct slice *in, struct slice *ret_data)
{
	size_t len = c->left < in->len ? (size_t)c->left : in->len;

	*ret_data = slice_sub(*in, 0, len);
	*in = slice_sub(*in, len, in->len);
	c->left -= len;
	if (c->left == 0) {
		c->state = DATA_CR;
	}
}

enum http_chunked_result http_chunked_next(
    struct http_chunked *c, struct slice *in, struct slice *ret_data)
{
	while (c->state != ENDED && c->state != FAILED) {
		if (in->len == 0) {
			return HTTP_CHUNKED_MORE;
		}
		if (c->state == DATA) {
			take_data(c, in, ret_data);
			return HTTP_CHUNKED_DATA;
		}
		c->state = (uint8_t)step(c, in->ptr[0]);
		*in = slice_sub(*in, 1, in->len);
	}
	return c->state == ENDED ? HTTP_CHUNKED_END : HTTP_CHUNKED_ERROR;
}
