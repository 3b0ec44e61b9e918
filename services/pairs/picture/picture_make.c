/*
 * See picture_make.h. The largest size is made from the picture, with the decoder's own shrinking
 * where it has some, and the smaller ones from that: one full decode for each picture.
 *
 * Of libvips' loaders those of the formats in picture_kind.h are left: the format is told by the
 * first bytes before libvips sees any, and then no other loader is there to think otherwise.
 */
#include "services/pairs/picture/picture_make.h"

#include <gmodule.h>
#include <stdio.h>
#include <stdlib.h>
#include <vips/vips.h>

enum {
	JPEG_QUALITY = 80,
	WEBP_QUALITY = 75,
	WEBP_EFFORT = 2, /* of 6: a third of the default's time for some percent more bytes */
};

static enum err take_vips_error(struct err_note *note, enum err e)
{
	char text[sizeof(note->text)];
	size_t n = 0;

	for (const char *p = vips_error_buffer(); *p != '\0' && n < sizeof(text) - 1; p++) {
		text[n++] = *p == '\n' ? ' ' : *p;
	}
	text[n] = '\0';
	vips_error_clear();
	return err_note_set(note, e, "%s", text);
}

/*
 * libvips would load every module of its folder, with ImageMagick and what that brings along: it is
 * sent to a folder that is not there, and the one module that is needed is loaded here. Without it,
 * HEIC and AVIF are not decoded, and all else goes on.
 */
static void load_heif(void)
{
	GModule *module = g_module_open(PLIMSOLL_VIPS_MODULES "/vips-heif.so", G_MODULE_BIND_LAZY);

	if (module != NULL) {
		g_module_make_resident(module);
	}
}

enum err picture_init(struct err_note *note)
{
	static const char *const loaders[] = { "VipsForeignLoadJpeg", "VipsForeignLoadPng",
		"VipsForeignLoadWebp", "VipsForeignLoadNsgif", "VipsForeignLoadHeif" };

	/*
	 * No code is made at run time, which the sandbox would not let it, and no files; and nobody
	 * reads its warnings, of which a bad picture may give thousands.
	 */
	if (setenv("VIPSHOME", "/nonexistent", 1) != 0 || setenv("VIPS_NOVECTOR", "1", 1) != 0 ||
	    setenv("VIPS_DISC_THRESHOLD", "2g", 1) != 0 || setenv("VIPS_WARNING", "0", 1) != 0) {
		return err_note_set(note, ERR_MEMORY, "no memory");
	}
	if (vips_init("plimsoll-media") != 0) {
		return take_vips_error(note, ERR_SYSTEM);
	}
	load_heif();
	vips_concurrency_set(1);
	vips_cache_set_max(0);
	vips_block_untrusted_set(TRUE);
	vips_operation_block_set("VipsForeignLoad", TRUE);
	for (size_t i = 0; i < sizeof(loaders) / sizeof(loaders[0]); i++) {
		vips_operation_block_set(loaders[i], FALSE);
	}
	return ERR_OK;
}

/* ---- looking before decoding ---- */

static bool is_turned(VipsImage *image)
{
	int orientation = vips_image_get_orientation(image);

	return orientation >= 5 && orientation <= 8;
}

/* Whether its colours are those that we want; libvips shifts them if it is told to make them so. */
static bool is_plain_srgb(VipsImage *image)
{
	VipsInterpretation colours = vips_image_get_interpretation(image);

	return vips_image_get_typeof(image, VIPS_META_ICC_NAME) == 0 &&
	       (colours == VIPS_INTERPRETATION_sRGB || colours == VIPS_INTERPRETATION_B_W);
}

/* Width and height the right way up, and whether it is plain sRGB, by the header alone. */
static enum picture_outcome look(struct slice bytes, uint64_t max_pixels, struct picture_result *r,
    bool *ret_plain, struct err_note *note)
{
	VipsImage *image = vips_image_new_from_buffer(bytes.ptr, bytes.len, "", NULL);

	if (image == NULL) {
		enum err e = take_vips_error(note, ERR_INVALID);
		(void)e;
		return PICTURE_BAD;
	}
	uint64_t width = (uint64_t)vips_image_get_width(image);
	uint64_t height = (uint64_t)vips_image_get_height(image);
	bool turned = is_turned(image);
	*ret_plain = is_plain_srgb(image);
	g_object_unref(image);
	if (width > PICTURE_EDGE_MAX || height > PICTURE_EDGE_MAX || width * height > max_pixels) {
		return PICTURE_TOO_LARGE;
	}
	r->width = (uint32_t)(turned ? height : width);
	r->height = (uint32_t)(turned ? width : height);
	return PICTURE_MADE;
}

/* ---- making ---- */

/* Edges of the box that a size is made into: never larger than the picture. */
static unsigned box_of(const struct picture_size *size, const struct picture_result *r)
{
	unsigned shorter = r->width < r->height ? r->width : r->height;

	return size->is_square && shorter < size->edge ? shorter : size->edge;
}

/*
 * The pixels of an image, evaluated, as one that knows nothing else: what savers leave out by
 * themselves differs between formats and versions (WebP keeps EXIF in 8.14.1). Gives up its
 * reference to the image. NULL: its evaluation has failed.
 */
