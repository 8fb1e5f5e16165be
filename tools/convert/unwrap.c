/* unwrap.c - training keeps more than a model: its state dict lies under a key, and every name in
 * it under those of what wrapped the model.  What is left is the model's own names. */
#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "checkpoint.h"

/* The key that holds the state dict, and what wraps the names in it (DistributedDataParallel,
 * torch.compile); the first pair under which a model is found. */
static const char *const keys[] = {"", "state_dict/", "model/", "model_state_dict/"};
static const char *const wrappers[] = {"", "module.", "_orig_mod.", "module._orig_mod."};
/* How a model's names begin. */
static const char *const models[] = {"visual.", "vision_model.", "text_model.", "token_embedding.",
                                     "text.token_embedding."};

static bool begins(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

static bool holds_model(const struct checkpoint *c, const char *key, const char *wrapper)
{
    for (size_t i = 0; i < c->n; i++) {
        const char *name = c->tensors[i]->name;
        if (!begins(name, key) || !begins(name + strlen(key), wrapper)) {
            continue;
        }
        name += strlen(key) + strlen(wrapper);
        for (size_t j = 0; j < sizeof models / sizeof models[0]; j++) {
            if (begins(name, models[j])) {
                return true;
            }
        }
    }
    return false;
}

static int by_name(const void *a, const void *b)
{
    const struct tensor *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

/* Keep what lies under `key`, each by its name without key, wrapper and the "text." that OpenCLIP's
 * CustomTextCLIP puts before its text tower. */
static int rename_all(struct checkpoint *c, const char *key, const char *wrapper)
{
    bool custom = false;
    size_t n = 0;

    c->renamed = malloc((c->n + 1) * sizeof *c->renamed);
    if (c->renamed == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", c->path);
    }
    for (size_t i = 0; i < c->n; i++) {
        struct tensor *t = &c->renamed[n];
        *t = *c->tensors[i];
        if (!begins(t->name, key)) {
            continue;
        }
        t->name += strlen(key);
        t->name += begins(t->name, wrapper) ? strlen(wrapper) : 0;
        custom |= strcmp(t->name, "text.token_embedding.weight") == 0;
        n++;
    }
    for (size_t i = 0; i < n; i++) {
        c->renamed[i].name += custom && begins(c->renamed[i].name, "text.") ? 5 : 0;
        c->tensors[i] = &c->renamed[i];
    }
    c->n = n;
    c->wrapped = key[0] != '\0' || wrapper[0] != '\0';
    if (n > 0) {
        qsort(c->tensors, n, sizeof *c->tensors, by_name);
    }
    for (size_t i = 1; i < n; i++) {
        if (by_name(&c->tensors[i - 1], &c->tensors[i]) == 0) {
            return base_fail(CLIPC_ERROR_FORMAT, "%s: tensor '%.120s' is there twice", c->path,
                             c->tensors[i]->name);
        }
    }
    return CLIPC_OK;
}

int checkpoint_unwrap(struct checkpoint *c)
{
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        for (size_t j = 0; j < sizeof wrappers / sizeof wrappers[0]; j++) {
            if (holds_model(c, keys[i], wrappers[j])) {
                return rename_all(c, keys[i], wrappers[j]);
            }
        }
    }
    return CLIPC_OK;
}
