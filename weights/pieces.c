/* pieces.c - the tables of a SentencePiece vocabulary: found in a weight file, and checked, for the
 * reader's door and for the converter alike. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "validate.h"

/* Units of a trie as Darts writes them: a multiple of this, so that any label of any node lies in
 * the array when the node's offset does. */
#define TRIE_BLOCK 256u

bool weights_pieces(const struct weights *w, struct weights_pieces *p)
{
    const struct format_record *tokens = weights_find(w, "tokenizer.tokens");
    const struct format_record *types = weights_find(w, "tokenizer.types");
    const struct format_record *scores = weights_find(w, "tokenizer.scores");
    const struct format_record *order = weights_find(w, "tokenizer.order");
    const struct format_record *charsmap = weights_find(w, "tokenizer.charsmap");

    if (tokens == NULL || types == NULL || order == NULL ||
        (scores != NULL && scores->cols != types->cols)) {
        return false;
    }
    *p = (struct weights_pieces){
        .tokens = weights_data(w, tokens),
        .tokens_bytes = tokens->bytes,
        .types = weights_data(w, types),
        .scores = scores != NULL ? weights_data(w, scores) : NULL,
        .n = types->cols,
        .order = weights_data(w, order),
        .n_order = order->cols,
        .charsmap = charsmap != NULL ? weights_data(w, charsmap) : NULL,
        .charsmap_bytes = charsmap != NULL ? charsmap->bytes : 0,
        .flags = w->header.tokenizer_flags,
    };
    return true;
}

bool weights_piece_spells(uint8_t type)
{
    return type == FORMAT_PIECE_NORMAL || type == FORMAT_PIECE_USER || type == FORMAT_PIECE_UNUSED;
}

/* ---- Pieces -------------------------------------------------------------------------------- */

/* places: [n], where each piece's length stands in p->tokens. */
static int check_spellings(const struct weights_pieces *p, const char *what, uint32_t *places)
{
    size_t at = 0;

    for (uint32_t i = 0; i < p->n; i++) {
        size_t left = p->tokens_bytes - at;
        size_t length = left >= 2 ? base_u16(p->tokens + at) : 0;
        if (left < 2 || length > FORMAT_MAX_PIECE || length > left - 2 || length == 0) {
            return VALIDATE_BAD("%s: piece %u of %u is empty, cut or longer than %d bytes", what, i,
                                p->n, FORMAT_MAX_PIECE);
        }
        places[i] = (uint32_t)at;
        at += 2 + length;
    }
    return at == p->tokens_bytes
               ? CLIPC_OK
               : VALIDATE_BAD("%s: the spellings of %u pieces are followed by others", what, p->n);
}

/* -1 when `spelling` is none of a byte. */
static int byte_of(const unsigned char *spelling, size_t length)
{
    static const char digits[] = "0123456789ABCDEF";
    const char *high, *low;

    if (length != 6 || memcmp(spelling, "<0x", 3) != 0 || spelling[5] != '>' || spelling[3] == 0 ||
        spelling[4] == 0) {
        return -1;
    }
    high = strchr(digits, spelling[3]);
    low = strchr(digits, spelling[4]);
    return high != NULL && low != NULL ? (int)((high - digits) * 16 + (low - digits)) : -1;
}

bool weights_byte_pieces(const struct weights_pieces *p, int32_t bytes[256])
{
    size_t at = 0, found = 0;

    memset(bytes, -1, 256 * sizeof *bytes);
    for (uint32_t i = 0; i < p->n; i++) {
        size_t length = base_u16(p->tokens + at);
        int byte = p->types[i] == FORMAT_PIECE_BYTE ? byte_of(p->tokens + at + 2, length) : -1;
        if (byte >= 0) {
            found += bytes[byte] < 0;
            bytes[byte] = (int32_t)i;
        }
        at += 2 + length;
    }
    return found == 256;
}

