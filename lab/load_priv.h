/*
 * The parts of a load run: load.c (set-up, end), load_target.c (the address), load_schedule.c (what
 * is due), load_run.c (one activity of one user), load_ask.c (what it asks for), load_request.c (a
 * request of it), load_retry.c (and what becomes of it), load_conns.c (its connections),
 * load_tell.c (who listens), load_watch.c (is the generator the limit?), load_end.c (ended from
 * outside), load_result.c, load_socket.c. Private to lab.
 */
#ifndef PLIMSOLL_LAB_LOAD_PRIV_H
#define PLIMSOLL_LAB_LOAD_PRIV_H

#include "core/base/list.h"
#include "lab/away.h"
#include "lab/client.h"
#include "lab/client_tls.h"
#include "lab/due.h"
#include "lab/from.h"
#include "lab/kept.h"
#include "lab/load.h"
#include "lab/user_socket.h"
#include "lab/wake_early.h"

enum {
	RUN_CONNS_MAX = 8, /* browsers that an activity uses at once */
	THREADS_KEPT = 256,
	ACTIVITY_WARM = -1,
	LOAD_RUNNING_MAX = 20000,
	WARM_AT_ONCE = 32,
};

/* The next arrival of an activity. */
struct load_source {
	struct arrivals arrivals;
	struct chance users; /* who it is */
	struct gap_stream gaps;
	struct slice gets[MODEL_GETS_MAX]; /* texts of its plain requests, in plain_texts */
	unsigned activity;
};

/* What is to happen when a run is ended from outside. */
struct load_ends {
	void (*softly)(void *arg); /* nothing new begins, what runs has its time */
	void (*now)(void *arg);
	void *arg;
};

struct load {
	struct model *model;
	struct load_plan plan;
	struct load_result *result;
	struct loop *loop;
	struct client client;
	struct client_tls *tls; /* owned; NULL: plain */
	struct from from;
	char host[300];
	struct arena plain_texts;
	struct user_hooks hooks;
	struct due_heap due; /* who: a load_source or a load_run, told apart by address */
	struct load_source sources[MODEL_ACTIVITIES_MAX];
	int timer_fd;
	uv_poll_t timer, stop;
	struct load_ends ends;
	int64_t timer_us;	/* what the timer is set to */
	struct wake wake;	/* how late it comes */
	bool processor_is_ours; /* others do not want it: polling takes nothing from them */
	int64_t polls_from_us, polled_us, seen_delay_us;
	uint64_t events_before;
	uint64_t *busy;		   /* a bit per user */
	uint64_t pool, first_user; /* those who may act: pool from first_user */
	struct list runs, spare_runs;
	unsigned n_spare_runs;
	unsigned n_running, max_running;
	int threads[THREADS_KEPT]; /* coroutines that wait for work: references */
	unsigned n_threads;
	int64_t start_us, count_from_us, end_us, give_up_us;
	int64_t cpu_from_us, delay_from_us;
	bool ending;
	struct behaviour behaviour;
	struct kept_conns kept;	      /* of CONNECTION_SESSION */
	struct away away;	      /* of RETRY_WEAVE */
	struct chance mood;	      /* waits and patience */
	uint64_t next_warm;	      /* users to prepare: the next one */
	uint64_t again[WARM_AT_ONCE]; /* those who were refused, and come again */
	unsigned n_again, warm_at_once,
	    warm_refusals; /* warm_at_once: fewer where the target refuses */
	bool warming;
	struct hdr second_latency;
	struct load_second second;
	int64_t second_us; /* begin of the second that is being counted */
};

/* One activity of one user. */
struct load_run {
	struct list node;
	struct load *load;
	int activity; /* or ACTIVITY_WARM */
	uint64_t user;
	lua_State *co;
	int co_ref;
	int64_t intended_us;	  /* of the activity */
	int64_t step_intended_us; /* of the request */
	int64_t sent_us;
	int64_t slowest_us; /* of its steps */
	bool admitted;
	bool counted;
	bool has_sent; /* a request */
	bool has_thought;
	/* What the coroutine asked for, for whoever resumed it. */
	enum {
		RUN_NOTHING,
		RUN_REQUEST,
		RUN_THINK,
		RUN_SOCKET
	} asked;
	double think_s;
	struct buf text;  /* of the request of a coroutine */
	struct slice out; /* the text of the request, there or of plain ones */
	unsigned n_plain; /* plain requests begun */
	unsigned step, browser, tries;
	int expect;
	bool sees_refusals;
	int64_t give_up_us; /* when the user does, of this request; INT64_MAX: never */
	bool waits_to_retry,
	    repeated;		  /* repeated: on a new connection, since a kept one was gone */
	struct client_conn *conn; /* of the request */
	struct client_conn *conns[RUN_CONNS_MAX];
	unsigned browsers[RUN_CONNS_MAX], n_conns;
	struct list sockets;	    /* user_socket.node */
	struct user_socket *socket; /* what it asked for one, see load_socket.c */
	enum user_socket_kind socket_kind;
	uint64_t socket_id;
	char socket_event[STEP_NAME_BYTES];
	double socket_patience_s;
	int64_t socket_deadline_us;
	bool socket_waits;
};

extern const struct user_hooks load_run_hooks;

