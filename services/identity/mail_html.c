/*
 * See mail_html.h.
 */
#include "services/identity/mail_html.h"

#include "core/base/enc.h"
#include "services/identity/param_type.h"

enum {
	COLOR_DIGITS = 6
};

static const char default_color[] = "45505b";

/* The six digits of a colour. */
static void color_of(struct slice given, char out[COLOR_DIGITS + 1])
{
	struct slice digits = is_color(given) ? given : slice_str(default_color);

	digits = slice_starts(digits, SLICE("#")) ? slice_sub(digits, 1, digits.len) : digits;
	for (size_t i = 0; i < COLOR_DIGITS; i++) {
		out[i] = digits.len == COLOR_DIGITS ? digits.ptr[i] : digits.ptr[i / 2];
	}
	out[COLOR_DIGITS] = '\0';
}

/*
 * Black or white, whichever can be read better on a colour: relative luminance of WCAG 2 with a
 * power of 2 for its 2.4, which makes 0.212 of the 0.179 where both are equal.
 */
static const char *text_color(const char color[COLOR_DIGITS + 1])
{
	unsigned char rgb[COLOR_DIGITS / 2] = { 0 };
	size_t len = 0;

	if (dec_hex(SLICE_OF(color, COLOR_DIGITS), rgb, sizeof(rgb), &len) != ERR_OK) {
		return "#ffffff";
	}
	unsigned long light =
	    2126UL * rgb[0] * rgb[0] + 7152UL * rgb[1] * rgb[1] + 722UL * rgb[2] * rgb[2];
	return light > 2120UL * 255 * 255 ? "#000000" : "#ffffff";
}

static const char head[] =
    "<meta charset=\"utf-8\">"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
    "<meta name=\"color-scheme\" content=\"light dark\">"
    "<meta name=\"supported-color-schemes\" content=\"light dark\">\n"
    "<style>\n"
    ":root { color-scheme: light dark; supported-color-schemes: light dark }\n"
    "@media (prefers-color-scheme: dark) {\n"
    ".page { background: #15181b !important }\n"
    ".card { background: #23282d !important }\n"
    ".words { color: #e8eaec !important }\n"
    ".small { color: #aab2b9 !important }\n"
    ".address { color: #a8c7e8 !important }\n"
    "}\n"
    "</style>\n";

#define FONT  "font-family:system-ui,-apple-system,'Segoe UI',Roboto,Arial,sans-serif;"
#define WORDS FONT "font-size:16px;line-height:1.5;color:#22272b;margin:0 0 20px"
#define SMALL FONT "font-size:13px;line-height:1.5;color:#59636b;"

static void put_bar(struct buf *b, const struct mail_html *m, const char *color)
{
	buf_printf(b,
	    "<div style=\"padding:18px 24px;border-radius:8px 8px 0 0;background:#%s;color:%s;" FONT
	    "font-size:20px;font-weight:600;border-bottom:1px solid #80808055;"
	    "overflow-wrap:anywhere\">",
	    color, text_color(color));
	if (is_https_url(m->logo)) {
		buf_append_str(b, "<img src=\"");
		enc_html(b, m->logo);
		buf_append_str(b, "\" alt=\"");
		enc_html(b, m->site);
		buf_append_str(
		    b, "\" height=\"48\" style=\"display:block;height:48px;max-width:100%\">");
	} else {
		enc_html(b, m->site);
	}
	buf_append_str(b, "</div>\n");
}

static void put_link(struct buf *b, const struct mail_html *m, const char *color)
{
	buf_append_str(b, "<p style=\"margin:0 0 24px\"><a href=\"");
	enc_html(b, m->link);
	buf_printf(b,
	    "\" style=\"display:inline-block;padding:12px 22px;border-radius:6px;"
	    "border:1px solid #80808088;background:#%s;color:%s;" FONT
	    "font-size:16px;font-weight:600;text-decoration:none\">",
	    color, text_color(color));
	enc_html(b, m->action);
	buf_append_str(b, "</a></p>\n<p class=\"small\" style=\"" SMALL "margin:0 0 4px\">");
	enc_html(b, m->by_hand);
	buf_append_str(b, "</p>\n<p style=\"margin:0 0 20px\"><a class=\"address\" href=\"");
	enc_html(b, m->link);
	buf_append_str(b, "\" style=\"" FONT
			  "font-size:13px;line-height:1.5;color:#1f5a94;overflow-wrap:anywhere;"
			  "word-break:break-all\">");
	enc_html(b, m->link);
	buf_append_str(b, "</a></p>\n");
}

void mail_html_put(struct buf *b, const struct mail_html *m)
{
	char color[COLOR_DIGITS + 1];

	color_of(m->color, color);
	buf_append_str(b, "<!doctype html>\n<html lang=\"");
	enc_html(b, m->language);
	buf_append_str(b, "\">\n<head>");
	buf_append_str(b, head);
	buf_append_str(b, "<title>");
	enc_html(b, m->subject);
	buf_append_str(b, "</title></head>\n"
			  "<body class=\"page\" style=\"margin:0;padding:0;background:#eceff1\">\n"
			  "<div style=\"max-width:520px;margin:0 auto;padding:20px 8px\">\n");
	put_bar(b, m, color);
	buf_append_str(b, "<div class=\"card\" style=\"padding:24px;border-radius:0 0 8px 8px;"
			  "background:#ffffff\">\n<p class=\"words\" style=\"" WORDS "\">");
	enc_html(b, m->request);
	buf_append_str(b, "</p>\n");
	put_link(b, m, color);
	buf_append_str(b, "<p class=\"small\" style=\"" SMALL "margin:0\">");
	enc_html(b, m->small);
	buf_append_str(b, "</p>\n</div>\n</div>\n</body>\n</html>\n");
}
