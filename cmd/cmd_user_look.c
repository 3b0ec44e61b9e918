/*
 * plimsoll user list, show, export: what is there.
 */
#include <stdio.h>

#include "accounts/mail_address.h"
#include "cmd/cmd_user.h"
#include "core/base/clock.h"
#include "services/identity/users.h"

static void print_row(void *arg, const struct email_row *row)
{
	(void)arg;
	printf(" %.*s%s%s", SLICE_ARG(row->address), row->is_primary ? " (primary)" : "",
	    row->is_verified ? "" : " (unverified)");
}

static enum err print_line(struct user_run *r, const struct account *a)
{
	printf("%lld", (long long)a->id);
	enum err e = account_each_email_row(r->db, a->id, print_row, NULL, &r->note);
	printf("%s\n", a->is_locked ? " LOCKED" : "");
	return e;
}

static enum err each_account(
    struct user_run *r, enum err (*fn)(struct user_run *r, const struct account *a))
{
	struct account a = { .id = 0 };
	enum err e = ERR_OK;

	while (e == ERR_OK) {
		e = account_after(r->db, &r->arena, a.id, &a, &r->note);
		if (e == ERR_OK) {
			e = fn(r, &a);
		}
		arena_reset(&r->arena);
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err user_list(struct user_run *r)
{
	return each_account(r, print_line);
}

static enum err export_line(struct user_run *r, const struct account *a)
{
	return user_write(r->db, a, stdout, &r->note);
}

enum err user_export(struct user_run *r)
{
	return each_account(r, export_line);
}

static void print_time(const char *what, int64_t ms)
{
	char date[CLOCK_HTTP_DATE_SIZE];

	clock_http_date(ms / 1000, date);
	printf("%s: %s\n", what, date);
}

static void print_bounce(struct user_run *r, const struct mail_address *m)
{
	char date[CLOCK_HTTP_DATE_SIZE];

	clock_http_date(m->hard_ms / 1000, date);
	if (m->hard_ms > 0) {
		printf("  mail came back: %s: %.*s%s%.*s; no more mails for %lld hours from then\n",
		    date, SLICE_ARG(m->status), m->told.len > 0 ? " " : "", SLICE_ARG(m->told),
		    (long long)(conf_ms(r->conf, "mail", "bounce_hold") / 3600000));
	}
	if (m->soft > 0) {
		printf("  mail was late or came back for a while: %lld times, last: %.*s %.*s\n",
		    (long long)m->soft, SLICE_ARG(m->status), SLICE_ARG(m->told));
	}
}

static void print_address(void *arg, const struct email_row *row)
{
	struct user_run *r = arg;
	struct mail_address m;
	struct slice key;

	printf("address: %.*s, %s, last used as %s\n", SLICE_ARG(row->address),
	    row->is_verified ? "verified" : "not verified",
	    row->is_primary ? "primary" : "secondary");
	if (email_key(&r->arena, row->address, &key) == ERR_OK &&
	    mail_address_find(r->db, &r->arena, key, &m, &r->note) == ERR_OK) {
		print_bounce(r, &m);
	}
}

enum err user_show(struct user_run *r)
{
	struct account a;
	struct slice key;
	enum err e = email_key(&r->arena, user_address(r), &key);

	if (e == ERR_OK) {
		e = account_by_address(r->db, &r->arena, key, &a, &r->note);
	}
	if (e == ERR_NOT_FOUND) {
		return err_note_set(&r->note, e, "no account has the address %s", r->words[0]);
	}
	if (e != ERR_OK) {
		return e;
	}
	printf("account: %lld\n", (long long)a.id);
	e = account_each_email_row(r->db, a.id, print_address, r, &r->note);
	printf("password: %s\n", a.has_password ? kdf_name(a.kdf.kind) : "none");
	print_time("made", a.created_ms);
	print_time("sessions valid since", a.password_reset_ms);
	printf("wrong passwords since the last good one: %lld\n", (long long)a.failed_logins);
	printf("locked: %s\n", a.is_locked ? "yes" : "no");
	bool is_admin = false;
	if (e == ERR_OK) {
		e = account_is_admin(r->db, a.id, &is_admin, &r->note);
	}
	printf("administrator: %s\n", is_admin ? "yes" : "no");
	return e;
}
