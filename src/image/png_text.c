/* png_text.c - PNG's text chunks (the PNG specification, 11.3.4): keyword, 0, and then
 *   tEXt  the text
 *   zTXt  0 (zlib), the packed text
 *   iTXt  packed or not, 0 (zlib), language, 0, translated keyword, 0, the text in UTF-8 */
#include "png_text.h"

#include <string.h>

#include "../base/base.h"
#include "inflate.h"

/* What a packed text may become, as in Pillow; a plain one is as long as the file lets it be. */
enum { MAX_UNPACKED = 1 << 20 };

struct text {
    char *bytes; /* [room + 1] */
    size_t n, room;
};

static bool keep(void *arg, const uint8_t *bytes, size_t n)
{
    struct text *text = arg;

    if (n > text->room - text->n) {
        return false;
    }
    memcpy(text->bytes + text->n, bytes, n);
    text->n += n;
    return true;
}

/* Bytes up to and with the next 0; `length` + 1 when there is none. */
static size_t past_zero(const uint8_t *p, size_t length)
{
    const uint8_t *zero = length == 0 ? NULL : memchr(p, 0, length);

    return zero == NULL ? length + 1 : (size_t)(zero - p) + 1;
}

bool png_text_is(const uint8_t kind[4], const uint8_t *body, size_t length, const char *keyword)
{
    size_t n = strlen(keyword) + 1;

    return (memcmp(kind, "tEXt", 4) == 0 || memcmp(kind, "zTXt", 4) == 0 ||
            memcmp(kind, "iTXt", 4) == 0) &&
           length >= n && memcmp(body, keyword, n) == 0;
}

char *png_text(const uint8_t kind[4], const uint8_t *body, size_t length, const char *keyword,
               size_t *n)
{
    size_t at = strlen(keyword) + 1;
    bool packed = memcmp(kind, "zTXt", 4) == 0;
    struct text text = {NULL, 0, 0};

    if (!png_text_is(kind, body, length, keyword)) {
        return NULL;
    }
    if (packed) {
        at += 1; /* the method: zlib is the only one */
    } else if (memcmp(kind, "iTXt", 4) == 0) {
        if (length - at < 2) {
            return NULL;
        }
        packed = body[at] != 0;
        at += 2;
        for (int i = 0; i < 2 && at <= length; i++) { /* language, translated keyword */
            at += past_zero(body + at, length - at);
        }
    }
    if (at > length) {
        return NULL;
    }
    text.room = packed ? MAX_UNPACKED : length - at;
    text.bytes = base_alloc(text.room + 1);
    if (text.bytes == NULL) {
        return NULL;
    }
    if (packed ? inflate_zlib(body + at, length - at, text.room + 1, keep, &text) != INFLATE_ENDED
               : !keep(&text, body + at, length - at)) {
        base_free(text.bytes);
        return NULL;
    }
    text.bytes[text.n] = '\0';
    *n = text.n;
    return text.bytes;
}
