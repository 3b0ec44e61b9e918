/*
 * Making pages when a process starts: a page refers to its scripts and styles under the hash of all
 * of them, so that browsers and caches may keep those for ever, and a text of the operator becomes
 * a page. What comes out is an asset like the embedded ones, with its gzip form and its hash.
 */
#include <openssl/evp.h>
#include <stdio.h>
#define ZLIB_CONST /* input is const */
#include <zlib.h>

#include "core/base/buf.h"
#include "core/base/enc.h"
#include "services/identity/page.h"

enum {
	PAGE_MAX = 512 * 1024, /* bytes of one page */
	GZIP_WINDOW = 15 + 16  /* the largest, with gzip's header */
};

/* The gzip form; empty where it is not smaller. */
static enum err compress_page(struct arena *arena, struct slice bytes, struct slice *ret)
{
	z_stream z = { 0 };
	char *out = arena_alloc(arena, bytes.len + 64);

	*ret = SLICE_EMPTY;
	if (out == NULL) {
		return ERR_MEMORY;
	}
	if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 9, Z_DEFAULT_STRATEGY) !=
	    Z_OK) {
		return ERR_MEMORY;
	}
	z.next_in = (const Bytef *)bytes.ptr;
	z.avail_in = (uInt)bytes.len;
	z.next_out = (Bytef *)out;
	z.avail_out = (uInt)bytes.len;
	int result = deflate(&z, Z_FINISH);
	size_t len = z.total_out;
	(void)deflateEnd(&z);
	if (result == Z_STREAM_END) {
		*ret = SLICE_OF(out, len);
	}
	return ERR_OK;
}

static enum err hash_page(struct slice bytes, char out[11])
{
	unsigned char digest[EVP_MAX_MD_SIZE];

	if (EVP_Digest(bytes.ptr, bytes.len, digest, NULL, EVP_sha256(), NULL) != 1) {
		return ERR_CRYPTO;
	}
	(void)snprintf(
	    out, 11, "%02x%02x%02x%02x%02x", digest[0], digest[1], digest[2], digest[3], digest[4]);
	return ERR_OK;
}

/* Takes a buffer's bytes over as an asset; the buffer is freed whatever happens. */
static enum err finish(
    struct arena *arena, const struct asset *from, struct buf *body, struct asset *ret)
{
	struct asset a = { .path = from->path,
		.content_type = from->content_type,
		/* Texts and choice of language are the reader's. */
		.vary = "Accept-Encoding,Accept-Language" };
	enum err e = body->failed ? ERR_MEMORY : arena_copy(arena, buf_slice(body), &a.bytes);

	buf_free(body);
	if (e == ERR_OK) {
		e = compress_page(arena, a.bytes, &a.gzip);
	}
	if (e == ERR_OK) {
		e = hash_page(a.bytes, a.hash);
	}
	if (e == ERR_OK) {
		*ret = a;
	}
	return e;
}

/* Appends text up to mark, or all of it where there is none; *rest is what lies behind the mark. */
static bool append_until(struct buf *b, struct slice *rest, struct slice mark)
{
	for (size_t i = 0; i + mark.len <= rest->len; i++) {
		if (slice_eq(slice_sub(*rest, i, i + mark.len), mark)) {
			buf_append_slice(b, slice_sub(*rest, 0, i));
			*rest = slice_sub(*rest, i + mark.len, rest->len);
			return true;
		}
	}
	buf_append_slice(b, *rest);
	*rest = SLICE_EMPTY;
	return false;
}

static void append_based(struct buf *b, struct slice html, struct slice base)
{
	while (append_until(b, &html, SLICE("\"/identity/"))) {
		buf_append_char(b, '"');
		buf_append_slice(b, base);
		buf_append_str(b, "/identity/");
	}
}

enum err page_make(
    struct arena *arena, const struct asset *from, struct slice base, struct asset *ret)
{
	struct buf body = buf_new(PAGE_MAX);

	append_based(&body, from->bytes, base);
	return finish(arena, from, &body, ret);
}

/* ---- texts ---- */

static void put_element(struct buf *b, const char *name, struct slice text)
{
	buf_printf(b, "<%s>", name);
	enc_html(b, text);
	buf_printf(b, "</%s>\n", name);
}

/* Closes a paragraph that is open. */
static void close_paragraph(struct buf *b, bool *is_open)
{
	if (*is_open) {
		buf_append_str(b, "</p>\n");
	}
	*is_open = false;
}

/* The text as HTML; its title goes to *title and is not in it. */
static void put_text(struct buf *b, struct slice text, struct slice *title)
{
	struct slice line;
	bool is_open = false;

	while (slice_split(&text, '\n', &line)) {
		line = slice_ends(line, SLICE("\r")) ? slice_sub(line, 0, line.len - 1) : line;
		if (slice_starts(line, SLICE("# "))) {
			close_paragraph(b, &is_open);
			*title = slice_sub(line, 2, line.len);
		} else if (slice_starts(line, SLICE("## "))) {
			close_paragraph(b, &is_open);
			put_element(b, "h2", slice_sub(line, 3, line.len));
		} else if (slice_trim(line).len == 0) {
			close_paragraph(b, &is_open);
		} else {
			buf_append_str(b, is_open ? "\n" : "<p>");
			enc_html(b, line);
			is_open = true;
		}
	}
	close_paragraph(b, &is_open);
}

/* Puts a value in the place of every mark. */
static void fill(struct buf *page, struct slice mark, struct slice value)
{
	struct buf out = buf_new(PAGE_MAX);
	struct slice rest = buf_slice(page);

	while (append_until(&out, &rest, mark)) {
		buf_append_slice(&out, value);
	}
	out.failed = out.failed || page->failed;
	buf_free(page);
	*page = out;
}

enum err page_make_text(struct arena *arena, const struct asset *template, struct slice base,
    const struct page_words *words, struct asset *ret)
{
	struct buf html = buf_new(PAGE_MAX), head = buf_new(PAGE_MAX), page = buf_new(PAGE_MAX);
	struct buf body = buf_new(PAGE_MAX);
	struct slice title = words->title;

	put_text(&html, words->text, &title);
	enc_html(&head, title);
	buf_append_slice(&page, template->bytes);
	fill(&page, SLICE("{language}"), words->language);
	fill(&page, SLICE("{title}"), buf_slice(&head));
	fill(&page, SLICE("{text}"), buf_slice(&html));
	append_based(&body, buf_slice(&page), base);
	body.failed = body.failed || page.failed || html.failed || head.failed;
	buf_free(&page);
	buf_free(&head);
	buf_free(&html);
	return finish(arena, template, &body, ret);
}
