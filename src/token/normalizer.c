/* normalizer.c - SentencePiece's normalizer: longest match in a double array trie (Darts) of what
 * is replaced, U+FFFD for each byte that is no UTF-8, and its rules of spaces, in its order. */
#include "normalizer.h"

#include <stdlib.h>
#include <string.h>

#include "../base/utf8.h"

static const char space_symbol[] = "\xe2\x96\x81"; /* U+2581 */
enum { SYMBOL = 3 };

void normalizer_add(struct normalizer_text *text, const void *bytes, size_t n)
{
    if (n > text->room - text->n && !text->failed) {
        size_t room = 2 * text->room + n + 256;
        unsigned char *more = realloc(text->data, room);
        text->failed = more == NULL;
        text->data = more != NULL ? more : text->data;
        text->room = more != NULL ? room : text->room;
    }
    if (!text->failed && n > 0) {
        memcpy(text->data + text->n, bytes, n);
        text->n += n;
    }
}

/* What becomes of the start of a text. */
struct prefix {
    const unsigned char *to; /* [n] */
    size_t n, used;          /* bytes of the text */
};

/* The longest rule of the charsmap at the start of text: [n]; false: none.  The tables' check has
 * seen that no step leaves the trie, and no value the texts. */
static bool find_rule(const struct pieces *p, const unsigned char *text, size_t n,
                      struct prefix *found)
{
    const unsigned char *map = p->tables.charsmap;

    if (p->tables.charsmap_bytes == 0) {
        return false;
    }
    const unsigned char *units = map + 4, *texts = units + base_u32(map);
    uint32_t at = weights_trie_offset(base_u32(units));
    size_t most = n < FORMAT_MAX_PIECE ? n : FORMAT_MAX_PIECE;

    found->used = 0;
    for (size_t i = 0; i < most; i++) {
        uint32_t unit = base_u32(units + 4 * (size_t)(at ^ text[i]));
        if ((unit & 0x800000ffu) != text[i]) {
            break;
        }
        at ^= text[i] ^ weights_trie_offset(unit);
        if (unit & WEIGHTS_TRIE_LEAF) {
            found->to = texts + (base_u32(units + 4 * (size_t)at) & 0x7fffffffu);
            found->used = i + 1;
        }
    }
    if (found->used > 0) {
        found->n = strlen((const char *)found->to);
    }
    return found->used > 0;
}

static struct prefix take(const struct pieces *p, const unsigned char *text, size_t n)
{
    struct prefix found = {text, 0, 0};
    uint32_t c;
    int valid;

    found.n = found.used = pieces_user(p, text, n);
    if (found.used > 0 || find_rule(p, text, n, &found)) {
        return found;
    }
    size_t length = utf8_read((const char *)text, n, &c, &valid);
    return valid ? (struct prefix){text, length, length}
                 : (struct prefix){(const unsigned char *)"\xef\xbf\xbd", 3, 1};
}

static bool is_space(const struct prefix *p)
{
    return p->n == 1 && p->to[0] == ' ';
}

static void add_space(uint32_t flags, struct normalizer_text *out)
{
    bool escape = (flags & FORMAT_ESCAPE_SPACES) != 0;

    normalizer_add(out, escape ? space_symbol : " ", escape ? SYMBOL : 1);
}

static void add_prefix(uint32_t flags, const struct prefix *p, struct normalizer_text *out)
{
    for (size_t i = 0, end; i < p->n; i = end + 1) {
        const unsigned char *space =
            flags & FORMAT_ESCAPE_SPACES ? memchr(p->to + i, ' ', p->n - i) : NULL;
        end = space != NULL ? (size_t)(space - p->to) : p->n;
        normalizer_add(out, p->to + i, end - i);
        if (space != NULL) {
            add_space(flags, out);
        }
    }
}

static void trim_end(uint32_t flags, struct normalizer_text *out)
{
    const char *space = flags & FORMAT_ESCAPE_SPACES ? space_symbol : " ";
    size_t n = strlen(space);

    while (out->n >= n && memcmp(out->data + out->n - n, space, n) == 0) {
        out->n -= n;
    }
}

void normalizer_run(const struct pieces *p, uint32_t flags, const unsigned char *text, size_t n,
                    struct normalizer_text *out)
{
    bool trim = (flags & FORMAT_TRIM_SPACES) != 0, after_space = trim;
    size_t i = 0;

    out->n = 0;
    for (struct prefix part; trim && i < n; i += part.used) {
        part = take(p, text + i, n - i);
        if (!is_space(&part)) {
            break;
        }
    }
    if (i == n) {
        return;
    }
    if ((flags & FORMAT_DUMMY_PREFIX) && !(flags & FORMAT_SPACE_SUFFIX)) {
        add_space(flags, out);
    }
    while (i < n) {
        struct prefix part = take(p, text + i, n - i);
        i += part.used;
        while (after_space && part.n > 0 && part.to[0] == ' ') {
            part.to++;
            part.n--;
        }
        if (part.n > 0) {
            add_prefix(flags, &part, out);
            after_space = trim && part.to[part.n - 1] == ' ';
        }
    }
    if (trim) {
        trim_end(flags, out);
    }
    if ((flags & FORMAT_DUMMY_PREFIX) && (flags & FORMAT_SPACE_SUFFIX)) {
        add_space(flags, out);
    }
}