/* Functions that runs call through the script's registry; ERR_MEMORY. */
NODISCARD enum err load_run_keep_functions(struct script *s);

/* Frees what ended runs left for the next ones. */
void load_run_free_spare(struct load *l);

/* Begins an activity (or ACTIVITY_WARM) of a user, who is busy until its end. */
void load_run_begin(struct load *l, int activity, uint64_t user, int64_t intended_us);

/* A thought, or the wait before a retry, is over. */
void load_run_go_on(struct load_run *run, int64_t due_us);

/* Counts it and frees it. */
void load_run_end(struct load_run *run, enum load_outcome outcome);

/* The same for a failure, whose text is kept. */
void load_run_fail(struct load_run *run, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Its figures; NULL: it prepares its user. */
struct load_activity *load_run_activity(struct load_run *run);

/* A step was answered right at now_us: what its end will say of it. */
void load_run_note_right(struct load_run *run, int64_t now_us);

/* To the plan's at_ended and at_refusal, of activities that count. */
void load_tell_end(const struct load_run *run, enum load_outcome outcome, int64_t took_us);
void load_tell_missed(const struct load *l, unsigned activity, uint64_t user, int64_t at_us);
void load_tell_refusal(const struct load_run *run, int64_t now_us);

/* The figures of the step it is at; NULL where nothing is counted. */
struct load_step *load_run_step(struct load_run *run);

/* Plain activities: their texts; and the next request, or the end. */
NODISCARD enum err load_plain_set_up(struct load *l, struct err_note *note);
void load_plain_next(struct load_run *run);

/* No try of the request was made yet; the user's patience begins. */
void load_run_begin_request(struct load_run *run);

/* Sends what its coroutine asked for; the run may be gone behind it. */
void load_run_send(struct load_run *run);

/*
 * What becomes of a request that a, or NULL where there is no answer, does not satisfy: true, it is
 * tried again later; false, the activity is to end.
 */
bool load_run_retry(struct load_run *run, const struct answer *a);

/* What an answer says of the future: whether its user stays away for a while. */
void load_run_heed(struct load_run *run, const struct answer *a);

/* Connections of a run: the one of its browser (NULL: the run has failed), and their end. */
struct client_conn *load_run_connection(struct load_run *run);
void load_run_leave_connections(struct load_run *run);

/* Gives the answer to its coroutine, which goes on; the run may be gone behind it. */
void load_run_hand_over(struct load_run *run, const struct answer *a);

/* Resumes its coroutine with what is on it; the run may be gone behind it. */
void load_run_resume(struct load_run *run, int n_args);

/* The figures of what it asks for are those of the step of that name. */
void load_run_set_step(struct load_run *run, struct slice name);

/* Sockets of runs: what the hooks do, the wait for what was asked, a look a few times a second. */
NODISCARD enum err load_socket_open(void *run, struct user_socket *u,
    const struct socket_options *o, uint64_t seed, struct err_note *note);
void load_socket_ask(void *run, const struct user_socket_ask *ask);
void load_socket_begin(struct load_run *run);
void load_sockets_sweep(void *load);
void load_sockets_close(struct load_run *run);

/* Ends it wherever it is; not counted as anything. */
void load_run_abort(struct load_run *run);

/* The URL to an address and the text for Host; TLS is made ready where it says https. */
NODISCARD enum err load_target_find(
    struct load *l, struct sockaddr_storage *ret, socklen_t *ret_len, struct err_note *note);

/* One connection, so that a wrong address is said at once and not by thousands of failures. */
NODISCARD enum err load_target_try(const struct load *l, const struct sockaddr_storage *address,
    socklen_t len, struct err_note *note);

/* All descriptors that this process may have, and how many may run with them: l->max_running. */
void load_raise_limits(struct load *l);

/* Target, loop, client and timer_fd (which is -1 before), by the plan; closed after any outcome. */
NODISCARD enum err load_network_open(struct load *l, struct err_note *note);
void load_network_close(struct load *l);

/* What went over it goes to the result. */
void load_sum_up_network(struct load *l);

/* Lets signals, or what can be read from the plan's stop_fd, end the run; and no longer. */
NODISCARD enum err load_watch_end(struct load *l, const struct load_ends *ends);
void load_forget_end(struct load *l);

/* Arrivals begin; the users who were to be prepared are. */
void load_start_clock(struct load *l);

/* After each round of the loop: what is due, then the timer for what comes next. */
void load_on_round(void *arg);
void load_on_timer(uv_poll_t *handle, int status, int events);
void load_set_timer(struct load *l);

/* Stops the loop behind the end, when all have finished or have had their time. */
void load_stop_if_over(struct load *l);

/* Called at the end of each run, which is gone. */
void load_ended(struct load *l, uint64_t user, int activity, enum load_outcome outcome);

/* Keeps a text of a failure, or counts one that is there already. */
void load_note_failure(struct load *l, const char *activity, const char *text);

/* Seconds and progress: every second. */
void load_second_over(struct load *l);

/* Microseconds so far that this thread was ready to run and did not; 0 where the kernel does not
 * say. */
int64_t load_run_delay_us(void);

/* Fills causes and n_void. */
void load_judge(struct load *l);

#endif
