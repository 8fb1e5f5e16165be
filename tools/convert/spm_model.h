/* spm_model.h - SentencePiece's model files: spiece.model, tokenizer.model. */
#ifndef CLIPC_SPM_MODEL_H
#define CLIPC_SPM_MODEL_H

#include "vocab.h"

/* The file at `path`, added to `files`, to the tables, kind and flags of *v, which is empty before;
 * rules and special ids are the caller's. */
int spm_model_read(const char *path, struct files *files, struct vocab *v);

/* The same of bytes: [n]; `path` is for messages. */
int spm_model_parse(const char *path, const unsigned char *bytes, size_t n, struct vocab *v);

#endif
