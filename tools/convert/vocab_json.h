/* vocab_json.h - a tokenizer.json of SentencePiece's pieces: BPE over characters, which is Gemma's
 * and with it SigLIP 2's; or Unigram. */
#ifndef CLIPC_VOCAB_JSON_H
#define CLIPC_VOCAB_JSON_H

#include <jansson.h>
#include <stdbool.h>

#include "vocab.h"

/* The file at `path`, added to `files`, to the tables, kind and flags of *v, which is empty before,
 * and of BPE to its rules; special ids are the caller's.  siglip: SiglipTokenizer is around it.
 * What would give other ids than clipc's tokenizer gives is refused by name. */
int vocab_json_read(const char *path, struct files *files, bool siglip, struct vocab *v);

/* The same of what the file holds; `path` is for messages. */
int vocab_json_parse(const char *path, const json_t *root, bool siglip, struct vocab *v);

/* ---- For the readers of each model --------------------------------------------------------- */

/* The member's text; "" when it is no text. */
const char *vocab_json_text(const json_t *object, const char *key);
/* The text of a special token: a string, or an object with "content"; `otherwise` when the file
 * has none. */
const char *vocab_json_token(const json_t *config, const char *key, const char *otherwise);
/* The sentence that `part` of the file is `found`, and what is known. */
int vocab_json_refuse(const char *path, const char *part, const char *found, const char *known);
/* Has an added token a flag by which it is found elsewhere than as it stands in the raw text? */
bool vocab_json_is_odd(const json_t *token);
/* "<0x41>" */
bool vocab_json_is_byte(const char *name);

#endif
