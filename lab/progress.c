/*
 * Plain lines: they can be piped and kept.
 */
#include "lab/progress.h"

#include <stdio.h>

void progress_line(void *arg, const struct load_now *now)
{
	const struct load_second *s = &now->second;

	(void)arg;
	if (now->to_warm > 0) {
		fprintf(stderr, "  preparing users: %llu of %llu\n",
		    (unsigned long long)now->warmed, (unsigned long long)now->to_warm);
		return;
	}
	fprintf(stderr,
	    "%5.0f s  begun %.1f/s  done %.1f/s  p50 %.1f ms  p99 %.1f ms  refused %u  failed %u  running %u%s\n",
	    now->at_s, s->begun / s->length_s, s->done / s->length_s, (double)s->p50_us / 1000,
	    (double)s->p99_us / 1000, s->refused, s->failed + s->gave_up, now->running,
	    now->warming_up ? "  (warming up)" : "");
}
