/*
 * The registries of special addresses (RFC 6890 and what IANA has added since). Of IPv6 only
 * 2000::/3 is handed out at all, so that is what may be public, less the special blocks inside it.
 */
#include "accounts/public_address.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct block4 {
	uint32_t base;
	unsigned bits;
};

/* clang-format off */
static const struct block4 special4[] = {
	{ 0x00000000,  8 }, /* 0.0.0.0        this network */
	{ 0x0a000000,  8 }, /* 10.0.0.0       private */
	{ 0x64400000, 10 }, /* 100.64.0.0     carrier's NAT */
	{ 0x7f000000,  8 }, /* 127.0.0.0      loopback */
	{ 0xa9fe0000, 16 }, /* 169.254.0.0    link-local, metadata of clouds */
	{ 0xac100000, 12 }, /* 172.16.0.0     private */
	{ 0xc0000000, 24 }, /* 192.0.0.0      protocols */
	{ 0xc0000200, 24 }, /* 192.0.2.0      documentation */
	{ 0xc0586300, 24 }, /* 192.88.99.0    6to4 relays */
	{ 0xc0a80000, 16 }, /* 192.168.0.0    private */
	{ 0xc6120000, 15 }, /* 198.18.0.0     benchmarks */
	{ 0xc6336400, 24 }, /* 198.51.100.0   documentation */
	{ 0xcb007100, 24 }, /* 203.0.113.0    documentation */
	{ 0xe0000000,  4 }, /* 224.0.0.0      multicast */
	{ 0xf0000000,  4 }, /* 240.0.0.0      reserved, broadcast */
};
/* clang-format on */

static bool is_public4(uint32_t a)
{
	for (size_t i = 0; i < sizeof(special4) / sizeof(special4[0]); i++) {
		if ((a ^ special4[i].base) >> (32 - special4[i].bits) == 0) {
			return false;
		}
	}
	return true;
}

struct block6 {
	uint8_t base[6];
	unsigned bits;
};

/* clang-format off */
static const struct block6 special6[] = {
	{ { 0x20, 0x01, 0x00, 0x00 }, 23 }, /* 2001::      protocols, among them Teredo */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* 2001:db8::  documentation */
	{ { 0x20, 0x02 },             16 }, /* 2002::      6to4: an IPv4 address of any kind */
	{ { 0x3f, 0xfe },             16 }, /* 3ffe::      6bone, given back */
	{ { 0x3f, 0xff, 0x00, 0x00 }, 20 }, /* 3fff::      documentation */
};
/* clang-format on */

static bool begins(const uint8_t a[16], const uint8_t *base, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	return memcmp(a, base, whole) == 0 &&
	       (rest == 0 || ((a[whole] ^ base[whole]) >> (8 - rest)) == 0);
}

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
static const uint8_t nat64[12] = { 0, 0x64, 0xff, 0x9b }; /* 64:ff9b::/96 */

static uint32_t last4(const uint8_t a[16])
{
	return (uint32_t)a[12] << 24 | (uint32_t)a[13] << 16 | (uint32_t)a[14] << 8 | a[15];
}

static bool is_public6(const uint8_t a[16])
{
	if (memcmp(a, mapped, sizeof(mapped)) == 0 || memcmp(a, nat64, sizeof(nat64)) == 0) {
		return is_public4(last4(a));
	}
	for (size_t i = 0; i < sizeof(special6) / sizeof(special6[0]); i++) {
		if (begins(a, special6[i].base, special6[i].bits)) {
			return false;
		}
	}
	return a[0] >> 5 == 1; /* 2000::/3 */
}

static uint32_t address4(const struct sockaddr *sa)
{
	return ntohl(((const struct sockaddr_in *)(const void *)sa)->sin_addr.s_addr);
}

static const uint8_t *address6(const struct sockaddr *sa)
{
	return ((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr.s6_addr;
}

bool address_is_public(const struct sockaddr *sa)
{
	return sa->sa_family == AF_INET	   ? is_public4(address4(sa))
	       : sa->sa_family == AF_INET6 ? is_public6(address6(sa))
					   : false;
}

bool address_is_loopback(const struct sockaddr *sa)
{
	static const uint8_t one[16] = { [15] = 1 };

	if (sa->sa_family == AF_INET) {
		return address4(sa) >> 24 == 127;
	}
	if (sa->sa_family != AF_INET6) {
		return false;
	}
	const uint8_t *a = address6(sa);
	return memcmp(a, one, sizeof(one)) == 0 ||
	       (memcmp(a, mapped, sizeof(mapped)) == 0 && a[12] == 127);
}
