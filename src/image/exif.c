/* exif.c - which way up a photograph is: EXIF's orientation, where JPEG, PNG and WebP keep it, and
 * where programs without a place for it left it.  The order of search is Pillow's
 * (Image.getexif): the format's own EXIF block; of a PNG without one ImageMagick's text "Raw
 * profile type exif"; and where neither has an orientation, XMP's tiff:Orientation. */
#include "exif.h"

#include <string.h>

#include "../base/base.h"
#include "pixels.h"
#include "png_text.h"

/* What was found in a file; parts of it, but for `owned` and `packed`. */
struct found {
    const uint8_t *tiff; /* [n_tiff], NULL: none */
    size_t n_tiff;
    uint8_t *owned;  /* what `tiff` lies in, if a text had to be decoded; base_alloc */
    const char *xmp; /* [n_xmp], NULL: none */
    size_t n_xmp;
    char *packed; /* what `xmp` lies in, if it had to be unpacked; base_alloc */
};

static uint32_t get(const uint8_t *p, int n, bool little)
{
    uint32_t v = 0;

    for (int i = 0; i < n; i++) {
        v = v << 8 | p[little ? n - 1 - i : i];
    }
    return v;
}

/* The orientation in a TIFF block: byte order, offset of the first directory, its entries.  0 when
 * it has none, 1 when that is none of 1 to 8. */
static int tiff_orientation(const uint8_t *p, size_t n)
{
    bool little = n >= 8 && memcmp(p, "II*\0", 4) == 0;

    if (n < 8 || (!little && memcmp(p, "MM\0*", 4) != 0)) {
        return 0;
    }
    size_t at = get(p + 4, 4, little);
    if (at > n || n - at < 2) {
        return 0;
    }
    size_t entries = get(p + at, 2, little);
    for (at += 2; entries > 0 && n - at >= 12; entries--, at += 12) {
        if (get(p + at, 2, little) == 0x112) { /* a SHORT, or a LONG of careless writers */
            uint32_t value = get(p + at + 8, get(p + at + 2, 2, little) == 4 ? 4 : 2, little);
            return value >= 1 && value <= 8 ? (int)value : 1;
        }
    }
    return 0;
}

/* tiff:Orientation as an attribute or an element, as Pillow's expression finds it; 0: none. */
static int xmp_orientation(const char *text, size_t n)
{
    static const char name[] = "tiff:Orientation";
    const size_t length = sizeof name - 1;

    for (size_t at = 0; at + length + 2 < n; at++) {
        const char *p = text + at + length;
        if (text[at] != 't' || memcmp(text + at, name, length) != 0) {
            continue;
        }
        p += p[0] == '=' && p[1] == '"' ? 2 : p[0] == '>' ? 1 : 0;
        if (p > text + at + length && p < text + n && *p >= '0' && *p <= '9') {
            return *p >= '1' && *p <= '8' ? *p - '0' : 1;
        }
    }
    return 0;
}

/* A block that may begin with "Exif" and two zeros. */
static void take_tiff(struct found *f, const uint8_t *p, size_t n)
{
    size_t skip = n >= 6 && memcmp(p, "Exif\0", 6) == 0 ? 6 : 0;

    f->tiff = p + skip;
    f->n_tiff = n - skip;
}

