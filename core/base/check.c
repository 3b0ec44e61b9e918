/*
 * What happens when an invariant is broken: one line, then abort. No allocation, no logging layer:
 * either may be what is broken.
 */
#include "core/base/check.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

static void (*last_act)(void);

void check_before_abort(void (*fn)(void))
{
	last_act = fn;
}

void check_failed(const char *cond, const char *file, int line)
{
	void (*fn)(void) = last_act;

	fprintf(
	    stderr, "level=fatal event=broken_invariant cond=\"%s\" at=%s:%d\n", cond, file, line);
	last_act = NULL; /* it may break an invariant itself */
	if (fn != NULL) {
		fn();
	}
	abort();
}
