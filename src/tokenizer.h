/* tokenizer.h - text to ids: clean-up, lower case, words, byte-pair merges.  Exact to the
 * reference; the sources of each rule are named in tokenizer.c. */
#ifndef CLIPC_TOKENIZER_H
#define CLIPC_TOKENIZER_H

#include <stddef.h>
#include <stdint.h>

#include "../weights/weights.h"

struct tokenizer;

/* Build the look-up tables (merge hash) of the file's tokenizer; the file must stay open.  Immutable
 * afterwards, shared by threads. */
int tokenizer_new(const struct weights *w, struct tokenizer **tokenizer);
void tokenizer_free(struct tokenizer *tokenizer);

/* ids: [context]; *n_ids = number of ids, start and end token included, cut to `context` with the end
 * token kept.  rules: FORMAT_OPENAI or FORMAT_HF.  Time and memory are linear in `length` (n log n in the longest word). */
int tokenizer_encode(const struct tokenizer *tokenizer, const char *text, size_t length,
                     enum format_rules rules, size_t context, int32_t *ids, size_t *n_ids);

#endif
