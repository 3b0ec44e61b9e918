/*
 * See symbol_sender.h.
 */
#include "cmd/symbol_sender.h"

#include <stdio.h>

#include "cmd/symbol_sender_priv.h"
#include "core/base/json.h"

enum {
	ANSWER_MAX = 4 * 1024 * 1024,
	QUESTION_MAX = SYMBOL_SENDER_BATCH * 2048,
	HEADERS_MAX = 512,
	TRIES_NOBODY = 2 /* more where nobody listens: the address may be wrong */
};

/* ---- the question ---- */

/* Until there is an answer that is none of "later". */
static enum err call_patiently(struct symbol_sender *s, const struct http_call *call,
    struct buf *out, struct http_call_answer *ret, struct err_note *note)
{
	char why[64];

	for (unsigned attempt = 0;; attempt++) {
		*note = (struct err_note){ 0 };
		enum err e = http_call(call, out, ret, note);
		bool may_come = e == ERR_IO || (e == ERR_NOT_FOUND && attempt < TRIES_NOBODY) ||
				(e == ERR_OK && symbol_sender_is_later(ret->head.status));
		if (!may_come || attempt + 1 >= s->tries) {
			return e;
		}
		(void)snprintf(why, sizeof(why), "the server answered %d", ret->head.status);
		symbol_sender_wait(s, symbol_sender_wait_of(e == ERR_OK ? ret : NULL, attempt),
		    e == ERR_OK ? why : note->text);
	}
}

static void put_question(
    struct symbol_sender *s, const struct found_symbol *files, size_t n, struct buf *out)
{
	struct json_writer w = json_writer_new(out);

	json_begin_object(&w);
	if (s->is_try) {
		/* Of this server; others go by the token, and say in their answer what it will be.
		 */
		json_put_name(&w, SLICE("try_symbols"));
		json_put_bool(&w, true);
	}
	json_put_name(&w, SLICE("files"));
	json_begin_array(&w);
	for (size_t i = 0; i < n; i++) {
		json_begin_object(&w);
		json_put_name(&w, SLICE("key"));
		json_put_string(&w, slice_str(files[i].key));
		json_put_name(&w, SLICE("size"));
		json_put_i64(&w, (int64_t)files[i].size);
		json_put_name(&w, SLICE("md5_hash"));
		json_put_string(&w, slice_str(files[i].md5));
		json_end_object(&w);
	}
	json_end_array(&w);
	json_end_object(&w);
}

static enum err ask(struct symbol_sender *s, const struct found_symbol *files, size_t n,
    struct arena *arena, const struct json **ret, struct err_note *note)
{
	struct buf question = buf_new(QUESTION_MAX), out = buf_new(ANSWER_MAX);
	struct http_call_answer answer = { .body = SLICE_EMPTY };
	char url[HTTP_CALL_URL_MAX], headers[HEADERS_MAX];
	bool is_try = false;

	put_question(s, files, n, &question);
	(void)snprintf(url, sizeof(url), "%s/upload/v2/", s->origin);
	(void)snprintf(headers, sizeof(headers),
	    "Content-Type: application/json\r\nAuth-Token: %s\r\n", s->token);
	const struct http_call call = { .method = "POST",
		.url = url,
		.headers = headers,
		.body = buf_slice(&question),
		.fd = -1 };
	enum err e = question.failed ? ERR_LIMIT : call_patiently(s, &call, &out, &answer, note);
	if (e == ERR_OK && answer.head.status != 201) {
		e = symbol_sender_refused("the server takes no files", &answer, note);
	}
	e = e == ERR_OK ? json_parse(arena, answer.body, ret, note) : e;
	if (e == ERR_OK && s->is_try &&
	    (!json_get_bool(json_member(*ret, "try_symbols"), &is_try) || !is_try)) {
		e = err_note_set(note, ERR_DENIED,
		    "with this token the server takes no files of try builds, only regular ones");
	}
	buf_free(&question);
	buf_free(&out);
	return e;
}

/* ---- a file ---- */

static enum err send_file(struct symbol_sender *s, const struct found_symbol *f,
    const struct json *action, struct err_note *note)
{
	struct slice url = SLICE_EMPTY, encoding = SLICE_EMPTY;
	char text[HTTP_CALL_URL_MAX];

	(void)json_get_string(json_member(action, "content_encoding"), &encoding);
	if (!json_get_string(json_member(action, "url"), &url) ||
	    slice_to_cstr(url, text, sizeof(text)) != ERR_OK) {
		return err_note_set(note, ERR_SYNTAX, "the server says no address for it");
	}
	return symbol_sender_put(s, f, text, slice_eq(encoding, SLICE("gzip")), note);
}

/* ---- a batch ---- */

static void take_action(
    struct symbol_sender *s, const struct found_symbol *f, const struct json *action)
{
	struct err_note note = { 0 };
	struct slice type = SLICE_EMPTY, message = SLICE("no reason given");
	enum err e = ERR_OK;

	(void)json_get_string(json_member(action, "type"), &type);
	if (slice_eq(type, SLICE("skip"))) {
		s->skipped++;
		s->goes_on(s->arg, f->size, 1);
		return;
	}
	if (slice_eq(type, SLICE("upload"))) {
		e = send_file(s, f, action, &note);
	} else {
		(void)json_get_string(json_member(action, "msg"), &message);
		e = err_note_set(&note, ERR_INVALID, "%.*s", SLICE_ARG(slice_sub(message, 0, 100)));
	}
	if (e == ERR_OK) {
		s->sent++;
		s->sent_bytes += f->size;
	} else {
		s->failed++;
		fprintf(stderr, "plimsoll symbols upload: %s (%s): %s\n", f->path, f->key,
		    note.text[0] != '\0' ? note.text : err_text(e));
	}
	s->goes_on(s->arg, 0, 1);
}

enum err symbol_sender_send(
    struct symbol_sender *s, struct found_symbol *files, size_t n, struct err_note *note)
{
	struct arena arena = arena_new(SYMBOL_SENDER_JSON);
	const struct json *doc = NULL, *answers;
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < n; i++) {
		e = found_symbol_hash(&files[i], note);
	}
	e = e == ERR_OK ? ask(s, files, n, &arena, &doc, note) : e;
	answers = e == ERR_OK ? json_member(doc, "files") : NULL;
	if (e == ERR_OK && json_count(answers) != n) {
		e = err_note_set(note, ERR_SYNTAX, "the server answers about other files");
	}
	for (size_t i = 0; e == ERR_OK && i < n; i++) {
		take_action(s, &files[i], json_member(json_element(answers, i), "action"));
	}
	arena_reset(&arena);
	return e;
}