static int check_types(const struct weights_pieces *p, const char *what)
{
    uint32_t unknown = 0, spell = 0;

    for (uint32_t i = 0; i < p->n; i++) {
        float score = p->scores != NULL ? p->scores[i] : 0;
        if (p->types[i] < FORMAT_PIECE_NORMAL || p->types[i] > FORMAT_PIECE_BYTE ||
            !isfinite(score)) {
            return VALIDATE_BAD("%s: piece %u of %u is of kind %u with the score %g", what, i, p->n,
                                p->types[i], (double)score);
        }
        unknown += p->types[i] == FORMAT_PIECE_UNKNOWN;
        spell += weights_piece_spells(p->types[i]);
    }
    if (unknown != 1) {
        return VALIDATE_BAD("%s: %u pieces for what is unknown: it needs one", what, unknown);
    }
    return spell == p->n_order ? CLIPC_OK
                               : VALIDATE_BAD("%s: %u pieces spell text, but %u are in order", what,
                                              spell, p->n_order);
}

static int compare(const unsigned char *a, const unsigned char *b)
{
    size_t na = base_u16(a), nb = base_u16(b);
    int order = memcmp(a + 2, b + 2, na < nb ? na : nb);

    return order != 0 ? order : (na > nb) - (na < nb);
}

static int check_order(const struct weights_pieces *p, const char *what, const uint32_t *places)
{
    const unsigned char *last = NULL;

    for (uint32_t i = 0; i < p->n_order; i++) {
        uint32_t id = (uint32_t)p->order[i];
        if (id >= p->n || !weights_piece_spells(p->types[id])) {
            return VALIDATE_BAD("%s: the order of the pieces names %u, which spells no text", what,
                                id);
        }
        const unsigned char *piece = p->tokens + places[id];
        if (last != NULL && compare(last, piece) >= 0) {
            return VALIDATE_BAD("%s: piece %u is there twice, or out of order", what, id);
        }
        last = piece;
    }
    return CLIPC_OK;
}

/* ---- The charsmap -------------------------------------------------------------------------- */

/* Is the array of `n` units one that no walk leaves, and is every value a place in the texts? */
static bool trie_is_closed(const unsigned char *units, size_t n, size_t texts_bytes)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t unit = base_u32(units + 4 * i);
        if (unit >> 31) { /* a value */
            continue;
        }
        size_t base = i ^ weights_trie_offset(unit);
        if (base >= n) {
            return false;
        }
        if ((unit & WEIGHTS_TRIE_LEAF) &&
            (base_u32(units + 4 * base) & 0x7fffffffu) >= texts_bytes) {
            return false;
        }
    }
    return true;
}

/* u32 bytes of the trie, the trie, texts that each end in 0. */
static int check_charsmap(const struct weights_pieces *p, const char *what)
{
    size_t size = p->charsmap_bytes;
    size_t trie = size >= 4 ? base_u32(p->charsmap) : 0;

    if (size == 0) {
        return CLIPC_OK;
    }
    if (size < 4 || trie == 0 || trie % (4 * TRIE_BLOCK) != 0 || trie >= size - 4) {
        return VALIDATE_BAD("%s: a charsmap of %zu bytes with a trie of %zu", what, size, trie);
    }
    const unsigned char *texts = p->charsmap + 4 + trie, *end = p->charsmap + size;
    if (end[-1] != 0 || !trie_is_closed(p->charsmap + 4, trie / 4, (size_t)(end - texts))) {
        return VALIDATE_BAD("%s: the charsmap's trie or texts lead out of it", what);
    }
    for (const unsigned char *next; texts < end; texts = next + 1) {
        next = memchr(texts, 0, (size_t)(end - texts));
        if (next - texts > FORMAT_MAX_PIECE) {
            return VALIDATE_BAD("%s: the charsmap has a text of %zu bytes: at most %d", what,
                                (size_t)(next - texts), FORMAT_MAX_PIECE);
        }
    }
    return CLIPC_OK;
}

/* ---- All ----------------------------------------------------------------------------------- */

int weights_check_pieces(const struct weights_pieces *p, const char *what)
{
    uint32_t *places = malloc(((size_t)p->n + 1) * sizeof *places);
    int32_t bytes[256];

    if (places == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", what);
    }
    int status = check_spellings(p, what, places);
    if (status == CLIPC_OK) {
        status = check_types(p, what);
    }
    if (status == CLIPC_OK) {
        status = check_order(p, what, places);
    }
    if (status == CLIPC_OK && (p->flags & FORMAT_BYTE_FALLBACK) && !weights_byte_pieces(p, bytes)) {
        status = VALIDATE_BAD("%s: byte_fallback without a piece for each of 256 bytes", what);
    }
    free(places);
    return status == CLIPC_OK ? check_charsmap(p, what) : status;
}
