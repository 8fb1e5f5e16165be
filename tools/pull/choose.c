/* choose.c - the files that `convert` would open, by their names. */
#include "choose.h"

#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "../convert/json_read.h"

static const char *const configs[] = {"config.json",
                                      "open_clip_config.json",
                                      "processor_config.json",
                                      "preprocessor_config.json",
                                      "tokenizer.json",
                                      "tokenizer_config.json",
                                      "vocab.json",
                                      "merges.txt",
                                      "vocab.txt",
                                      "added_tokens.json",
                                      "special_tokens_map.json",
                                      "spiece.model",
                                      "tokenizer.model",
                                      "bpe_simple_vocab_16e6.txt.gz"};

static const struct {
    const char *name;
    bool index, open_clip;
} weights[] = {
    {"model.safetensors", false, false},          {"model.safetensors.index.json", true, false},
    {"pytorch_model.bin", false, false},          {"pytorch_model.bin.index.json", true, false},
    {"open_clip_model.safetensors", false, true}, {"open_clip_pytorch_model.bin", false, true}};

void choose_configs(const struct hub_list *list, struct chosen *chosen)
{
    chosen->n = 0;
    for (size_t i = 0; i < sizeof configs / sizeof configs[0]; i++) {
        const struct hub_file *file = hub_find(list, configs[i]);
        if (file != NULL) {
            chosen->files[chosen->n++] = file;
        }
    }
}

/* Is there a config.json of transformers?  timm's, beside OpenCLIP's, is of an image tower only. */
static bool is_transformers(const char *folder)
{
    struct files files = {NULL, 0};
    char *path = files_join(folder, "config.json");
    json_t *root = path != NULL && files_exists(path) ? json_read_file(path, &files) : NULL;
    bool yes = json_object_get(root, "model_type") != NULL;

    json_decref(root);
    files_free(&files);
    free(path);
    return yes;
}

const struct hub_file *choose_weights(const struct hub_list *list, const char *folder, bool *index)
{
    size_t n = sizeof weights / sizeof weights[0];
    bool open_clip = hub_find(list, "open_clip_config.json") != NULL && !is_transformers(folder);

    for (size_t i = 0; i < 2 * n; i++) {
        const struct hub_file *file = hub_find(list, weights[i % n].name);
        if (file != NULL && (i < n) == (weights[i % n].open_clip == open_clip)) {
            *index = weights[i % n].index;
            return file;
        }
    }
    return NULL;
}

static bool has(const struct chosen *chosen, const struct hub_file *file)
{
    for (size_t i = 0; i < chosen->n; i++) {
        if (chosen->files[i] == file) {
            return true;
        }
    }
    return false;
}

int choose_shards(const struct hub_list *list, const char *path, struct chosen *chosen)
{
    struct files files = {NULL, 0};
    json_t *root = json_read_file(path, &files), *shard;
    int status = root != NULL ? CLIPC_OK : CLIPC_ERROR_FORMAT;
    const char *tensor;

    chosen->n = 0;
    json_object_foreach(json_object_get(root, "weight_map"), tensor, shard)
    {
        const char *name = json_string_value(shard);
        const struct hub_file *file = name != NULL ? hub_find(list, name) : NULL;
        if (status != CLIPC_OK || (file != NULL && has(chosen, file))) {
            continue;
        }
        if (file == NULL) {
            status = base_fail(CLIPC_ERROR_FORMAT,
                               "%s: '%.100s' is in '%.100s', which is not in the repository", path,
                               tensor, name != NULL ? name : "no file");
        } else if (chosen->n == CHOOSE_MOST) {
            status =
                base_fail(CLIPC_ERROR_LIMIT, "%s: names more than %d files", path, CHOOSE_MOST);
        } else {
            chosen->files[chosen->n++] = file;
        }
    }
    if (status == CLIPC_OK && chosen->n == 0) {
        status = base_fail(CLIPC_ERROR_FORMAT, "%s: no weight_map", path);
    }
    json_decref(root);
    files_free(&files);
    return status;
}
