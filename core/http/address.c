/*
 * Addresses, networks and X-Forwarded-For.
 */
#include "core/http/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static struct http_address mapped(const void *ipv4)
{
	struct http_address a;

	memcpy(a.bytes, mapped_prefix, sizeof(mapped_prefix));
	memcpy(a.bytes + sizeof(mapped_prefix), ipv4, 4);
	return a;
}

static bool is_mapped(const struct http_address *a)
{
	return memcmp(a->bytes, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

struct http_address http_address_of(const struct sockaddr *sa)
{
	struct http_address a = { { 0 } };

	if (sa->sa_family == AF_INET) {
		struct sockaddr_in in;
		memcpy(&in, sa, sizeof(in));
		return mapped(&in.sin_addr);
	}
	if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;
		memcpy(&in6, sa, sizeof(in6));
		memcpy(a.bytes, &in6.sin6_addr, sizeof(a.bytes));
	}
	return a;
}

/* Cuts a port off: "a.b.c.d:p", "[v6]:p"; and the brackets. */
static struct slice without_port(struct slice text)
{
	if (slice_starts(text, SLICE("["))) {
		size_t end = slice_find(text, ']', 0);
		return end == text.len ? SLICE_EMPTY : slice_sub(text, 1, end);
	}
	size_t colon = slice_find(text, ':', 0);
	bool only_one = colon < text.len && slice_find(text, ':', colon + 1) == text.len;
	return only_one ? slice_sub(text, 0, colon) : text;
}

bool http_address_parse(struct slice text, struct http_address *ret)
{
	char cstr[HTTP_ADDRESS_TEXT];
	struct in_addr ipv4;

	if (slice_to_cstr(without_port(text), cstr, sizeof(cstr)) != ERR_OK) {
		return false;
	}
	if (inet_pton(AF_INET, cstr, &ipv4) == 1) {
		*ret = mapped(&ipv4);
		return true;
	}
	struct http_address ipv6;
	if (inet_pton(AF_INET6, cstr, ipv6.bytes) != 1) {
		return false;
	}
	*ret = ipv6;
	return true;
}

/* By hand: every line of the access log has one, and inet_ntop() goes through printf for it. */
static void ipv4_text(const uint8_t bytes[4], char *out)
{
	for (int i = 0; i < 4; i++) {
		unsigned n = bytes[i];
		if (n >= 100) {
			*out++ = (char)('0' + n / 100);
		}
		if (n >= 10) {
			*out++ = (char)('0' + n / 10 % 10);
		}
		*out++ = (char)('0' + n % 10);
		*out++ = i < 3 ? '.' : '\0';
	}
}

void http_address_text(const struct http_address *a, char out[HTTP_ADDRESS_TEXT])
{
	if (is_mapped(a)) {
		ipv4_text(a->bytes + sizeof(mapped_prefix), out);
	} else if (inet_ntop(AF_INET6, a->bytes, out, HTTP_ADDRESS_TEXT) == NULL) {
		out[0] = '\0';
	}
}

struct http_address http_address_group(const struct http_address *a)
{
	struct http_address group = *a;

	if (!is_mapped(a)) {
		memset(group.bytes + 8, 0, 8);
	}
	return group;
}

static bool network_parse(struct slice text, struct http_address *ret_base, uint8_t *ret_bits)
{
	size_t slash = slice_find(text, '/', 0);
	struct slice address = slice_sub(text, 0, slash);
	uint64_t bits = 0;

	if (!http_address_parse(address, ret_base)) {
		return false;
	}
	/* "::ffff:10.0.0.0/104" counts all 128 bits, "10.0.0.0/8" the last 32. */
	bool is_ipv4 = is_mapped(ret_base) && slice_find(address, ':', 0) == address.len;
	uint64_t most = is_ipv4 ? 32 : 128;
	if (slash == text.len) {
		bits = most;
	} else if (slice_to_u64(slice_sub(text, slash + 1, text.len), most, &bits) != ERR_OK) {
		return false;
	}
	*ret_bits = (uint8_t)(bits + (is_ipv4 ? 96 : 0));
	return true;
}

enum err http_networks_parse(struct slice text, struct http_networks *ret, struct err_note *note)
{
	struct http_networks list = { .n = 0 };

	for (struct slice piece, rest = text; slice_split(&rest, ',', &piece);) {
		piece = slice_trim(piece);
		if (piece.len == 0) {
			continue;
		}
		if (list.n == HTTP_NETWORKS_MAX) {
			return err_note_set(
			    note, ERR_LIMIT, "more than %d networks", HTTP_NETWORKS_MAX);
		}
		if (!network_parse(piece, &list.network[list.n].base, &list.network[list.n].bits)) {
			return err_note_set(note, ERR_SYNTAX,
			    "\"%.*s\" is no address and no network such as 10.0.0.0/8",
			    SLICE_ARG(piece));
		}
		list.n++;
	}
	*ret = list;
	return ERR_OK;
}

static bool same_bits(const struct http_address *a, const struct http_address *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(a->bytes, b->bytes, whole) != 0) {
		return false;
	}
	return rest == 0 || ((a->bytes[whole] ^ b->bytes[whole]) >> (8 - rest)) == 0;
}

bool http_networks_have(const struct http_networks *n, const struct http_address *a)
{
	for (unsigned i = 0; i < n->n; i++) {
		if (same_bits(a, &n->network[i].base, n->network[i].bits)) {
			return true;
		}
	}
	return false;
}

/* Cuts the last piece off the comma list; false when nothing is left. */
static bool last_piece(struct slice *list, struct slice *ret_piece)
{
	if (list->ptr == NULL) {
		return false;
	}
	size_t from = list->len;
	while (from > 0 && list->ptr[from - 1] != ',') {
		from--;
	}
	*ret_piece = slice_trim(slice_sub(*list, from, list->len));
	*list = from == 0 ? (struct slice){ NULL, 0 } : slice_sub(*list, 0, from - 1);
	return true;
}

struct slice http_forwarded_for(const struct http_head *h, const struct http_networks *trusted)
{
	struct slice found = { NULL, 0 };
	struct http_address a;

	for (unsigned i = h->n_fields; i-- > 0;) {
		struct slice piece, list = http_head_text(h, h->fields[i].value);
		if (!slice_eq_nocase(
			http_head_text(h, h->fields[i].name), SLICE("x-forwarded-for"))) {
			continue;
		}
		while (last_piece(&list, &piece)) {
			if (!http_address_parse(piece, &a)) {
				return found;
			}
			found = without_port(piece);
			if (!http_networks_have(trusted, &a)) {
				return found;
			}
		}
	}
	return found;
}
