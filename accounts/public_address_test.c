/*
 * Addresses that a fetch may go to, and those that it may not.
 */
#include "accounts/public_address.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static struct sockaddr_storage address(const char *text)
{
	struct sockaddr_storage ss = { 0 };
	struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)&ss;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)&ss;

	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
	} else {
		assert_int_equal(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
		v6->sin6_family = AF_INET6;
	}
	return ss;
}

static bool is_public(const char *text)
{
	struct sockaddr_storage ss = address(text);

	return address_is_public((struct sockaddr *)(void *)&ss);
}

static bool is_loopback(const char *text)
{
	struct sockaddr_storage ss = address(text);

	return address_is_loopback((struct sockaddr *)(void *)&ss);
}

static void addresses_of_the_internet_are_public(void **state)
{
	static const char *const texts[] = { "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0",
		"100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255",
		"169.255.0.0", "172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.0",
		"192.0.3.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0",
		"198.51.99.255", "203.0.112.255", "203.0.114.0", "223.255.255.255", "2000::1",
		"2001:200::1", "2001:db7::1", "2001:db9::1", "2003::1", "2606:4700::1111",
		"3fff:1000::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (!is_public(texts[i])) {
			fail_msg("%s", texts[i]);
		}
	}
}

static void special_addresses_are_not(void **state)
{
	static const char *const texts[] = { "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255",
		"100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.254", "169.254.169.254",
		"172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1",
		"192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1",
		"224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1",
		"::8.8.8.8", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254",
		"64:ff9b::10.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b:1::8.8.8.8", "100::1",
		"1fff::1", "2001::1", "2001:1ff::1", "2001:db8::1", "2002:808:808::1",
		"2002:a00:1::", "3ffe::1", "3fff::1", "3fff:fff::1", "4000::1", "5f00::1",
		"fc00::1", "fdff::1", "fe80::1", "febf::1", "fec0::1", "ff02::1", "ff0e::1" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (is_public(texts[i])) {
			fail_msg("%s", texts[i]);
		}
	}
}

static void other_families_are_neither(void **state)
{
	const struct sockaddr sa = { .sa_family = AF_UNIX };

	(void)state;
	assert_false(address_is_public(&sa));
	assert_false(address_is_loopback(&sa));
}

static void loopback_is_this_machine(void **state)
{
	(void)state;
	assert_true(is_loopback("127.0.0.1"));
	assert_true(is_loopback("127.1.2.3"));
	assert_true(is_loopback("::1"));
	assert_true(is_loopback("::ffff:127.0.0.1"));
	assert_false(is_loopback("126.0.0.1"));
	assert_false(is_loopback("10.0.0.1"));
	assert_false(is_loopback("::2"));
	assert_false(is_loopback("::ffff:10.0.0.1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_of_the_internet_are_public),
		cmocka_unit_test(special_addresses_are_not),
		cmocka_unit_test(other_families_are_neither),
		cmocka_unit_test(loopback_is_this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
