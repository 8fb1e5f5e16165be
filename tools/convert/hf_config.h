/* hf_config.h - the JSON files beside a HuggingFace checkpoint. */
#ifndef CLIPC_HF_CONFIG_H
#define CLIPC_HF_CONFIG_H

#include "source.h"

/* Fill s->header from config.json and the image processor's file.  Keys that are left out have the
 * library's defaults; values that no weight file can hold are refused with file and key. */
int hf_config_read(const char *folder, struct source *s);

/* The second half of it: how a picture becomes pixels. */
int hf_images_read(const char *folder, struct source *s);

#endif
