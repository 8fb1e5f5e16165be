/* pieces.h - the pieces of a SentencePiece vocabulary, and the search for those that a text spells:
 * byte by byte, in the list that is sorted by their bytes. */
#ifndef CLIPC_PIECES_H
#define CLIPC_PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../weights/weights.h"

struct pieces {
    struct weights_pieces tables;
    uint32_t *places;    /* [n]: each piece's length in tables.tokens */
    uint32_t first[257]; /* where in the order the pieces that begin with a byte begin */
    int32_t bytes[256];  /* of the pieces for bytes, -1: none */
    int32_t unknown;
    float lowest, highest; /* scores of normal pieces; highest is at least FLT_MIN, as in the
                              library */
    bool any_user, any_unused;
};

/* tables: checked by weights_check_pieces; their memory must stay. */
int pieces_new(const struct weights_pieces *tables, struct pieces **pieces);
void pieces_free(struct pieces *pieces);

/* The bytes of piece `id`: [*length]. */
const unsigned char *pieces_spelling(const struct pieces *p, int32_t id, size_t *length);

/* The pieces in order[first .. end) that begin with the `depth` bytes walked so far. */
struct pieces_span {
    uint32_t first, end, depth;
};
struct pieces_span pieces_begin(const struct pieces *p);
/* One byte more; false, and the span is spent, when no piece goes on so. */
bool pieces_step(const struct pieces *p, struct pieces_span *span, unsigned char byte);
/* The piece that is spelled by the bytes walked, or -1. */
int32_t pieces_here(const struct pieces *p, const struct pieces_span *span);

/* The piece that is spelled by text: [n], or -1. */
int32_t pieces_find(const struct pieces *p, const unsigned char *text, size_t n);

/* The length of the longest user-defined piece at the start of text: [n], 0 when there is none. */
size_t pieces_user(const struct pieces *p, const unsigned char *text, size_t n);

/* Bytes of the character at the start of text: [n], n > 0, as its first byte says. */
size_t pieces_char(const unsigned char *text, size_t n);

/* What a text was cut into. */
struct pieces_cut {
    int32_t id;
    uint32_t length; /* bytes */
};
struct pieces_list {
    struct pieces_cut *data; /* [n, of room] malloc */
    size_t n, room;
    bool failed; /* memory ran out, and nothing more is added */
};
void pieces_add(struct pieces_list *list, int32_t id, uint32_t length);

#endif
