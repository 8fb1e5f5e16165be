/* vocab_tables.h - a SentencePiece vocabulary while it is read: the pieces of a model file become
 * the weight file's tables. */
#ifndef CLIPC_VOCAB_TABLES_H
#define CLIPC_VOCAB_TABLES_H

#include "../../weights/weights.h"
#include "vocab.h"

/* Room for n pieces, whose spellings have `bytes` bytes in all. */
int vocab_begin_pieces(const char *path, struct vocab *v, size_t n, size_t bytes);

/* The next piece, spelled by text: [n]; at most as many as there is room for.  Piece v->n. */
void vocab_add_piece(struct vocab *v, const void *text, size_t n, float score, uint8_t type);

/* Make v->order, and check all tables as the weight file's reader will. */
int vocab_finish_pieces(const char *path, struct vocab *v);

/* The id of the piece that is spelled so, of any type; UINT32_MAX: none is. */
uint32_t vocab_piece_id(const struct vocab *v, const char *spelling);

#endif
