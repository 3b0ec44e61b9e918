/*
 * See acme.h. The sandbox lets the web role read this folder beside the database and nothing else;
 * names that are no tokens are not looked for.
 */
#include "core/role/acme.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	TOKEN_MAX = 128,
	ANSWER_MAX = 4096 /* a key authorization has some 90 bytes */
};

/* base64url: nothing that means anything in a path. */
static bool is_token(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i], low = (char)(c | 0x20);
		if (!(low >= 'a' && low <= 'z') && !(c >= '0' && c <= '9') && c != '-' &&
		    c != '_') {
			return false;
		}
	}
	return s.len > 0 && s.len <= TOKEN_MAX;
}

static enum err read_answer(
    const struct acme *a, const char *token, struct arena *arena, struct slice *ret)
{
	int fd = openat(a->folder_fd, token, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	char *text = arena_alloc(arena, ANSWER_MAX + 1);

	if (fd < 0) {
		return ERR_NOT_FOUND;
	}
	ssize_t n = text != NULL && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)
			? read(fd, text, ANSWER_MAX + 1)
			: -1;
	close(fd);
	if (n < 0 || n > ANSWER_MAX) {
		return ERR_NOT_FOUND;
	}
	*ret = SLICE_OF(text, (size_t)n);
	return ERR_OK;
}

static enum err answer_challenge(struct op_call *c)
{
	const struct acme *a = c->state;
	struct slice token = http_param(c->req, "token"), text = SLICE_EMPTY;
	char name[TOKEN_MAX + 1];

	if (!is_token(token) || slice_to_cstr(token, name, sizeof(name)) != ERR_OK ||
	    read_answer(a, name, c->arena, &text) != ERR_OK) {
		http_reply_text(c->req, 404, "there is no such challenge");
		return ERR_OK;
	}
	http_reply(c->req, 200, SLICE("text/plain"), text);
	return ERR_OK;
}

/* clang-format off */
const struct op acme_ops[] = {
	{ "tls.acme_challenge", HTTP_GET, "/.well-known/acme-challenge/{token}", COST_MEMORY, SHED_LATE, 5000, 0, OP_INLINE | OP_ANY_SCHEME, answer_challenge },
};
/* clang-format on */
const unsigned n_acme_ops = sizeof(acme_ops) / sizeof(acme_ops[0]);

enum err acme_open(
    struct acme *a, struct role_ctx *r, struct role_site *site, struct err_note *note)
{
	const char *folder = conf_str(r->conf, "tls", "acme_folder");

	if (folder[0] == '\0' || a->is_on) {
		return ERR_OK;
	}
	a->folder_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (a->folder_fd < 0) {
		return err_note_set(note, ERR_CONFIG, "[tls] acme_folder: cannot open %s: %s",
		    folder, strerror(errno));
	}
	a->is_on = true;
	role_site_add(
	    site, r, &(struct http_site){ .ops = acme_ops, .n_ops = n_acme_ops, .state = a }, -1);
	return ERR_OK;
}

void acme_close(struct acme *a)
{
	if (a->is_on) {
		close(a->folder_fd);
		a->is_on = false;
	}
}
