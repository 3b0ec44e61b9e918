/*
 * See advice.h. Advice is given only where this program is known to suffer: the accept queue in
 * which overload waits, descriptors of connections, and mappings of task stacks.
 */
#include "core/role/advice.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
	SOMAXCONN_GOOD = 4096, /* the kernel's default since 5.4 */
	DESCRIPTORS_FEW = 8192,
	/* Beside its client connections a web process has a few dozen; as in core/http/settings.c.
	 */
	DESCRIPTORS_OTHERS = 64,
	OVERCOMMIT_NEVER = 2,
};

static int64_t read_number(const char *path)
{
	char text[32];
	uint64_t number = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

	if (fd >= 0) {
		close(fd);
	}
	if (n <= 0 || slice_to_u64(slice_sub(SLICE_OF(text, (size_t)n), 0,
				       slice_find(SLICE_OF(text, (size_t)n), '\n', 0)),
			  INT64_MAX, &number) != ERR_OK) {
		return -1;
	}
	return (int64_t)number;
}

static int64_t descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
		return -1;
	}
	return limit.rlim_max > INT64_MAX ? INT64_MAX : (int64_t)limit.rlim_max;
}

struct host_facts host_facts_read(void)
{
	return (struct host_facts){
		.somaxconn = read_number("/proc/sys/net/core/somaxconn"),
		.overcommit_memory = read_number("/proc/sys/vm/overcommit_memory"),
		.descriptors = descriptor_limit(),
	};
}

static void advise_descriptors(int64_t limit, int64_t connections, struct buf *out)
{
	if (connections > limit - DESCRIPTORS_OTHERS) {
		buf_printf(out,
		    "advice: [http] max_connections is %" PRId64
		    ", but the limit of open files leaves %" PRId64
		    "; raise it (LimitNOFILE of the unit, `ulimit -Hn`)\n",
		    connections, limit < DESCRIPTORS_OTHERS ? 0 : limit - DESCRIPTORS_OTHERS);
	} else if (connections == 0 && limit < DESCRIPTORS_FEW) {
		buf_printf(out,
		    "advice: the limit of open files is %" PRId64
		    ", so a web process takes at most %" PRId64
		    " connections; raise it (LimitNOFILE of the unit, `ulimit -Hn`)\n",
		    limit, limit < DESCRIPTORS_OTHERS ? 0 : limit - DESCRIPTORS_OTHERS);
	}
}

void advice_write(const struct host_facts *facts, const struct conf *conf, struct buf *out)
{
	if (facts->somaxconn >= 0 && facts->somaxconn < SOMAXCONN_GOOD) {
		buf_printf(out,
		    "advice: net.core.somaxconn is %" PRId64
		    ": under overload the kernel holds no more connections than that and drops "
		    "others; `sysctl -w net.core.somaxconn=%d`\n",
		    facts->somaxconn, SOMAXCONN_GOOD);
	}
	if (facts->descriptors >= 0) {
		advise_descriptors(
		    facts->descriptors, conf_int(conf, "http", "max_connections"), out);
	}
	if (facts->overcommit_memory == OVERCOMMIT_NEVER) {
		buf_printf(out,
		    "advice: vm.overcommit_memory is 2, which counts stacks of tasks that are "
		    "mapped but not used (up to 1 GiB in a web process): leave room in "
		    "vm.overcommit_ratio, or set it to 0\n");
	}
}
