/* models.h - the models of a server by name: mapped on first use, shared by requests; once they are
 * unloaded, unmapped when the last one that uses them is done. */
#ifndef CLIPC_MODELS_H
#define CLIPC_MODELS_H

#include <stdbool.h>
#include <stddef.h>

#include "encoder.h"
#include "text_cache.h"

struct models;

/* A model that runs.  Held by a request from models_use to models_release. */
struct model {
    char *name;
    clipc_model *handle;
    struct clipc_model_info info;
    struct encoder *encoder;
    struct text_cache *texts;
    _Atomic size_t hits, misses; /* of `texts` */
    size_t users;                /* models.c only */
    bool retired;                /* no new users */
};

struct models_options {
    struct encoder_options encoder;
    size_t cache; /* texts whose vectors are kept, for each model */
};

int models_new(const struct models_options *options, struct models **models);
/* Nobody may hold a model. */
void models_free(struct models *models);

/* `path` NULL: the model that is linked into the binary.  The first one defined, or the one that
 * models_set_default names, answers requests that name none. */
int models_define(struct models *models, const char *name, const char *path);
int models_set_default(struct models *models, const char *name);

/* The model `name` (NULL: the default), started if need be; "ViT-B/16", "clip/ViT-B-16" and
 * "ViT-B-16" are the same.  With only the embedded model every null version and "ViT-B-16" is that
 * one. NULL with a message and *status: CLIPC_ERROR_ARGUMENT when there is no such model, else why
 * it does not open.  *load_seconds: how long the start took, 0 when it ran already. */
struct model *models_use(struct models *models, const char *name, double *load_seconds,
                         int *status);
void models_release(struct models *models, struct model *model);

/* Let `name` (NULL: all) go: its users end with it, and the next one maps the file anew. */
void models_unload(struct models *models, const char *name);

/* Is a model of this name defined (see models_use)? */
bool models_known(struct models *models, const char *name);

/* For each defined model, in the order of definition; `model` is NULL when it is not mapped. */
typedef void (*models_each_fn)(void *arg, const char *name, const struct model *model);
void models_each(struct models *models, models_each_fn fn, void *arg);

/* Forget the texts of all models. */
void models_clear_texts(struct models *models);

#endif
