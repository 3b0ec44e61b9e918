/*
 * The thread that answers the health listener. It shares nothing with the loop of its process but
 * the metrics block and what stands below, so a loop that is stuck, or a machine at its line, does
 * not make it silent.
 */
#ifndef PLIMSOLL_ROLE_HEALTH_THREAD_H
#define PLIMSOLL_ROLE_HEALTH_THREAD_H

#include "core/base/err.h"
#include "core/role/health_answer.h"

enum {
	HEALTH_CONNECTIONS = 64, /* the oldest makes place for a new one */
};

/* What the thread tells the loop; relaxed atomics, each true by itself. */
struct health_report {
	_Atomic int64_t load_permille, answers, changes;
	_Atomic int32_t ready, alive, trouble;
};

struct health_thread;

/*
 * Begins to look and, once the server has been ready or some seconds have passed, to answer on
 * listen_fd, which is closed at the end in any case. database: as in struct health_look. cores:
 * those we may use. ERR_MEMORY, ERR_SYSTEM.
 */
NODISCARD enum err health_thread_start(int listen_fd, const struct metrics *m,
    const struct metric_row *database, unsigned cores, struct health_thread **ret);

/* Ends it and waits for that: at most some milliseconds. */
void health_thread_stop(struct health_thread **t);

const struct health_report *health_thread_report(const struct health_thread *t);

#endif
