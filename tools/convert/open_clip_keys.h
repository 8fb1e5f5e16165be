/* open_clip_keys.h - the parts of an open_clip_config.json, each in a file of its own: the keys of
 * CLIPVisionCfg and CLIPTextCfg in src/open_clip/model.py. */
#ifndef CLIPC_OPEN_CLIP_KEYS_H
#define CLIPC_OPEN_CLIP_KEYS_H

#include "json_read.h"
#include "source.h"

/* Bounds of weights/validate.c: what lies outside is refused here, where its key is known. */
#define OPEN_CLIP_MAX_WIDTH  65536u
#define OPEN_CLIP_MAX_LAYERS 999u
#define OPEN_CLIP_MAX_VOCAB  (1u << 24)

/* Every key is one of `known`, or changes no embedding, or says no to what it names. */
void open_clip_refuse_others(struct json_section *c, const char *const *known, size_t n);
/* A word that must be the one that is computed. */
void open_clip_want(struct json_section *c, const char *key, const char *value, const char *why);
/* Of a tower whose width is known: its heads, MLP width, epsilon and activation, and whether it has
 * LayerScales. */
void open_clip_take_tower(struct json_section *c, bool quick, uint32_t heads,
                          struct format_tower *t, bool *scaled);

/* The member mlp_ratio, times the width: Python's int(width * mlp_ratio). */
uint32_t open_clip_mlp_width(struct json_section *c, uint32_t width, double otherwise);

/* vision_cfg of a tower of timm, up to its positions.  fc_norm: the checkpoint has its LayerNorm
 * behind the pooling. */
void open_clip_take_timm(struct json_section *c, bool fc_norm, struct source *s);

/* text_cfg.  0, or a negative clipc_status. */
int open_clip_take_text(struct json_section c, bool quick, struct source *s);

#endif
