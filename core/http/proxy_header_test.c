/*
 * PROXY headers of both versions: what they say, where they end, and what is refused when.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/http/proxy_header.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define TCP4	  "\xc0\x00\x02\x07\x7f\x00\x00\x01\x30\x39\x01\xbb" /* 192.0.2.7 */
#define TLS_TLV	  "\x20\x00\x05\x01\x00\x00\x00\x00"

/* The text of the client, "local", "unknown", "more", or the problem. */
static const char *client_of(struct slice header, size_t *ret_bytes)
{
	static char text[HTTP_ADDRESS_TEXT];
	struct http_proxy_header h;

	switch (http_proxy_header_parse(header.ptr, header.len, &h)) {
	case HTTP_PARSE_MORE:
		return "more";
	case HTTP_PARSE_ERROR:
		return h.problem;
	case HTTP_PARSE_DONE:
		break;
	}
	*ret_bytes = h.bytes;
	if (!h.has_address) {
		return h.is_local ? "local" : "unknown";
	}
	http_address_text(&h.client, text);
	return text;
}

/* The header with bytes of the client behind it; in front of its end it wants more. */
static void is(struct slice header, const char *expected)
{
	char bytes[1024];
	size_t end = 0;

	memcpy(bytes, header.ptr, header.len);
	memcpy(bytes + header.len, "GET / HTTP/1.1\r\n", 16);
	assert_string_equal(client_of(SLICE_OF(bytes, header.len + 16), &end), expected);
	assert_int_equal(end, header.len);
	for (size_t len = 0; len < header.len; len++) {
		assert_string_equal(client_of(SLICE_OF(bytes, len), &end), "more");
	}
}

/* Refused once these bytes are here, and with more behind. */
static void refused(struct slice begin, const char *problem)
{
	char bytes[1024];
	size_t end = 0;

	memcpy(bytes, begin.ptr, begin.len);
	memcpy(bytes + begin.len, "GET / HTTP/1.1\r\n", 16);
	const char *said = client_of(begin, &end);
	assert_non_null(strstr(said, problem));
	said = client_of(SLICE_OF(bytes, begin.len + 16), &end);
	assert_non_null(strstr(said, problem));
}

static void text_headers(void **state)
{
	(void)state;
	is(SLICE("PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n"), "192.0.2.7");
	is(SLICE("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"), "255.255.255.255");
	is(SLICE("PROXY TCP6 2001:db8::7 ::1 1 0\r\n"), "2001:db8::7");
	is(SLICE("PROXY TCP6 ffff:f:f:f:f:f:f:ffff ffff:f:f:f:f:f:f:ffff 65535 65535\r\n"),
	    "ffff:f:f:f:f:f:f:ffff");
	is(SLICE("PROXY UNKNOWN\r\n"), "unknown");
	is(SLICE("PROXY UNKNOWN ffff:f:f:f:f:f:f:ffff ::1 65535 65535\r\n"), "unknown");
}

static void wrong_text_headers(void **state)
{
	char long_line[120];
	(void)state;

	refused(SLICE("GET / HTTP/1.1\r\n"), "there is none");
	refused(SLICE("PROXX"), "there is none");
	refused(SLICE("\x16\x03\x01"), "there is none");
	refused(SLICE("PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\n"), "without CR");
	refused(SLICE("PROXY \n"), "without CR");
	refused(SLICE("PROXY \r\n"), "six words");
	refused(SLICE("PROXY TCP4 192.0.2.7 198.51.100.1 56324\r\n"), "six words");
	refused(SLICE("PROXY TCP4 192.0.2.7 198.51.100.1 56324 443 \r\n"), "six words");
	refused(SLICE("PROXY TCP4  192.0.2.7 198.51.100.1 56324 443\r\n"), "six words");
	refused(SLICE("PROXY UDP4 192.0.2.7 198.51.100.1 56324 443\r\n"), "family");
	refused(SLICE("PROXY TCP4 2001:db8::7 ::1 1 0\r\n"), "not of the family");
	refused(SLICE("PROXY TCP6 192.0.2.7 ::1 1 0\r\n"), "not of the family");
	refused(SLICE("PROXY TCP4 192.0.2.07:1 198.51.100.1 1 2\r\n"), "not of the family");
	refused(SLICE("PROXY TCP4 192.0.2.7 198.51.100.1 65536 443\r\n"), "not of the family");
	refused(SLICE("PROXY TCP4 192.0.2.7 198.51.100.1 01 443\r\n"), "not of the family");
	refused(SLICE("PROXY TCP4 192.0.2.7 198.51.100.1 -1 443\r\n"), "not of the family");
	refused(SLICE("PROXY TCP4 192.0.2.7\0 198.51.100.1 1 443\r\n"), "not of the family");
	memset(long_line, 'x', sizeof(long_line));
	memcpy(long_line, "PROXY UNKNOWN ", 14);
	refused(SLICE_OF(long_line, 107), "too long");
}

