/* vocab_json.h - a tokenizer.json whose model is BPE over characters: Gemma's, and with it SigLIP
 * 2's. */
#ifndef CLIPC_VOCAB_JSON_H
#define CLIPC_VOCAB_JSON_H

#include "vocab.h"

/* The file at `path`, added to `files`, to the tables, kind, rules and flags of *v, which is empty
 * before; special ids are the caller's.  What would give other ids than clipc's tokenizer gives is
 * refused by name. */
int vocab_json_read(const char *path, struct files *files, struct vocab *v);

#endif
