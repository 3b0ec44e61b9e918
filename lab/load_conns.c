/*
 * The connections of an activity: which one a request goes on, and where they go at its end.
 */
#include "lab/load_priv.h"

/* The place of its browser among the run's; the newest gives up its own when all are taken. */
static unsigned place_of_browser(struct load_run *run)
{
	unsigned i = 0;

	while (i < run->n_conns && run->browsers[i] != run->browser) {
		i++;
	}
	if (i == RUN_CONNS_MAX) {
		client_conn_close(&run->conns[--i]);
	} else if (i == run->n_conns) {
		run->conns[run->n_conns++] = NULL;
	}
	run->browsers[i] = run->browser;
	return i;
}

static bool keeps(const struct load_run *run, unsigned browser)
{
	return run->load->behaviour.connection == CONNECTION_SESSION &&
	       (browser & BROWSER_OF_NOBODY) == 0;
}

static enum err open_new(struct load *l, struct client_conn **ret, struct err_note *note)
{
	enum err e = client_conn_open(&l->client, ret, note);

	/* Those that nobody uses now give way. */
	if (e == ERR_LIMIT && kept_drop_one(&l->kept)) {
		e = client_conn_open(&l->client, ret, note);
	}
	return e;
}

struct client_conn *load_run_connection(struct load_run *run)
{
	struct load *l = run->load;
	struct err_note note = { 0 };
	unsigned i = place_of_browser(run);

	if (run->conns[i] == NULL && keeps(run, run->browser)) {
		run->conns[i] = kept_take(&l->kept, run->browser);
	}
	if (run->conns[i] != NULL && client_conn_is_usable(run->conns[i])) {
		return run->conns[i];
	}
	client_conn_close(&run->conns[i]);
	enum err e = open_new(l, &run->conns[i], &note);
	if (e != ERR_OK) {
		l->result->own_faults += e == ERR_PEER_GONE ? 0 : 1;
		load_run_fail(run, "%s", note.text);
		return NULL;
	}
	return run->conns[i];
}

void load_run_leave_connections(struct load_run *run)
{
	for (unsigned i = 0; i < run->n_conns; i++) {
		struct client_conn **conn = &run->conns[i];
		if (*conn != NULL && keeps(run, run->browsers[i]) && client_conn_is_usable(*conn)) {
			client_conn_shrink(*conn);
			kept_put(&run->load->kept, run->browsers[i], conn);
		} else {
			client_conn_close(conn);
		}
	}
	run->n_conns = 0;
}
