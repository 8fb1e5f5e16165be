/* hf_shards.h - the safetensors files of a HuggingFace folder: one, or those that an index names.
 */
#ifndef CLIPC_HF_SHARDS_H
#define CLIPC_HF_SHARDS_H

#include <stdbool.h>

#include "safetensors.h"
#include "source.h"

struct hf_shards {
    struct safetensors *files; /* [n] */
    size_t n;
};

/* NULL when memory is out. */
struct hf_shards *hf_shards_new(void);
void hf_shards_free(struct hf_shards *hf);

/* Open `path` (one file) or the model in the folder `path`, and note each file's name and hash in
 * `s`. */
int hf_shards_open(struct hf_shards *hf, struct source *s, const char *path, bool is_folder);

/* NULL when no file has a tensor of that name. */
const struct safetensor *hf_shards_find(const struct hf_shards *hf, const char *name);

#endif
