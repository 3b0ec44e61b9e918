/*
 * The client of pairs.mjs: many sessions of Socket.IO in one thread. Standard input has one line
 * for each: the JSON object that it joins with. The two of a couple are lines behind each other.
 *
 *   pair_load HOST:PORT websocket|polling RATE SECONDS PACKET HEARD [SOURCE]
 *
 * Opens all, writes "open", and waits for a line behind them on standard input ("go"). Then it
 * sends PACKET, in which every @ is replaced by a number that is used once, from one session after
 * the other, RATE a second, by a schedule that does not look at answers; counts the packets that
 * begin with HEARD, and prints one line of JSON. Where PACKET asks for an acknowledgement
 * (42@[...]) latency is from the moment it should have been sent to that. RATE 0: sends nothing,
 * and ends at the second line. SOURCE: the address to connect from, which has 28,000 ports.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>

#include "test/bench/pair_wire.h"

enum {
	SESSIONS_MAX = 30000,
	LINE_BYTES = 400,
	SAMPLES_MAX = 4000000,
	OPENING_MAX = 64,  /* sessions that are being opened at a time */
	DRAIN_US = 300000, /* behind the last one sent */
	UNREAD_MAX = 8,	   /* sent without looking at what has come */
	LATE_US = 10000,   /* that is worth saying */
};

static struct session sessions[SESSIONS_MAX];
static char auths[SESSIONS_MAX][LINE_BYTES];
static unsigned n_sessions;

static const char *heard_prefix;
static int64_t due_us[SAMPLES_MAX]; /* by number */
static int64_t latency_us[SAMPLES_MAX];
static uint64_t sent, heard, acks, busy;

static int64_t now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void on_heard(struct session *s, const char *packet, size_t len)
{
	(void)s;
	if (len > 2 && packet[1] == '3') {
		uint64_t number = strtoull(packet + 2, NULL, 10);
		if (number < SAMPLES_MAX && acks < SAMPLES_MAX) {
			latency_us[acks++] = now_us() - due_us[number];
		}
	} else if (len > 1 && packet[1] == '4') {
		(void)fprintf(stderr, "pair_load: %.*s\n", (int)len, packet);
		errno = EACCES;
		pair_die("a session was refused");
	}
	if (len >= strlen(heard_prefix) &&
	    memcmp(packet, heard_prefix, strlen(heard_prefix)) == 0) {
		heard++;
	}
}

/* False: there is no more. */
static bool read_line(char *out, size_t size)
{
	if (fgets(out, (int)size, stdin) == NULL) {
		return false;
	}
	out[strcspn(out, "\n")] = '\0';
	return true;
}

static void open_all(bool is_polling)
{
	char line[LINE_BYTES];

	while (read_line(line, sizeof(line)) && strcmp(line, "end") != 0) {
		if (n_sessions == SESSIONS_MAX) {
			pair_die("too many sessions");
		}
		memcpy(auths[n_sessions++], line, sizeof(line));
	}
	for (unsigned i = 0; i < n_sessions; i++) {
		pair_open(&sessions[i], is_polling, auths[i]);
		while (i + 1 - pair_wire.joined >= OPENING_MAX) {
			pair_wait(-1);
		}
	}
	while (pair_wire.joined < n_sessions) {
		pair_wait(-1);
	}
	(void)printf("open\n");
	(void)fflush(stdout);
}

static void fill(char *out, const char *packet, uint64_t number)
{
	size_t n = 0;

	for (; *packet != '\0' && n + 24 < PACKET_MAX; packet++) {
		if (*packet == '@') {
			n += (size_t)snprintf(
			    out + n, PACKET_MAX - n, "%llu", (unsigned long long)number);
		} else {
			out[n++] = *packet;
		}
	}
	out[n] = '\0';
}

static void send_one(const char *packet, int64_t due)
{
	char out[PACKET_MAX];

	fill(out, packet, sent);
	if (sent < SAMPLES_MAX) {
		due_us[sent] = due;
	}
	busy += pair_send(&sessions[sent % n_sessions], out) ? 0 : 1;
	sent++;
}

static void run(const char *packet, double rate, double seconds)
{
	int64_t begin = now_us(), end = begin + (int64_t)(seconds * 1e6), late = 0;

	for (;;) {
		int64_t now = now_us(), due = begin + (int64_t)((double)sent * 1e6 / rate);
		if (due >= end) {
			break;
		}
		if (due <= now) {
			late = now - due > late ? now - due : late;
			send_one(packet, due);
		}
		if (due > now || sent % UNREAD_MAX == 0) {
			pair_wait(due > now ? due - now : 0);
		}
	}
	while (now_us() < end + DRAIN_US) {
		pair_wait(end + DRAIN_US - now_us());
	}
	if (late > LATE_US) {
		(void)fprintf(stderr, "pair_load: %lld us late at worst\n", (long long)late);
	}
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void print(double rate, double seconds)
{
	struct rusage used = { 0 };

	qsort(latency_us, acks, sizeof(latency_us[0]), by_size);
	(void)getrusage(RUSAGE_SELF, &used);
	(void)printf(
	    "{\"rate\":%.0f,\"seconds\":%.1f,\"sent\":%llu,\"heard\":%llu,\"acks\":%llu,\"busy\":%llu",
	    rate, seconds, (unsigned long long)sent, (unsigned long long)heard,
	    (unsigned long long)acks, (unsigned long long)busy);
	if (acks > 0) {
		(void)printf(",\"p50_us\":%lld,\"p99_us\":%lld", (long long)latency_us[acks / 2],
		    (long long)latency_us[acks * 99 / 100]);
	}
	(void)printf(",\"client_cpu_us\":%lld}\n",
	    (long long)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 +
		used.ru_utime.tv_usec + used.ru_stime.tv_usec);
	(void)fflush(stdout);
}

static void set_server(const char *text)
{
	char host[64];
	const char *colon = strchr(text, ':');

	if (colon == NULL || (size_t)(colon - text) >= sizeof(host)) {
		pair_die("HOST:PORT");
	}
	(void)snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
	pair_wire.server.sin_family = AF_INET;
	pair_wire.server.sin_port = htons((uint16_t)atoi(colon + 1));
	if (inet_pton(AF_INET, host, &pair_wire.server.sin_addr) != 1) {
		pair_die("HOST");
	}
}

int main(int argc, char **argv)
{
	struct rlimit limit;
	char line[LINE_BYTES];

	if (argc != 7 && argc != 8) {
		(void)fprintf(stderr,
		    "usage: pair_load HOST:PORT websocket|polling RATE SECONDS PACKET HEARD "
		    "[SOURCE]\n");
		return 2;
	}
	if (argc == 8) {
		pair_wire.source.sin_family = AF_INET;
		if (inet_pton(AF_INET, argv[7], &pair_wire.source.sin_addr) != 1) {
			pair_die("SOURCE");
		}
	}
	double rate = strtod(argv[3], NULL), seconds = strtod(argv[4], NULL);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	heard_prefix = argv[6];
	set_server(argv[1]);
	pair_wire.heard = on_heard;
	pair_wire.epoll = epoll_create1(EPOLL_CLOEXEC);
	open_all(strcmp(argv[2], "polling") == 0);
	(void)read_line(line, sizeof(line));
	if (rate > 0) {
		run(argv[5], rate, seconds);
		print(rate, seconds);
	} else {
		(void)read_line(line, sizeof(line));
	}
	return 0;
}
