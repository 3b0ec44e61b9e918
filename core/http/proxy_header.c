/*
 * PROXY protocol, versions 1 and 2. What is wrong is found as soon as the bytes show it, so that a
 * client which is no proxy does not keep a connection waiting for bytes that never come.
 */
#include "core/http/proxy_header.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

enum {
	V1_MAX = 107, /* with CRLF */
	V2_FIXED = 16,

	V2_LOCAL = 0x20, /* version and command */
	V2_PROXY = 0x21,
	V2_UNSPEC = 0x00, /* family and transport */
	V2_TCP4 = 0x11,
	V2_TCP6 = 0x21,
	V2_UNIX_STREAM = 0x31,

	TLV_FIXED = 3, /* type, length */
	TLV_CRC32C = 0x03,
	TLV_SSL = 0x20,
	SSL_FIXED = 5, /* client's bits, result of the verification */
	SSL_CLIENT_USES_TLS = 0x01,
};

#define V1_BEGIN SLICE("PROXY ")
#define V2_BEGIN SLICE("\r\n\r\n\0\r\nQUIT\n")

static enum http_parse_result wrong(struct http_proxy_header *ret, const char *problem)
{
	ret->problem = problem;
	return HTTP_PARSE_ERROR;
}

/* ---- version 1 ---- */

/* An address as inet_pton() understands it, and nothing around it. */
static bool take_address(struct slice text, int family, struct http_address *ret)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	char cstr[HTTP_ADDRESS_TEXT];
	bool is_ipv4 = family == AF_INET;

	if (slice_to_cstr(text, cstr, sizeof(cstr)) != ERR_OK ||
	    inet_pton(family, cstr, is_ipv4 ? (void *)&in.sin_addr : (void *)&in6.sin6_addr) != 1) {
		return false;
	}
	*ret = http_address_of(is_ipv4 ? (const struct sockaddr *)&in : (const void *)&in6);
	return true;
}

static bool is_port(struct slice text)
{
	uint64_t any = 0;
	bool zero_first = text.len > 1 && text.ptr[0] == '0';

	return !zero_first && slice_to_u64(text, UINT16_MAX, &any) == ERR_OK;
}

/* "TCP4 CLIENT SERVER PORT PORT" or "UNKNOWN" and anything. */
static enum http_parse_result take_line(struct slice line, struct http_proxy_header *ret)
{
	struct slice word[5], rest = line;
	struct http_address server;
	unsigned n = 0;

	while (n < 5 && slice_split(&rest, ' ', &word[n])) {
		n++;
	}
	if (n > 0 && slice_eq(word[0], SLICE("UNKNOWN"))) {
		return HTTP_PARSE_DONE;
	}
	if (n != 5 || rest.ptr != NULL) {
		return wrong(ret, "its line does not have six words");
	}
	bool is_ipv4 = slice_eq(word[0], SLICE("TCP4"));
	if (!is_ipv4 && !slice_eq(word[0], SLICE("TCP6"))) {
		return wrong(ret, "its family is none of TCP4, TCP6, UNKNOWN");
	}
	int family = is_ipv4 ? AF_INET : AF_INET6;
	if (!take_address(word[1], family, &ret->client) ||
	    !take_address(word[2], family, &server) || !is_port(word[3]) || !is_port(word[4])) {
		return wrong(ret, "its addresses or ports are not of the family");
	}
	ret->has_address = true;
	return HTTP_PARSE_DONE;
}

static enum http_parse_result parse_v1(struct slice all, struct http_proxy_header *ret)
{
	struct slice possible = slice_sub(all, 0, V1_MAX);
	size_t end = slice_find(possible, '\n', 0);

	if (end == possible.len) {
		return all.len >= V1_MAX ? wrong(ret, "its line is too long") : HTTP_PARSE_MORE;
	}
	if (possible.ptr[end - 1] != '\r') {
		return wrong(ret, "its line ends without CR");
	}
	ret->bytes = end + 1;
	return take_line(slice_sub(possible, V1_BEGIN.len, end - 1), ret);
}

/* ---- version 2 ---- */

static unsigned byte_at(struct slice s, size_t i)
{
	return (unsigned char)s.ptr[i];
}

static size_t length_at(struct slice s, size_t i)
{
	return byte_at(s, i) << 8 | byte_at(s, i + 1);
}

/* CRC-32C of RFC 3720 appendix B.4, the four bytes at hole counted as zero. */
static uint32_t crc32c(struct slice s, size_t hole)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < s.len; i++) {
		crc ^= i >= hole && i < hole + 4 ? 0 : byte_at(s, i);
		for (int bit = 0; bit < 8; bit++) {
			crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82f63b78u : 0);
		}
	}
	return ~crc;
}

