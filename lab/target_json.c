/*
 * The use of a role as members of a JSON object, which doc/LINE.md describes.
 */
#include <math.h>

#include "lab/result_json.h"
#include "lab/target_watch.h"

void target_use_put_json(const struct target_use *u, struct json_writer *w)
{
	/* clang-format off */
	static const struct {
		const char *name;
		enum target_figure figure;
	} rows[] = {
		{ "processes", TARGET_PROCESSES }, { "threads", TARGET_THREADS },
		{ "cores", TARGET_CPU_S }, { "hottest_thread", TARGET_HOT_S },
		{ "busy", TARGET_BUSY_S }, { "run_delay", TARGET_RUN_DELAY_S }, { "blocked", TARGET_BLOCKED_S },
		{ "memory_bytes", TARGET_MEMORY_BYTES }, { "sockets", TARGET_SOCKETS }, { "queue", TARGET_QUEUE },
		{ "disk_read_bytes_per_second", TARGET_READ_BYTES },
		{ "disk_write_bytes_per_second", TARGET_WRITTEN_BYTES },
		{ "fsyncs_per_second", TARGET_FSYNCS },
		{ "network_in_bytes_per_second", TARGET_NET_IN_BYTES },
		{ "network_out_bytes_per_second", TARGET_NET_OUT_BYTES },
		{ "statements_per_second", TARGET_STATEMENTS },
	};
	/* clang-format on */

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		result_put_real(w, rows[i].name,
		    u->known[rows[i].figure] ? u->figures[rows[i].figure] : (double)NAN);
	}
}
