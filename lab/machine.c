/*
 * Of /proc and uname().
 */
#include "lab/machine.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "core/base/slice.h"
#include "lab/result_json.h"

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

void machine_put_json(const struct machine *m, struct json_writer *w)
{
	json_begin_object(w);
	result_put_text(w, "cpu", m->cpu);
	result_put_text(w, "kernel", m->kernel);
	result_put_count(w, "cores", m->cores);
	result_put_count(w, "memory_bytes", m->memory_bytes);
	json_end_object(w);
}

struct machine machine_of_json(const struct json *v)
{
	struct machine m = { .cores = 0 };
	double cores = 0, memory = 0;

	result_get_text(json_member(v, "cpu"), m.cpu, sizeof(m.cpu));
	result_get_text(json_member(v, "kernel"), m.kernel, sizeof(m.kernel));
	if (json_get_real(json_member(v, "cores"), &cores) && cores > 0 && cores < 1e6) {
		m.cores = (unsigned)cores;
	}
	if (json_get_real(json_member(v, "memory_bytes"), &memory) && memory > 0 && memory < 1e18) {
		m.memory_bytes = (uint64_t)memory;
	}
	return m;
}

bool machine_is_like(const struct machine *a, const struct machine *b)
{
	/* What is free for programs differs by some pages from start to start. */
	const uint64_t near_bytes = 64 << 20;
	uint64_t more = a->memory_bytes > b->memory_bytes ? a->memory_bytes - b->memory_bytes
							  : b->memory_bytes - a->memory_bytes;

	return strcmp(a->cpu, b->cpu) == 0 && a->cores == b->cores && more <= near_bytes;
}
