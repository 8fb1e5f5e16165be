/* vocab_added.h - tokens that stand beside the byte-pair vocabulary: HuggingFace's tokenizers find
 * them in a text before anything else, each as one id. */
#ifndef CLIPC_VOCAB_ADDED_H
#define CLIPC_VOCAB_ADDED_H

#include <jansson.h>

#include "vocab.h"

/* Is this how a start or an end token is spelled? */
bool vocab_is_special(const char *content);

/* 0 when the files of `folder` that list such tokens name none but start and end of `v`; else the
 * sentence which file adds which: without it a text would silently get other ids. */
int vocab_check_added(const char *folder, struct files *files, const struct vocab *v);

/* The same of one open tokenizer.json. */
int vocab_check_tokenizer(const char *path, const json_t *root, const struct vocab *v);

#endif
