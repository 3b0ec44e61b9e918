/*
 * Which addresses the courier may connect to when somebody else names the host: those of the public
 * internet. Everything else (this machine, its network, address blocks with a special meaning) is
 * refused, so that nobody can have this server ask for things behind its firewall. Pure.
 */
#ifndef PLIMSOLL_ACCOUNTS_PUBLIC_ADDRESS_H
#define PLIMSOLL_ACCOUNTS_PUBLIC_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/*
 * Is it a unicast address of the public internet, of IPv4 or IPv6? IPv4 in IPv6 (mapped, NAT64) is
 * judged by the IPv4 address. Other families: no.
 */
bool address_is_public(const struct sockaddr *sa);

/* 127.0.0.0/8 or ::1, also mapped. */
bool address_is_loopback(const struct sockaddr *sa);

#endif
