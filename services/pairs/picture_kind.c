/*
 * See picture_kind.h.
 */
#include "services/pairs/picture_kind.h"

/* The brands of ISO base media files that hold still pictures of the two codecs (ISO/IEC 23008-12).
 */
static const char brands[][5] = { "heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1",
	"avif", "avis" };

static bool has_brand(struct slice four)
{
	for (size_t i = 0; i < sizeof(brands) / sizeof(brands[0]); i++) {
		if (slice_eq(four, SLICE_OF(brands[i], 4))) {
			return true;
		}
	}
	return false;
}

static bool is_at(struct slice head, size_t at, struct slice text)
{
	return slice_eq(slice_sub(head, at, at + text.len), text);
}

enum picture_format picture_format_of(struct slice head)
{
	if (head.len < PICTURE_HEAD_BYTES) {
		return PICTURE_NONE;
	}
	if (is_at(head, 0, SLICE("\xff\xd8\xff"))) {
		return PICTURE_JPEG;
	}
	if (is_at(head, 0, SLICE("\x89PNG\r\n\x1a\n")) && is_at(head, 12, SLICE("IHDR"))) {
		return PICTURE_PNG;
	}
	if (is_at(head, 0, SLICE("RIFF")) && is_at(head, 8, SLICE("WEBPVP8"))) {
		return PICTURE_WEBP;
	}
	if (is_at(head, 0, SLICE("GIF87a")) || is_at(head, 0, SLICE("GIF89a"))) {
		return PICTURE_GIF;
	}
	/* The first box: four bytes of length, "ftyp", the major brand. */
	if (is_at(head, 0, SLICE_OF("\0\0", 2)) && is_at(head, 4, SLICE("ftyp")) &&
	    has_brand(slice_sub(head, 8, 12))) {
		return PICTURE_HEIF;
	}
	return PICTURE_NONE;
}

struct slice picture_format_name(enum picture_format format)
{
	static const char *const names[PICTURE_FORMATS] = { "", "jpeg", "png", "webp", "gif",
		"heif" };

	return slice_str(format < PICTURE_FORMATS ? names[format] : "");
}

struct slice picture_media_type(enum picture_format format)
{
	return format == PICTURE_WEBP ? SLICE("image/webp") : SLICE("image/jpeg");
}

/* ---- sizes ---- */

static const struct {
	unsigned n;
	struct picture_size sizes[PICTURE_SIZES_MAX];
} uses[PICTURE_USES] = {
	[PICTURE_PHOTO] = { 4, { { "large", 1280, false }, { "medium", 640, false },
				   { "small", 320, false }, { "tiny", 120, false } } },
	[PICTURE_AVATAR] = { 3, { { "192", 192, true }, { "96", 96, true }, { "48", 48, true } } },
};

const struct picture_size *picture_sizes(enum picture_use use, unsigned *ret_n)
{
	*ret_n = uses[use].n;
	return uses[use].sizes;
}

bool picture_size_find(enum picture_use use, struct slice name, unsigned *ret)
{
	for (unsigned i = 0; i < uses[use].n; i++) {
		if (slice_eq(name, slice_str(uses[use].sizes[i].name))) {
			*ret = i;
			return true;
		}
	}
	return false;
}