static void search_jpeg(struct found *f, const uint8_t *p, size_t n)
{
    static const char xmp[] = "http://ns.adobe.com/xap/1.0/";

    for (size_t at = 2; n - at >= 4 && p[at] == 0xff && p[at + 1] != 0xda;) { /* up to the scan */
        size_t length = get(p + at + 2, 2, false);
        const uint8_t *body = p + at + 4;
        if (p[at + 1] == 0xff) { /* a fill byte */
            at++;
            continue;
        }
        if (length < 2 || length > n - at - 2) {
            return;
        }
        if (p[at + 1] == 0xe1 && f->tiff == NULL && length >= 8 && memcmp(body, "Exif\0", 6) == 0) {
            take_tiff(f, body, length - 2);
        } else if (p[at + 1] == 0xe1 && length - 2 > sizeof xmp &&
                   memcmp(body, xmp, sizeof xmp) == 0) {
            f->xmp = (const char *)body + sizeof xmp;
            f->n_xmp = length - 2 - sizeof xmp;
        }
        at += 2 + length;
    }
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* ImageMagick's profile: a line end, the name, a line end, the length, a line end, hexadecimal
 * digits with line ends among them. */
static void take_profile(struct found *f, const char *text, size_t n)
{
    size_t at = 0, made = 0;
    int high = -1;

    for (int lines = 0; lines < 3 && at < n; at++) {
        lines += text[at] == '\n';
    }
    f->owned = base_alloc((n - at) / 2 + 1);
    for (; f->owned != NULL && at < n; at++) {
        int value = hex_value(text[at]);
        if (value >= 0 && high >= 0) {
            f->owned[made++] = (uint8_t)(high << 4 | value);
            high = -1;
        } else if (value >= 0) {
            high = value;
        }
    }
    if (f->owned != NULL) {
        take_tiff(f, f->owned, made);
    }
}

/* A chunk is a length, a name, the bytes, a checksum.  Of texts the last one counts, and no other
 * is unpacked: thousands that each become a thousand times longer would cost minutes. */
static void search_png(struct found *f, const uint8_t *p, size_t n)
{
    enum { PROFILE, XMP, TEXTS };
    static const char *const keywords[TEXTS] = {"Raw profile type exif", "XML:com.adobe.xmp"};
    const uint8_t *bodies[TEXTS] = {NULL};
    size_t lengths[TEXTS] = {0}, size;
    char *text;

    for (size_t at = 8, length; n - at >= 12; at += 12 + length) {
        const uint8_t *body = p + at + 8;
        length = get(p + at, 4, false);
        if (length > n - at - 12) {
            break;
        }
        if (memcmp(body - 4, "eXIf", 4) == 0) {
            take_tiff(f, body, length);
        }
        for (size_t i = 0; i < TEXTS; i++) {
            if (png_text_is(body - 4, body, length, keywords[i])) {
                bodies[i] = body;
                lengths[i] = length;
            }
        }
    }
    if (f->tiff == NULL && bodies[PROFILE] != NULL && /* its own block goes before a text */
        (text = png_text(bodies[PROFILE] - 4, bodies[PROFILE], lengths[PROFILE], keywords[PROFILE],
                         &size)) != NULL) {
        take_profile(f, text, size);
        base_free(text);
    }
    if (bodies[XMP] != NULL && (text = png_text(bodies[XMP] - 4, bodies[XMP], lengths[XMP],
                                                keywords[XMP], &size)) != NULL) {
        f->xmp = f->packed = text;
        f->n_xmp = size;
    }
}

/* A chunk is a name, a length, the bytes, padded to whole pairs. */
static void search_webp(struct found *f, const uint8_t *p, size_t n)
{
    for (size_t at = 12; n - at >= 8;) {
        size_t length = get(p + at + 4, 4, true);
        const uint8_t *body = p + at + 8;
        if (length > n - at - 8) {
            return;
        }
        if (memcmp(p + at, "EXIF", 4) == 0 && f->tiff == NULL) {
            take_tiff(f, body, length);
        } else if (memcmp(p + at, "XMP ", 4) == 0) {
            f->xmp = (const char *)body;
            f->n_xmp = length;
        }
        if ((length & 1) > n - at - 8 - length) {
            return;
        }
        at += 8 + length + (length & 1);
    }
}

int exif_orientation(const uint8_t *p, size_t n)
{
    struct found f = {0};

    if (n >= 4 && p[0] == 0xff && p[1] == 0xd8) {
        search_jpeg(&f, p, n);
    } else if (n >= 12 && memcmp(p, "\x89PNG\r\n\x1a\n", 8) == 0) {
        search_png(&f, p, n);
    } else if (n >= 12 && memcmp(p, "RIFF", 4) == 0 && memcmp(p + 8, "WEBP", 4) == 0) {
        search_webp(&f, p, n);
    }
    int orientation = f.tiff == NULL ? 0 : tiff_orientation(f.tiff, f.n_tiff);
    if (orientation == 0 && f.xmp != NULL) {
        orientation = xmp_orientation(f.xmp, f.n_xmp);
    }
    base_free(f.owned);
    base_free(f.packed);
    return orientation == 0 ? 1 : orientation;
}

int exif_apply(struct clipc_image *image, int orientation)
{
    struct clipc_image out;
    bool swap = orientation >= 5;
    size_t bytes = image->stride / image->width;
    int status = pixels_new(&out, swap ? image->height : image->width,
                            swap ? image->width : image->height, image->format);

    if (status != CLIPC_OK) {
        return status;
    }
    /* Mirrored left to right, or top to bottom, in the coordinates of the stored picture. */
    bool flip_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    bool flip_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    for (uint32_t y = 0; y < out.height; y++) {
        for (uint32_t x = 0; x < out.width; x++) {
            uint32_t sx = swap ? y : x, sy = swap ? x : y;
            sx = flip_x ? image->width - 1 - sx : sx;
            sy = flip_y ? image->height - 1 - sy : sy;
            memcpy((uint8_t *)out.data + y * out.stride + x * bytes,
                   (const uint8_t *)image->data + sy * image->stride + sx * bytes, bytes);
        }
    }
    out.palette = image->palette;
    pixels_free(image);
    *image = out;
    return CLIPC_OK;
}
