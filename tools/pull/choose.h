/* choose.h - which files of a repository make a checkpoint that `convert` reads. */
#ifndef CLIPC_PULL_CHOOSE_H
#define CLIPC_PULL_CHOOSE_H

#include "hub.h"

enum { CHOOSE_MOST = 1000 };

struct chosen {
    const struct hub_file *files[CHOOSE_MOST];
    size_t n;
};

/* Those that say how to read the tensors: configs and vocabularies. */
void choose_configs(const struct hub_list *list, struct chosen *chosen);

/* The file of tensors, or the index (*index) of several; `folder` has the configs already.
 * safetensors before pickles, transformers' before OpenCLIP's, unless the configs are only
 * OpenCLIP's.  NULL: none is there. */
const struct hub_file *choose_weights(const struct hub_list *list, const char *folder, bool *index);

/* The files that the index `path` names.  0, or a negative clipc_status: the list has not all. */
int choose_shards(const struct hub_list *list, const char *path, struct chosen *chosen);

#endif