static VipsImage *pixels_of(VipsImage *image)
{
	VipsImage *bare = NULL, *out = NULL;
	size_t len = 0;
	void *bytes = vips_image_write_to_memory(image, &len);

	if (bytes != NULL) {
		bare = vips_image_new_from_memory_copy(bytes, len, vips_image_get_width(image),
		    vips_image_get_height(image), vips_image_get_bands(image),
		    vips_image_get_format(image));
		g_free(bytes);
	}
	if (bare != NULL) {
		if (vips_copy(bare, &out, "interpretation", vips_image_get_interpretation(image),
			NULL) != 0) {
			out = NULL;
		}
		g_object_unref(bare);
	}
	g_object_unref(image);
	return out;
}

static VipsImage *shrink_first(struct slice bytes, const struct picture_size *size,
    const struct picture_result *r, bool is_plain)
{
	VipsImage *out = NULL;
	unsigned box = box_of(size, r);

	/*
	 * Its argument is not const, but it does not write there. Its own option fail_on does not
	 * reach the decoder (8.14.1), so it goes there by the decoder's options.
	 */
	if (vips_thumbnail_buffer((void *)(uintptr_t)bytes.ptr, bytes.len, &out, (int)box, "height",
		(int)box, "size", VIPS_SIZE_DOWN, "crop",
		size->is_square ? VIPS_INTERESTING_CENTRE : VIPS_INTERESTING_NONE, "export_profile",
		is_plain ? NULL : "srgb", "option_string", "[fail_on=truncated]", NULL) != 0) {
		return NULL;
	}
	return pixels_of(out);
}

static VipsImage *shrink_next(
    VipsImage *from, const struct picture_size *size, const struct picture_result *r)
{
	VipsImage *out = NULL;
	unsigned box = box_of(size, r);

	if (vips_thumbnail_image(from, &out, (int)box, "height", (int)box, "size", VIPS_SIZE_DOWN,
		"crop", size->is_square ? VIPS_INTERESTING_CENTRE : VIPS_INTERESTING_NONE,
		NULL) != 0) {
		return NULL;
	}
	return pixels_of(out);
}

/* Whether one can see through any of it; many pictures say that one could, and nowhere can. */
static bool is_seen_through(VipsImage *image)
{
	VipsImage *alpha = NULL;
	double least = 255;

	if (!vips_image_hasalpha(image) ||
	    vips_extract_band(image, &alpha, vips_image_get_bands(image) - 1, NULL) != 0) {
		return false;
	}
	bool is_known = vips_min(alpha, &least, NULL) == 0;
	g_object_unref(alpha);
	return is_known && least < 255;
}

/* What can be seen through stays so, which JPEG cannot hold. */
static bool save(VipsImage *image, struct picture_variant *ret)
{
	void *bytes = NULL;
	size_t len = 0;
	bool has_alpha = is_seen_through(image);
	int failed = has_alpha ? vips_webpsave_buffer(image, &bytes, &len, "Q", WEBP_QUALITY,
				     "effort", WEBP_EFFORT, "strip", TRUE, NULL)
			       : vips_jpegsave_buffer(image, &bytes, &len, "Q", JPEG_QUALITY,
				     "optimize_coding", TRUE, "strip", TRUE, NULL);

	*ret = (struct picture_variant){ .width = (uint32_t)vips_image_get_width(image),
		.height = (uint32_t)vips_image_get_height(image),
		.format = has_alpha ? PICTURE_WEBP : PICTURE_JPEG,
		.bytes = SLICE_OF(bytes, len) };
	return failed == 0;
}

static bool make_sizes(struct slice bytes, const struct picture_size *sizes, unsigned n,
    bool is_plain, struct picture_result *r)
{
	VipsImage *image = NULL;
	bool is_good = true;

	for (unsigned i = 0; is_good && i < n; i++) {
		VipsImage *next = i == 0 ? shrink_first(bytes, &sizes[0], r, is_plain)
					 : shrink_next(image, &sizes[i], r);
		if (image != NULL) {
			g_object_unref(image);
		}
		image = next;
		is_good = image != NULL && save(image, &r->variants[i]);
	}
	if (image != NULL) {
		g_object_unref(image);
	}
	return is_good;
}

void picture_make(struct slice bytes, enum picture_use use, uint64_t max_pixels,
    struct picture_result *ret, struct err_note *note)
{
	unsigned n = 0;
	bool is_plain = false;
	const struct picture_size *sizes = picture_sizes(use, &n);
	struct picture_result r = { .outcome = PICTURE_BAD, .format = picture_format_of(bytes) };

	if (r.format != PICTURE_NONE) {
		r.outcome = look(bytes, max_pixels, &r, &is_plain, note);
	}
	if (r.outcome == PICTURE_MADE && make_sizes(bytes, sizes, n, is_plain, &r)) {
		r.n = n;
	} else if (r.outcome == PICTURE_MADE) {
		enum err e = take_vips_error(note, ERR_INVALID);
		(void)e;
		r.outcome = PICTURE_BAD;
	}
	*ret = r;
}
