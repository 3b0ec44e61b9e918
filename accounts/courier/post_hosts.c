/*
 * See post_hosts.h. A row is used again for another host when nothing runs to its own, the one that
 * was not used for longest first.
 */
#include "accounts/courier/post_hosts.h"

#include "core/base/check.h"

static struct post_host *find(struct post_hosts *h, struct slice name)
{
	struct post_host *oldest = NULL;

	for (unsigned i = 0; i < POST_HOSTS_MAX; i++) {
		struct post_host *one = &h->hosts[i];
		if (slice_eq(slice_str(one->name), name)) {
			return one;
		}
		if (one->running == 0 && (oldest == NULL || one->used_us < oldest->used_us)) {
			oldest = one;
		}
	}
	if (oldest != NULL) {
		*oldest = (struct post_host){ .running = 0 };
		CHECK(slice_to_cstr(name, oldest->name, sizeof(oldest->name)) == ERR_OK);
	}
	return oldest;
}

enum post_turn post_hosts_begin(
    struct post_hosts *h, struct slice name, int64_t now_us, struct post_host **ret)
{
	struct post_host *host = find(h, name);

	if (host == NULL) {
		return POST_TURN_BUSY;
	}
	host->used_us = now_us;
	if (host->not_before_us > now_us) {
		return POST_TURN_DOWN;
	}
	/* After it was left alone, one request finds out. */
	unsigned most = host->failures >= POST_HOST_FAILURES ? 1 : POST_HOST_PARALLEL;
	if (host->running >= most) {
		return POST_TURN_BUSY;
	}
	host->running++;
	*ret = host;
	return POST_TURN_GO;
}

void post_hosts_end(struct post_host *host, bool answered, int64_t now_us)
{
	int64_t ms = POST_HOST_FIRST_MS;

	CHECK(host->running > 0);
	host->running--;
	host->failures = answered ? 0 : host->failures + 1;
	if (host->failures < POST_HOST_FAILURES) {
		host->not_before_us = 0;
		return;
	}
	for (unsigned i = POST_HOST_FAILURES; i < host->failures && ms < POST_HOST_LAST_MS; i++) {
		ms *= 2;
	}
	host->not_before_us = now_us + (ms < POST_HOST_LAST_MS ? ms : POST_HOST_LAST_MS) * 1000;
}
