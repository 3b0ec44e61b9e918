/*
 * Connecting to NATS: what libnats is told, and what it says when that does not work. A connection
 * never reconnects by itself, see nats_link.c.
 */
#include "core/offload/nats/nats_link_priv.h"

#include <stdio.h>

enum {
	CONNECT_TIMEOUT_MS = 2000,
	WRITE_DEADLINE_MS = 1000,
	PING_EVERY_MS = 2000,
	PINGS_OUT = 2,
};

static natsStatus set_security(natsOptions *o, const struct nats_link_setup *setup)
{
	const struct nats_files *f = setup->files;
	natsStatus s = NATS_OK;

	if (setup->settings->user[0] != '\0') {
		s = natsOptions_SetUserInfo(o, setup->settings->user, f->password.data);
	}
	if (s != NATS_OK || !setup->settings->is_secure) {
		return s;
	}
	s = natsOptions_SetSecure(o, true);
	if (s == NATS_OK) {
		s = natsOptions_SetCATrustedCertificates(o, f->ca.data);
	}
	if (s == NATS_OK && f->cert.len > 0) {
		s = natsOptions_SetCertificatesChain(o, f->cert.data, f->key.data);
	}
	return s;
}

/* Servers that a server tells of could be anywhere: only the configured ones are asked. */
static natsStatus set_servers(natsOptions *o, const struct nats_settings *settings)
{
	const char *urls[NATS_SERVERS_MAX];

	for (unsigned i = 0; i < settings->n_urls; i++) {
		urls[i] = settings->url[i];
	}
	natsStatus s = natsOptions_SetServers(o, urls, (int)settings->n_urls);
	return s == NATS_OK ? natsOptions_SetIgnoreDiscoveredServers(o, true) : s;
}

static natsStatus set_options(natsOptions *o, const struct nats_link *l)
{
	natsStatus s = set_servers(o, l->setup.settings);

	s = s == NATS_OK ? set_security(o, &l->setup) : s;
	s = s == NATS_OK ? natsOptions_SetName(o, l->setup.name) : s;
	s = s == NATS_OK ? natsOptions_SetTimeout(o, CONNECT_TIMEOUT_MS) : s;
	s = s == NATS_OK ? natsOptions_SetAllowReconnect(o, false) : s;
	s = s == NATS_OK ? natsOptions_SetWriteDeadline(o, WRITE_DEADLINE_MS) : s;
	s = s == NATS_OK ? natsOptions_SetPingInterval(o, PING_EVERY_MS) : s;
	s = s == NATS_OK ? natsOptions_SetMaxPingsOut(o, PINGS_OUT) : s;
	s = s == NATS_OK ? natsOptions_SetSendAsap(o, true) : s;
	s = s == NATS_OK ? natsOptions_SetErrorHandler(o, nats_inbox_on_trouble, l->inbox) : s;
	return s == NATS_OK ? natsOptions_SetClosedCB(o, nats_inbox_on_closed, l->inbox) : s;
}

static natsStatus listen_to(
    natsConnection *nc, struct nats_inbox *b, const char *subject, natsSubscription **ret)
{
	natsStatus s = natsConnection_Subscribe(ret, nc, subject, nats_inbox_on_message, b);

	if (s == NATS_OK) {
		nats_inbox_ref(b);
		s = natsSubscription_SetOnCompleteCB(*ret, nats_inbox_on_complete, b);
		if (s != NATS_OK) {
			nats_inbox_unref(b);
		}
	}
	return s;
}

static natsStatus listen_to_all(struct nats_link *l, natsConnection *nc)
{
	natsStatus s = NATS_OK;

	for (unsigned i = 0; s == NATS_OK && i < NATS_LINK_SUBJECTS; i++) {
		if (l->setup.subject[i] != NULL) {
			s = listen_to(nc, l->inbox, l->setup.subject[i], &l->sub[i]);
		}
	}
	/* Back from the server, they are there. */
	return s == NATS_OK ? natsConnection_FlushTimeout(nc, CONNECT_TIMEOUT_MS) : s;
}

void nats_link_drop(struct nats_link *l, natsConnection *nc)
{
	for (unsigned i = 0; i < NATS_LINK_SUBJECTS; i++) {
		natsSubscription_Destroy(l->sub[i]);
		l->sub[i] = NULL;
	}
	natsConnection_Destroy(nc);
}

static void explain(struct nats_link *l, natsConnection *nc, natsStatus s)
{
	natsStatus last = NATS_OK;
	const char *text = NULL;

	if (nc == NULL || natsConnection_GetLastError(nc, &text) == NATS_OK || text == NULL ||
	    text[0] == '\0') {
		text = nats_GetLastError(&last);
	}
	snprintf(l->why, sizeof(l->why), "%s%s%s", natsStatus_GetText(s),
	    text == NULL || text[0] == '\0' ? "" : ": ", text == NULL ? "" : text);
}

void nats_link_work(uv_work_t *req)
{
	struct nats_link *l = req->data;
	natsOptions *o = NULL;
	natsConnection *nc = NULL;
	natsStatus s = natsOptions_Create(&o);

	l->made = NULL;
	l->why[0] = '\0';
	if (s == NATS_OK) {
		s = set_options(o, l);
	}
	if (s == NATS_OK) {
		nats_inbox_ref(l->inbox); /* nats_inbox_on_closed() gives it back */
		s = natsConnection_Connect(&nc, o);
		if (s != NATS_OK) {
			nats_inbox_unref(l->inbox);
		}
	}
	if (s == NATS_OK) {
		s = listen_to_all(l, nc);
	}
	if (s == NATS_OK && natsConnection_GetMaxPayload(nc) < (int64_t)l->setup.message_max) {
		snprintf(l->why, sizeof(l->why),
		    "its max_payload is %lld bytes, and messages may have %zu",
		    (long long)natsConnection_GetMaxPayload(nc), l->setup.message_max);
		s = NATS_MAX_PAYLOAD;
	}
	if (s == NATS_OK) {
		l->made = nc;
	} else {
		if (l->why[0] == '\0') {
			explain(l, nc, s);
		}
		nats_link_drop(l, nc);
	}
	natsOptions_Destroy(o);
	nats_ReleaseThreadMemory();
}
