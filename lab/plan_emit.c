/*
 * What several machines need that one does not: PostgreSQL in place of SQLite, and the same keys.
 * What the plan cannot know stands as a place to fill in, told by a comment.
 */
#include "lab/plan_emit.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/buf.h"
#include "lab/report.h"

enum {
	FILE_BYTES = 65536,
	PATH_BYTES = 4096,
	INSTANCES_MAX = 64, /* [web] and [compute] instances */
};

static const char *const ours[] = { "web", "compute", "signer", "store", "courier", "admin",
	"verifier" };

static bool has_role(const struct plan *p, unsigned group, const char *name)
{
	for (unsigned r = 0; r < p->input->n_roles; r++) {
		if (p->input->roles[r].group == group &&
		    strcmp(p->input->roles[r].name, name) == 0) {
			return true;
		}
	}
	return false;
}

static bool is_ours(const struct plan *p, unsigned group)
{
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		if (has_role(p, group, ours[i])) {
			return true;
		}
	}
	return false;
}

/* It checks assertions and nothing else: no accounts there. */
static bool is_verifier(const struct plan *p, unsigned group)
{
	return has_role(p, group, "verifier") && !has_role(p, group, "store") &&
	       !has_role(p, group, "signer");
}

/* Machines that share accounts. */
static double servers(const struct plan *p)
{
	double sum = 0;

	for (unsigned g = 0; g < p->input->n_groups; g++) {
		sum += is_ours(p, g) && !is_verifier(p, g)
			   ? p->months[0].units[g] * p->input->groups[g].machines_each
			   : 0;
	}
	return sum;
}

/* Processes of a role: as many as it has cores on such a machine. */
static unsigned instances(const struct plan *p, unsigned group, const char *name)
{
	double cores = p->shapes[group].cores;

	for (unsigned r = 0; r < p->input->n_roles; r++) {
		const struct plan_role *role = &p->input->roles[r];
		if (role->group == group && strcmp(role->name, name) == 0 && role->cores > 0) {
			cores = fmin(cores, role->cores);
		}
	}
	return (unsigned)fmin(fmax(ceil(cores), 1), INSTANCES_MAX);
}

static void put_store(const struct plan *p, struct buf *out)
{
	if (servers(p) <= 1) {
		buf_append_str(out, "\n[store]\nengine = sqlite\n");
		return;
	}
	buf_append_str(out,
	    "\n[store]\n; Several machines share one database. Fill in where it is and its passwords, and\n"
	    "; copy the folder keys/ of the first machine into the data folder of each.\n"
	    "engine = postgres\n"
	    "url = postgresql://plimsoll:PASSWORD@db.example.org/plimsoll?sslmode=verify-full&sslrootcert=/etc/ssl/certs/ca-certificates.crt\n"
	    "read_url = postgresql://plimsoll_web:PASSWORD@db.example.org/plimsoll?sslmode=verify-full&sslrootcert=/etc/ssl/certs/ca-certificates.crt\n");
}

static void put_conf(const struct plan *p, const struct plan_emit *e, unsigned group,
    const char *name, struct buf *out)
{
	bool verifier = is_verifier(p, group);

	buf_printf(out,
	    "; %s: made by plimsoll plan for %.0f active users (%s, %.3g cores).\n"
	    "; Check it with: plimsoll check -c FILE\n\n[plimsoll]\n",
	    name, p->options.users, p->shapes[group].name, p->shapes[group].cores);
	if (e->public_url == NULL) {
		buf_append_str(
		    out, "; Fill in the address under which browsers reach the service.\n");
	}
	buf_printf(out, "public_url = %s\n",
	    e->public_url == NULL ? "https://login.example.org" : e->public_url);
	buf_printf(
	    out, "data_dir = /var/lib/plimsoll\nservices = %s\n", verifier ? "verifier" : "all");
	buf_printf(out,
	    "\n[web]\n; Only the balancer in front may reach it.\nlisten = 0.0.0.0:8000\ninstances = %u\n",
	    instances(p, group, verifier ? "verifier" : "web"));
	buf_append_str(out, "\n[http]\n; Add the addresses of the balancer.\n"
			    "trusted_proxies = 127.0.0.0/8, ::1\n");
	buf_append_str(out, "\n[admin]\nlisten = 127.0.0.1:8001\n");
	if (!verifier) {
		buf_printf(out, "\n[compute]\ninstances = %u\n", instances(p, group, "compute"));
		put_store(p, out);
		buf_append_str(out,
		    "\n[mail]\n; Fill in the mail server and the sender.\n"
		    "smtp = smtp://mail.example.org\nfrom = no-reply@example.org\n");
	}
}

static enum err make_folder(const char *path, struct err_note *note)
{
	return mkdir(path, 0777) == 0
		   ? ERR_OK
		   : err_note_set(note, err_from_errno(errno), "%.120s: %s", path, strerror(errno));
}

static enum err write_machine(const struct plan *p, const struct plan_emit *e, unsigned group,
    const char *name, struct err_note *note)
{
	struct buf text = buf_new(FILE_BYTES);
	struct err_note why = { 0 };
	char path[PATH_BYTES];

	if (snprintf(path, sizeof(path), "%s/%s", e->folder, name) >= (int)sizeof(path) - 16) {
		return err_note_set(note, ERR_LIMIT, "the name of the folder is too long");
	}
	enum err err = make_folder(path, note);
	if (err != ERR_OK) {
		return err;
	}
	(void)strncat(path, "/plimsoll.ini", sizeof(path) - strlen(path) - 1);
	put_conf(p, e, group, name, &text);
	err = report_save(&text, path, &why);
	if (err != ERR_OK) {
		err = err_note_set(note, err, "%.120s: %s", path, why.text);
	}
	buf_free(&text);
	return err;
}

enum err plan_emit(
    const struct plan *p, const struct plan_emit *e, unsigned *ret_n, struct err_note *note)
{
	unsigned sites = (unsigned)fmax(p->options.sites, 1), n = 0;
	bool any = false;

	*ret_n = 0;
	for (unsigned g = 0; g < p->input->n_groups; g++) {
		any = any || is_ours(p, g);
	}
	enum err err = any ? make_folder(e->folder, note) : ERR_OK;
	for (unsigned g = 0; err == ERR_OK && g < p->input->n_groups; g++) {
		unsigned machines =
		    (unsigned)(p->months[0].units[g] * p->input->groups[g].machines_each);
		for (unsigned i = 0; err == ERR_OK && is_ours(p, g) && i < machines; i++) {
			char name[PLAN_NAME_BYTES + 32];
			(void)snprintf(name, sizeof(name), "%s-%c-%u", p->input->groups[g].name,
			    (char)('a' + i % sites % 26), i / sites + 1);
			err = write_machine(p, e, g, name, note);
			n += err == ERR_OK ? 1 : 0;
		}
	}
	*ret_n = n;
	return err;
}
