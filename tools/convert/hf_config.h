/* hf_config.h - config.json, preprocessor_config.json and the vocabulary of a HuggingFace folder.
 */
#ifndef CLIPC_HF_CONFIG_H
#define CLIPC_HF_CONFIG_H

#include "source.h"

/* Fill s->header.  Keys that a config leaves out have the library's defaults. */
int hf_config_read(const char *folder, struct source *s);

/* Fill s->vocab from `path`; when it has none and was not `demanded`, says so on stderr. */
int hf_config_vocab(const char *path, bool demanded, struct source *s);

#endif
