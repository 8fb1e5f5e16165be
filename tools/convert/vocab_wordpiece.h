/* vocab_wordpiece.h - BERT's vocabulary in its two forms, as bytes that were read already. */
#ifndef CLIPC_VOCAB_WORDPIECE_H
#define CLIPC_VOCAB_WORDPIECE_H

#include <jansson.h>

#include "vocab.h"

/* vocab.txt, text: [size], or a tokenizer.json's root, to the tokens of *v, which is empty before,
 * and its flags; `path` is for messages. */
int vocab_wordpiece_list(const char *path, const char *text, size_t size, struct vocab *v);
int vocab_wordpiece_parse(const char *path, const json_t *root, struct vocab *v);

/* The special tokens that config (tokenizer_config.json, or NULL) names, and the check of all. */
int vocab_wordpiece_finish(const char *path, const json_t *config, struct vocab *v);

#endif