static bool checksum_is_right(struct slice header, size_t at)
{
	uint32_t said = (uint32_t)length_at(header, at) << 16 | (uint32_t)length_at(header, at + 2);

	return crc32c(header, at) == said;
}

static enum http_parse_result take_tlvs(
    struct slice header, size_t at, struct http_proxy_header *ret)
{
	while (at < header.len) {
		size_t left = header.len - at;
		if (left < TLV_FIXED || left - TLV_FIXED < length_at(header, at + 1)) {
			return wrong(ret, "an extension is longer than the header");
		}
		unsigned type = byte_at(header, at);
		size_t len = length_at(header, at + 1);
		at += TLV_FIXED;
		if (type == TLV_CRC32C && (len != 4 || !checksum_is_right(header, at))) {
			return wrong(ret, "its checksum is wrong");
		}
		if (type == TLV_SSL && len < SSL_FIXED) {
			return wrong(ret, "its TLS extension is too short");
		}
		if (type == TLV_SSL) {
			ret->is_tls = (byte_at(header, at) & SSL_CLIENT_USES_TLS) != 0;
		}
		at += len;
	}
	return HTTP_PARSE_DONE;
}

/* Bytes of the address block of a family, or SIZE_MAX for one that no stream has. */
static size_t address_bytes(unsigned family)
{
	switch (family) {
	case V2_UNSPEC:
		return 0;
	case V2_TCP4:
		return 12;
	case V2_TCP6:
		return 36;
	case V2_UNIX_STREAM:
		return 216;
	default:
		return SIZE_MAX;
	}
}

static void take_binary_address(struct slice header, unsigned family, struct http_proxy_header *ret)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	if (family == V2_TCP4) {
		memcpy(&in.sin_addr, header.ptr + V2_FIXED, sizeof(in.sin_addr));
		ret->client = http_address_of((const struct sockaddr *)&in);
	} else if (family == V2_TCP6) {
		memcpy(&in6.sin6_addr, header.ptr + V2_FIXED, sizeof(in6.sin6_addr));
		ret->client = http_address_of((const void *)&in6);
	}
	ret->has_address = family == V2_TCP4 || family == V2_TCP6;
}

/* What the 16 bytes in front show, as far as they are here. */
static const char *problem_of_fixed(struct slice all)
{
	unsigned command = all.len > 12 ? byte_at(all, 12) : V2_LOCAL;

	if (command != V2_LOCAL && command != V2_PROXY) {
		return "its version or command is unknown";
	}
	if (command == V2_LOCAL || all.len < 14) {
		return NULL;
	}
	return address_bytes(byte_at(all, 13)) == SIZE_MAX ? "its family is unknown" : NULL;
}

static enum http_parse_result parse_v2(struct slice all, struct http_proxy_header *ret)
{
	const char *problem = problem_of_fixed(all);

	if (problem != NULL) {
		return wrong(ret, problem);
	}
	if (all.len < V2_FIXED) {
		return HTTP_PARSE_MORE;
	}
	size_t len = length_at(all, 14), bytes = V2_FIXED + len;
	unsigned family = byte_at(all, 13);
	if (bytes > HTTP_PROXY_HEADER_MAX) {
		return wrong(ret, "it is too long");
	}
	ret->is_local = byte_at(all, 12) == V2_LOCAL;
	if (!ret->is_local && len < address_bytes(family)) {
		return wrong(ret, "it is too short for its addresses");
	}
	if (all.len < bytes) {
		return HTTP_PARSE_MORE;
	}
	ret->bytes = bytes;
	if (ret->is_local) {
		return HTTP_PARSE_DONE; /* section 2.2: the rest is to be ignored */
	}
	take_binary_address(all, family, ret);
	return take_tlvs(slice_sub(all, 0, bytes), V2_FIXED + address_bytes(family), ret);
}

/* Whether all begins like the literal, as far as it is here. */
static bool begins_like(struct slice all, struct slice literal)
{
	return slice_starts(literal, slice_sub(all, 0, literal.len));
}

enum http_parse_result http_proxy_header_parse(
    const char *buf, size_t len, struct http_proxy_header *ret)
{
	struct slice all = { buf, len };
	bool is_v1 = begins_like(all, V1_BEGIN), is_v2 = begins_like(all, V2_BEGIN);

	*ret = (struct http_proxy_header){ .bytes = 0 };
	if (!is_v1 && !is_v2) {
		return wrong(ret, "there is none");
	}
	if (len < (is_v1 ? V1_BEGIN.len : V2_BEGIN.len)) {
		return HTTP_PARSE_MORE;
	}
	return is_v1 ? parse_v1(all, ret) : parse_v2(all, ret);
}
