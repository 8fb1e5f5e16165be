/* piece_bpe.h - SentencePiece's BPE model: neighbours that spell a piece become it, the best score
 * first. */
#ifndef CLIPC_PIECE_BPE_H
#define CLIPC_PIECE_BPE_H

#include "pieces.h"

/* text: [n], normalized; its pieces are added to `list`, the unknown piece for what none spells.
 * Time n log n, memory linear in n.  False: out of memory. */
bool piece_bpe_encode(const struct pieces *p, const unsigned char *text, size_t n,
                      struct pieces_list *list);

#endif
