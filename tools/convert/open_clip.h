/* open_clip.h - what OpenCLIP says of a model: its config, or its name. */
#ifndef CLIPC_OPEN_CLIP_H
#define CLIPC_OPEN_CLIP_H

#include "json_read.h"
#include "layout.h"
#include "source.h"

/* Has `folder` an open_clip_config.json?  Fill s->header from it; what the towers do not compute is
 * refused with file and key.  trunk: the checkpoint's image tower is timm's. */
bool open_clip_has_config(const char *folder);
int open_clip_config(const struct layout_input *in, bool trunk, struct source *s);

/* Fill s->header by the model's name in OpenCLIP's list ("ViT-B-32-quickgelu"), in->arch; 0, or the
 * sentence with the names that there are. */
int open_clip_arch(const struct layout_input *in, bool trunk, struct source *s);
bool open_clip_arch_is_quick(const char *name);
/* The config of a model of the families SigLIP, SigLIP 2 and CLIPA, or NULL: none of that name.
 * `what`: for messages. */
json_t *open_clip_family(const char *what, const char *name);
/* Such a config. */
int open_clip_take_config(const char *what, const json_t *root, const struct layout_input *in,
                          bool trunk, struct source *s);

/* Fields that OpenAI's models and OpenCLIP's share, and those that follow from vocab_size. */
void openai_defaults(struct format_header *h);
void openai_special_ids(struct format_header *h);

#endif
