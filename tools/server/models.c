/* models.c - names to running models.  One lock for all of it: a start holds it, so that two first
 * requests do not map a file twice; starts take milliseconds.  A model that is unloaded while
 * requests use it belongs to those alone: the next request maps the file anew, so that a server
 * that is never idle changes its models too. */
#include "models.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "../cli/cli.h"

struct defined {
    char *name, *path; /* path NULL: embedded */
    struct model *running;
};

struct models {
    struct models_options options;
    pthread_mutex_t lock;
    struct defined *all; /* [n] */
    size_t n, chosen;
};

/* The name that Roboflow's clients send when they mean "whatever there is". */
static const char usual[] = "ViT-B-16";

int models_new(const struct models_options *options, struct models **models)
{
    *models = calloc(1, sizeof **models);
    if (*models == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "serve: out of memory");
    }
    (*models)->options = *options;
    pthread_mutex_init(&(*models)->lock, NULL);
    return CLIPC_OK;
}

static void stop(struct model *m)
{
    encoder_free(m->encoder);
    text_cache_free(m->texts);
    clipc_close(m->handle);
    free(m->name);
    free(m);
}

void models_free(struct models *models)
{
    if (models == NULL) {
        return;
    }
    for (size_t i = 0; i < models->n; i++) {
        if (models->all[i].running != NULL) {
            stop(models->all[i].running);
        }
        free(models->all[i].name);
        free(models->all[i].path);
    }
    pthread_mutex_destroy(&models->lock);
    free(models->all);
    free(models);
}

/* Without "clip/", and with slashes as dashes. */
static void plain_name(const char *name, char *out, size_t room)
{
    size_t n = 0;

    if (strncmp(name, "clip/", 5) == 0) {
        name += 5;
    }
    for (; *name != '\0' && n + 1 < room; name++) {
        out[n++] = *name == '/' ? '-' : *name;
    }
    out[n] = '\0';
}

static struct defined *find(struct models *models, const char *name)
{
    char wanted[256], have[256];

    if (models->n > 0 && name == NULL) {
        return &models->all[models->chosen];
    }
    plain_name(name == NULL ? "" : name, wanted, sizeof wanted);
    for (size_t i = 0; i < models->n; i++) {
        plain_name(models->all[i].name, have, sizeof have);
        if (strcmp(have, wanted) == 0) {
            return &models->all[i];
        }
    }
    /* A bare server still answers a client that asks for the usual model: X-Model-Id tells. */
    if (models->n == 1 && models->all[0].path == NULL && strcmp(wanted, usual) == 0) {
        return &models->all[0];
    }
    return NULL;
}

int models_define(struct models *models, const char *name, const char *path)
{
    struct defined *all = realloc(models->all, (models->n + 1) * sizeof *all);

    if (all == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "serve: out of memory");
    }
    models->all = all;
    if (name[0] == '\0' || find(models, name) != NULL) {
        return base_fail(CLIPC_ERROR_ARGUMENT, "serve: two models are named '%s'", name);
    }
    all[models->n] = (struct defined){strdup(name), path == NULL ? NULL : strdup(path), NULL};
    if (all[models->n].name == NULL || (path != NULL && all[models->n].path == NULL)) {
        free(all[models->n].name);
        return base_fail(CLIPC_ERROR_MEMORY, "serve: out of memory");
    }
    models->n++;
    return CLIPC_OK;
}

int models_set_default(struct models *models, const char *name)
{
    struct defined *d = find(models, name);

    if (d == NULL) {
        return base_fail(CLIPC_ERROR_ARGUMENT, "there is no model '%s'", name);
    }
    models->chosen = (size_t)(d - models->all);
    return CLIPC_OK;
}

static int start(struct models *models, struct defined *d)
{
    struct model *m = calloc(1, sizeof *m);
    size_t size;

    if (m == NULL || (m->name = strdup(d->name)) == NULL) {
        free(m);
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    int status = CLIPC_OK;
    if (d->path != NULL) {
        status = clipc_open(d->path, &m->handle);
    } else {
        const void *embedded = demo_model(&size);
        status = size == 0 ? base_fail(CLIPC_ERROR_UNSUPPORTED, "this build embeds no model")
                           : clipc_open_memory(embedded, size, &m->handle);
    }
    if (status == CLIPC_OK) {
        m->info.size = sizeof m->info;
        clipc_model_info(m->handle, &m->info);
        status = encoder_new(m->handle, &models->options.encoder, &m->encoder);
    }
    if (status == CLIPC_OK &&
        (m->texts = text_cache_new(models->options.cache, (size_t)m->info.dim)) == NULL) {
        status = base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    if (status == CLIPC_OK) {
        d->running = m;
    } else {
        stop(m);
    }
    return status;
}

struct model *models_use(struct models *models, const char *name, double *load_seconds, int *status)
{
    struct model *model = NULL;
    double begun = base_seconds();

    *load_seconds = 0;
    *status = CLIPC_OK;
    pthread_mutex_lock(&models->lock);
    struct defined *d = find(models, name);
    if (d == NULL) {
        *status = base_fail(CLIPC_ERROR_ARGUMENT, "there is no model '%s'", name);
    } else if (d->running == NULL) {
        *status = start(models, d);
        *load_seconds = base_seconds() - begun;
    }
    if (*status == CLIPC_OK) {
        model = d->running;
        model->users++;
    }
    pthread_mutex_unlock(&models->lock);
    return model;
}

void models_release(struct models *models, struct model *model)
{
    if (model == NULL) {
        return;
    }
    pthread_mutex_lock(&models->lock);
    bool last = --model->users == 0 && model->retired;
    pthread_mutex_unlock(&models->lock);
    if (last) {
        stop(model);
    }
}

void models_unload(struct models *models, const char *name)
{
    pthread_mutex_lock(&models->lock);
    struct defined *only = name == NULL ? NULL : find(models, name);
    for (size_t i = 0; i < models->n; i++) {
        struct defined *d = &models->all[i];
        struct model *m = name == NULL || d == only ? d->running : NULL;
        if (m != NULL) {
            d->running = NULL;
            m->retired = true; /* its last user stops it */
            if (m->users == 0) {
                stop(m);
            }
        }
    }
    pthread_mutex_unlock(&models->lock);
}

bool models_known(struct models *models, const char *name)
{
    pthread_mutex_lock(&models->lock);
    bool known = find(models, name) != NULL;
    pthread_mutex_unlock(&models->lock);
    return known;
}

void models_each(struct models *models, models_each_fn fn, void *arg)
{
    pthread_mutex_lock(&models->lock);
    for (size_t i = 0; i < models->n; i++) {
        fn(arg, models->all[i].name, models->all[i].running);
    }
    pthread_mutex_unlock(&models->lock);
}

static void clear_texts(void *arg, const char *name, const struct model *model)
{
    (void)arg;
    (void)name;
    if (model != NULL) {
        text_cache_clear(model->texts);
    }
}

void models_clear_texts(struct models *models)
{
    models_each(models, clear_texts, NULL);
}
