/*
 * SMTP, the loop's half. libcurl waits for the server's last word on a mail with its thread blocked
 * (smtp_done(), also behind its multi interface), so mails are talked about on a crew of threads
 * (smtp_talk.c), a connection each. Everything is copied for them: a task may go while its mail is
 * on its way, which is then finished all the same, because the server may already have taken it.
 */
#include "accounts/courier/smtp.h"

#include <stdlib.h>
#include <string.h>

#include "accounts/courier/smtp_priv.h"
#include "core/base/clock.h"

enum {
	/* Servers end idle connections after some minutes; ours end before most of them do. */
	IDLE_US = 60 * 1000 * 1000
};

static void wipe_free(char **secret)
{
	if (*secret != NULL) {
		explicit_bzero(*secret, strlen(*secret));
		free(*secret);
		*secret = NULL;
	}
}

static bool copy_string(struct slice s, char **ret)
{
	if (s.len == 0) {
		return true;
	}
	*ret = strndup(s.ptr, s.len);
	return *ret != NULL;
}

static void discard(struct crew_job *job)
{
	free(job);
}

static const struct crew_ops smtp_crew = {
	.work = smtp_talk, .end = smtp_hang_up, .discard = discard
};

enum err smtp_client_new(struct loop *l, const struct smtp_options *o, struct smtp_client **ret)
{
	struct smtp_client *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		return ERR_MEMORY;
	}
	c->tls = o->tls;
	c->timeout_ms = o->timeout_ms;
	c->ca = buf_new(MAIL_CA_MAX);
	buf_append_slice(&c->ca, o->ca);
	const struct crew_options options = { &smtp_crew, c, o->max_connections, IDLE_US };
	enum err e = crew_new(l, &options, &c->crew);
	if (e == ERR_OK && !(copy_string(slice_str(o->url), &c->url) &&
			       copy_string(slice_str(o->user), &c->user) &&
			       copy_string(o->password, &c->password) && !c->ca.failed)) {
		e = ERR_MEMORY;
	}
	if (e != ERR_OK) {
		smtp_client_free(&c);
		return e;
	}
	*ret = c;
	return ERR_OK;
}

void smtp_abandon(struct smtp_client *c)
{
	atomic_store(&c->abandoned, true);
}

void smtp_client_free(struct smtp_client **c)
{
	if (*c == NULL) {
		return;
	}
	smtp_abandon(*c);
	crew_free(&(*c)->crew);
	free((*c)->url);
	wipe_free(&(*c)->user);
	wipe_free(&(*c)->password);
	buf_free(&(*c)->ca);
	free(*c);
	*c = NULL;
}

static struct smtp_job *job_new(const struct smtp_client *c, struct slice message)
{
	struct smtp_job *j = calloc(1, sizeof(*j) + message.len);

	if (j != NULL) {
		j->deadline_us = clock_mono_us() + c->timeout_ms * 1000;
		j->len = message.len;
		memcpy(j->message, message.ptr, message.len);
	}
	return j;
}

enum err smtp_send(struct smtp_client *c, struct slice from, struct slice recipient,
    struct slice message, struct smtp_outcome *ret_outcome)
{
	struct smtp_job *j = job_new(c, message);

	*ret_outcome = (struct smtp_outcome){ 0 };
	if (j == NULL) {
		smtp_keep_line(ret_outcome, SLICE("no memory"));
		return ERR_MEMORY;
	}
	if (slice_to_cstr(from, j->from, sizeof(j->from)) != ERR_OK ||
	    slice_to_cstr(recipient, j->recipient, sizeof(j->recipient)) != ERR_OK) {
		smtp_keep_line(ret_outcome, SLICE("the address is too long"));
		ret_outcome->final = true;
		free(j);
		return ERR_INVALID;
	}
	enum err e = crew_run(c->crew, &j->job);
	if (e != ERR_OK) { /* the job is the crew's */
		smtp_keep_line(ret_outcome, slice_str(err_text(e)));
		return e;
	}
	e = j->result;
	*ret_outcome = j->outcome;
	free(j);
	return e;
}