static void binary_headers(void **state)
{
	(void)state;
	is(SLICE(SIGNATURE "\x21\x11\x00\x0c" TCP4), "192.0.2.7");
	is(SLICE(SIGNATURE "\x21\x21\x00\x24"
			   "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x09"
			   "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x30\x39\x01\xbb"),
	    "2001:db8::9");
	is(SLICE(SIGNATURE "\x20\x00\x00\x00"), "local");
	is(SLICE(SIGNATURE "\x20\x11\x00\x0c" TCP4), "local");
	is(SLICE(SIGNATURE "\x21\x00\x00\x00"), "unknown");
	char unix_header[16 + 216] = SIGNATURE "\x21\x31\x00\xd8/run/client";
	is(SLICE_OF(unix_header, sizeof(unix_header)), "unknown");
	/* An application protocol, and padding. */
	is(SLICE(SIGNATURE "\x21\x11\x00\x17" TCP4 "\x01\x00\x02h2\x04\x00\x03\0\0\0"),
	    "192.0.2.7");
}

static bool is_tls(struct slice header)
{
	struct http_proxy_header h;

	assert_int_equal(http_proxy_header_parse(header.ptr, header.len, &h), HTTP_PARSE_DONE);
	return h.is_tls;
}

static void tls_of_the_client(void **state)
{
	(void)state;
	assert_true(is_tls(SLICE(SIGNATURE "\x21\x11\x00\x14" TCP4 TLS_TLV)));
	/* The proxy knows the extension, but this client did not use TLS. */
	assert_false(
	    is_tls(SLICE(SIGNATURE "\x21\x11\x00\x14" TCP4 "\x20\x00\x05\x00\x00\x00\x00\x00")));
	assert_false(is_tls(SLICE(SIGNATURE "\x21\x11\x00\x0c" TCP4)));
	/* A check by the proxy itself is nobody's TLS. */
	assert_false(is_tls(SLICE(SIGNATURE "\x20\x11\x00\x14" TCP4 TLS_TLV)));
}

/* The value is from another implementation of CRC-32C, which gives e3069283 for "123456789". */
static void checksums(void **state)
{
	(void)state;
	is(SLICE(SIGNATURE "\x21\x11\x00\x13" TCP4 "\x03\x00\x04"
			   "\xad\xa1\x3d\xc9"),
	    "192.0.2.7");
	refused(
	    SLICE(SIGNATURE "\x21\x11\x00\x13" TCP4 "\x03\x00\x04\x00\x00\x00\x00"), "checksum");
	refused(SLICE(SIGNATURE "\x21\x11\x00\x11" TCP4 "\x03\x00\x02\x00\x00"), "checksum");
}

static void wrong_binary_headers(void **state)
{
	(void)state;
	refused(SLICE("\r\n\r\nGET"), "there is none");
	refused(SLICE(SIGNATURE "\x11"), "version");
	refused(SLICE(SIGNATURE "\x22"), "version");
	refused(SLICE(SIGNATURE "\x21\x12"), "family");
	refused(SLICE(SIGNATURE "\x21\x41"), "family");
	refused(SLICE(SIGNATURE "\x21\x11\x00\x0b"), "too short for its addresses");
	refused(SLICE(SIGNATURE "\x21\x11\x02\x09"), "too long"); /* 537 bytes */
	refused(SLICE(SIGNATURE "\x20\x00\xff\xff"), "too long");
	refused(SLICE(SIGNATURE "\x21\x11\x00\x0e" TCP4 "\x04\x00"), "longer than the header");
	refused(SLICE(SIGNATURE "\x21\x11\x00\x10" TCP4 "\x04\x00\x02\x00"), "longer than");
	refused(SLICE(SIGNATURE "\x21\x11\x00\x13" TCP4 "\x20\x00\x04\x01\0\0\0"), "too short");
}

static void the_longest_header_fits(void **state)
{
	char header[HTTP_PROXY_HEADER_MAX] = SIGNATURE "\x21\x11\x02\x08" TCP4 "\x04\x01\xf9";
	(void)state;

	is(SLICE_OF(header, sizeof(header)), "192.0.2.7");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_headers),
		cmocka_unit_test(wrong_text_headers),
		cmocka_unit_test(binary_headers),
		cmocka_unit_test(tls_of_the_client),
		cmocka_unit_test(checksums),
		cmocka_unit_test(wrong_binary_headers),
		cmocka_unit_test(the_longest_header_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
