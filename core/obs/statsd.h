/*
 * The headline figures for statsd: a gauge each, and of what is counted also the difference since
 * the last time, so that a statsd for several machines can add them up:
 *	PREFIX.goodput_per_second:93.2|g
 *	PREFIX.goodput_per_second.count:932|c
 *	PREFIX.latency_p99_seconds.compute:0.212|g
 * Text here is made only; statsd_socket() is the way out.
 */
#ifndef PLIMSOLL_OBS_STATSD_H
#define PLIMSOLL_OBS_STATSD_H

#include "core/obs/headline.h"

enum {
	STATSD_DATAGRAM_BYTES = 1432, /* fits an Ethernet frame over IPv6 */
	STATSD_PREFIX_BYTES = 64,
};

struct statsd_text;

/* The totals of now are those that the first differences count from. ERR_MEMORY. */
NODISCARD enum err statsd_text_new(
    const char *prefix, const struct headline *h, struct statsd_text **ret);
void statsd_text_free(struct statsd_text **t);

/* Hands datagrams of whole lines to send(arg). */
void statsd_text_write(struct statsd_text *t, const struct headline *h,
    void (*send)(void *arg, struct slice datagram), void *arg);

/*
 * A non-blocking UDP socket connected to "host:port" or "[v6]:port". Looks the name up, so it may
 * take its time: for the start. ERR_NOT_FOUND, ERR_INVALID, ERR_SYSTEM; text in note.
 */
NODISCARD enum err statsd_socket(const char *address, int *ret_fd, struct err_note *note);

#endif
