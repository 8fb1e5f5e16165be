/* shards.h - containers as a checkpoint: one file, or the files that an index names. */
#ifndef CLIPC_SHARDS_H
#define CLIPC_SHARDS_H

#include "checkpoint.h"

int shards_open_one(const char *path, struct files *files, struct checkpoint *checkpoint);

/* index: `folder`'s model.safetensors.index.json or pytorch_model.bin.index.json, {"weight_map":
 * {tensor: file}}. */
int shards_open_index(const char *folder, const char *index, struct files *files,
                      struct checkpoint *checkpoint);

#endif
