/*
 * Of /proc and uname().
 */
#include "lab/machine.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "core/base/slice.h"

/* "model name : NAME" of the first processor. */
static void read_cpu(struct machine *m)
{
	char line[512];
	FILE *in = fopen("/proc/cpuinfo", "re");

	while (in != NULL && fgets(line, sizeof(line), in) != NULL) {
		struct slice rest = slice_str(line), name;
		if (slice_starts(rest, SLICE("model name")) && slice_split(&rest, ':', &name)) {
			rest = slice_trim(slice_sub(rest, 0, slice_find(rest, '\n', 0)));
			(void)snprintf(m->cpu, sizeof(m->cpu), "%.*s", SLICE_ARG(rest));
			break;
		}
	}
	if (in != NULL) {
		(void)fclose(in);
	}
}

struct machine machine_read(void)
{
	struct machine m = { .cores = 0 };
	struct utsname names;
	long cores = sysconf(_SC_NPROCESSORS_ONLN), pages = sysconf(_SC_PHYS_PAGES),
	     page_bytes = sysconf(_SC_PAGESIZE);

	read_cpu(&m);
	m.cores = cores > 0 ? (unsigned)cores : 0;
	m.memory_bytes = pages > 0 && page_bytes > 0 ? (uint64_t)pages * (uint64_t)page_bytes : 0;
	if (uname(&names) == 0) {
		(void)snprintf(m.kernel, sizeof(m.kernel), "%.20s %.60s %.20s", names.sysname,
		    names.release, names.machine);
	}
	return m;
}
