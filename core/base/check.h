/*
 * CHECK(cond) guards an invariant of our own and stays on in release: a broken one writes one line
 * with the place and ends the process (the supervisor restarts the role). Never use it on input
 * from outside; that gets an error value. A malformed frame from a sibling role is an invariant.
 */
#ifndef PLIMSOLL_BASE_CHECK_H
#define PLIMSOLL_BASE_CHECK_H

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (__builtin_expect(!(cond), 0)) {                                                \
			check_failed(#cond, __FILE__, __LINE__);                                   \
		}                                                                                  \
	} while (0)

/* Writes one line with the condition and the place to standard error and aborts. */
_Noreturn void check_failed(const char *cond, const char *file, int line);

/* Has fn run between that line and the abort: the logger writes out what it still holds. */
void check_before_abort(void (*fn)(void));

#endif
