/*
 * The two clocks. Durations and deadlines are microseconds of the monotonic clock, the same in all
 * processes of a machine; calendar time appears only at the edges, as milliseconds since 1970 (the
 * unit of BrowserID). Code under test takes "now" as an argument instead of calling these.
 */
#ifndef PLIMSOLL_BASE_CLOCK_H
#define PLIMSOLL_BASE_CLOCK_H

#include <stdint.h>

/* Monotonic microseconds. */
int64_t clock_mono_us(void);

/* Calendar milliseconds since 1970-01-01 UTC. */
int64_t clock_wall_ms(void);

/* The same as of the kernel's last tick (at most 10 ms ago), for a fifth of the price: log lines.
 */
int64_t clock_wall_coarse_ms(void);

/*
 * For tests of what expires: from now on clock_wall_ms() adds *offset_ms, which other processes may
 * change. A machine has one clock, so this is the process' and no argument of anything. The
 * monotonic clock stays as it is.
 */
void clock_shift(const _Atomic int64_t *offset_ms);

/* CPU microseconds used by this process so far. */
int64_t clock_cpu_us(void);

/* By the thread that asks. */
int64_t clock_thread_cpu_us(void);

/* The same of another process, its threads that are gone included; -1: there is none of that id. */
int64_t clock_cpu_of_us(int pid);

enum {
	CLOCK_HTTP_DATE_SIZE = 30
};

/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7) with NUL into out; wall_s are seconds. */
void clock_http_date(int64_t wall_s, char out[CLOCK_HTTP_DATE_SIZE]);

#endif
