/*
 * See notify.h. The protocol is documented as stable and small, so it is spoken here: libsystemd
 * would bring compression and crypto libraries into the process that supervises all others
 * (doc/decisions/0020).
 */
#include "core/role/notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/slice.h"
#include "core/obs/log.h"

enum {
	MESSAGE_BYTES = 512,
	SEND_LIMIT_US = 200000
};

static bool address_of(const char *path, struct sockaddr_un *ret, socklen_t *ret_len)
{
	size_t len = strlen(path);

	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if ((path[0] != '/' && path[0] != '@') || len >= sizeof(ret->sun_path)) {
		return false;
	}
	memcpy(ret->sun_path, path, len);
	*ret_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	if (path[0] == '@') {
		ret->sun_path[0] = '\0'; /* the abstract namespace: no NUL at the end */
	} else {
		*ret_len += 1;
	}
	return true;
}

/* Half of what the manager grants; it counts for us if no other process is named. */
static int64_t watchdog_period_us(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	uint64_t n = 0, owner = (uint64_t)getpid();

	if (usec == NULL || slice_to_u64(slice_str(usec), INT64_MAX, &n) != ERR_OK) {
		return 0;
	}
	if (pid != NULL && slice_to_u64(slice_str(pid), INT32_MAX, &owner) != ERR_OK) {
		return 0;
	}
	return owner == (uint64_t)getpid() ? (int64_t)n / 2 : 0;
}

void notify_open(struct notify *n)
{
	const char *path = getenv("NOTIFY_SOCKET");
	const struct timeval limit = { .tv_usec = SEND_LIMIT_US };
	struct sockaddr_un address;
	socklen_t len = 0;

	*n = (struct notify){ .fd = -1 };
	if (path == NULL) {
		return;
	}
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || !address_of(path, &address, &len) ||
	    connect(fd, (const struct sockaddr *)&address, len) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) != 0) {
		LOG(LOG_WARN, "supervisor", "notify_socket", LOG_C("path", path),
		    LOG_C("err", strerror(errno)));
		if (fd >= 0) {
			close(fd);
		}
		return;
	}
	n->fd = fd;
	n->period_us = watchdog_period_us();
}

void notify_close(struct notify *n)
{
	if (n->fd >= 0) {
		close(n->fd);
		n->fd = -1;
	}
}

void notify_send(const struct notify *n, const char *fmt, ...)
{
	char text[MESSAGE_BYTES];
	va_list args;

	if (n->fd < 0) {
		return;
	}
	va_start(args, fmt);
	int len = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	CHECK(len > 0 && len < MESSAGE_BYTES);
	if (send(n->fd, text, (size_t)len, MSG_NOSIGNAL) != len) {
		LOG(LOG_WARN, "supervisor", "notify_failed", LOG_C("text", text),
		    LOG_C("err", strerror(errno)));
	}
}

void notify_alive(struct notify *n, int64_t now_us)
{
	if (n->period_us > 0 && now_us >= n->next_us) {
		n->next_us = now_us + n->period_us;
		notify_send(n, "WATCHDOG=1");
	}
}
