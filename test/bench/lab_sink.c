/*
 * The server that benchmarks of the lab load: it answers every request with the same 200, as fast
 * as one core can, and remembers when each came in. One thread, epoll, no parsing but for the empty
 * line; requests must have no body. On SIGTERM it writes the moments (microseconds, one a line) to
 * the file it was given: those of its own monotonic clock, or with "arrivals" those at which the
 * kernel got the requests, in which the time that a process takes to wake up is no part.
 *
 *   lab_sink PORT FILE [arrivals]
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum {
	EVENTS = 64,
	BUFFER_BYTES = 8192,
	STAMPS_MAX = 20000000,
};

static const char answer[] =
    "HTTP/1.1 200 OK\r\nServer: sink\r\nContent-Type: text/plain\r\n"
    "Content-Length: 100\r\nConnection: keep-alive\r\n\r\n"
    "0123456789012345678901234567890123456789012345678901234567890123456789"
    "012345678901234567890123456789";

static volatile sig_atomic_t over;
static bool by_kernel;

static void on_signal(int signum)
{
	(void)signum;
	over = 1;
}

static int64_t us_of(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000000 + t->tv_nsec / 1000;
}

/* By the clock that the kernel's moments are of, where those are wanted. */
static int64_t now_us(void)
{
	struct timespec t;

	(void)clock_gettime(by_kernel ? CLOCK_REALTIME : CLOCK_MONOTONIC, &t);
	return us_of(&t);
}

/* As recv(), and when it came in. */
static ssize_t take(int fd, char *buffer, size_t size, int64_t *ret_us)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct timespec))];
	struct iovec piece = { buffer, size };
	struct msghdr msg = { .msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control) };
	ssize_t len = by_kernel ? recvmsg(fd, &msg, 0) : recv(fd, buffer, size, 0);
	const struct cmsghdr *c = by_kernel && len > 0 ? CMSG_FIRSTHDR(&msg) : NULL;

	if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
		struct timespec t;
		memcpy(&t, CMSG_DATA(c), sizeof(t));
		*ret_us = us_of(&t);
	} else {
		*ret_us = now_us();
	}
	return len;
}

static int listen_on(uint16_t port)
{
	const int yes = 1;
	const struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(fd, 4096) != 0) {
		perror("lab_sink");
		exit(EXIT_FAILURE);
	}
	return fd;
}

static void accept_all(int listener, int poll)
{
	const int yes = 1;
	int fd = -1;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct epoll_event event = { .events = EPOLLIN, .data = { .fd = fd } };
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
		if (by_kernel &&
		    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &yes, sizeof(yes)) != 0) {
			perror("lab_sink");
			exit(EXIT_FAILURE);
		}
		if (epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) != 0) {
			close(fd);
		}
	}
}

/* What has come is whole requests: clients here send one at a time, in one piece. */
static size_t serve(int fd, int64_t *stamps, size_t n)
{
	char buffer[BUFFER_BYTES];
	int64_t at_us;
	ssize_t len = take(fd, buffer, sizeof(buffer), &at_us);

	if (len <= 0) {
		if (len == 0 || errno != EAGAIN) {
			close(fd);
		}
		return n;
	}
	if (n < STAMPS_MAX) {
		stamps[n++] = at_us;
	}
	if (send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL) < 0) {
		close(fd);
	}
	return n;
}

static int write_stamps(const char *path, const int64_t *stamps, size_t n)
{
	FILE *out = fopen(path, "we");

	if (out == NULL) {
		perror(path);
		return EXIT_FAILURE;
	}
	for (size_t i = 0; i < n; i++) {
		fprintf(out, "%lld\n", (long long)stamps[i]);
	}
	return fclose(out) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	struct epoll_event events[EVENTS];
	const struct sigaction action = { .sa_handler = on_signal };
	int64_t *stamps = malloc(STAMPS_MAX * sizeof(*stamps)); /* touched as they come */
	size_t n = 0;

	by_kernel = argc == 4 && strcmp(argv[3], "arrivals") == 0;
	if (argc < 3 || (argc > 3 && !by_kernel) || stamps == NULL) {
		fputs("usage: lab_sink PORT FILE [arrivals]\n", stderr);
		return EXIT_FAILURE;
	}
	int listener = listen_on((uint16_t)strtoul(argv[1], NULL, 10));
	int poll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = { .events = EPOLLIN, .data = { .fd = listener } };
	if (poll < 0 || epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event) != 0) {
		perror("lab_sink");
		return EXIT_FAILURE;
	}
	(void)sigaction(SIGTERM, &action, NULL);
	while (over == 0) {
		int ready = epoll_wait(poll, events, EVENTS, -1);
		for (int i = 0; i < ready; i++) {
			if (events[i].data.fd == listener) {
				accept_all(listener, poll);
			} else {
				n = serve(events[i].data.fd, stamps, n);
			}
		}
	}
	return write_stamps(argv[2], stamps, n);
}
