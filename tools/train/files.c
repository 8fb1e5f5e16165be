/* files.c - checkpoints, and the exported HuggingFace folder. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "train.h"

static int say(const char *path)
{
    fprintf(stderr, "clipc-train: %s: %s\n", path, strerror(errno));
    return -1;
}

/* fsync, close, rename over `path`. */
static int finish(FILE *f, const char *temporary, const char *path)
{
    if (fflush(f) != 0 || fsync(fileno(f)) != 0 || fclose(f) != 0 || rename(temporary, path) != 0) {
        return say(path);
    }
    return 0;
}

struct head {
    char magic[8];
    uint64_t total, step, seed;
    uint64_t steps, batch; /* of the whole run, which its course depends on */
    struct train_means means;
};

int train_save(const struct train *t)
{
    char path[4200], temporary[4300];
    struct head h = {"clipctrn",           t->layout.total,      (uint64_t)t->step, t->o.seed,
                     (uint64_t)t->o.steps, (uint64_t)t->o.batch, t->means};
    const float *all[] = {t->params, t->first, t->second, t->average};

    snprintf(path, sizeof path, "%s/checkpoint", t->o.folder);
    snprintf(temporary, sizeof temporary, "%s.part", path);
    FILE *f = fopen(temporary, "wb");
    if (f == NULL || fwrite(&h, sizeof h, 1, f) != 1) {
        return say(temporary);
    }
    for (int i = 0; i < 4; i++) {
        if (fwrite(all[i], sizeof(float), t->layout.total, f) != t->layout.total) {
            fclose(f);
            return say(temporary);
        }
    }
    return finish(f, temporary, path);
}

int train_load(struct train *t)
{
    char path[4200];
    struct head h;
    float *all[] = {t->params, t->first, t->second, t->average};

    if (mkdir(t->o.folder, 0777) != 0 && errno != EEXIST) {
        return say(t->o.folder);
    }
    snprintf(path, sizeof path, "%s/checkpoint", t->o.folder);
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        return errno == ENOENT ? 1 : say(path);
    }
    int good = fread(&h, sizeof h, 1, f) == 1 && memcmp(h.magic, "clipctrn", 8) == 0 &&
               h.total == t->layout.total && h.seed == t->o.seed &&
               h.steps == (uint64_t)t->o.steps && h.batch == (uint64_t)t->o.batch;
    for (int i = 0; i < 4 && good; i++) {
        good = fread(all[i], sizeof(float), t->layout.total, f) == t->layout.total;
    }
    fclose(f);
    if (!good) {
        fprintf(stderr,
                "clipc-train: %s: of another run (model, steps, batch or seed), or damaged: go on "
                "with that run's options, or take another folder\n",
                path);
        return -1;
    }
    t->step = (int)h.step;
    t->means = h.means;
    return 0;
}

/* ---- Export -------------------------------------------------------------------------------- */

static int write_safetensors(const struct train *t, const char *path)
{
    size_t room = (size_t)t->layout.n * 200 + 64, n = 0, at = 0;
    char *json = malloc(room), temporary[4400];
    uint64_t length;

    snprintf(temporary, sizeof temporary, "%s.part", path);
    FILE *f = fopen(temporary, "wb");
    if (json == NULL || f == NULL) {
        free(json);
        return say(temporary);
    }
    for (int i = 0; i < t->layout.exported; i++) {
        const struct model_tensor *p = &t->layout.tensors[i];
        size_t bytes = p->rows * p->cols * sizeof(float);
        n += (size_t)snprintf(json + n, room - n, "%s\"%s\": {\"dtype\": \"F32\", \"shape\": [",
                              i == 0 ? "{" : ", ", p->name);
        for (int d = 0; d < p->n_dims; d++) {
            n += (size_t)snprintf(json + n, room - n, "%s%zu", d == 0 ? "" : ", ", p->shape[d]);
        }
        n += (size_t)snprintf(json + n, room - n, "], \"data_offsets\": [%zu, %zu]}", at,
                              at + bytes);
        at += bytes;
    }
    n += (size_t)snprintf(json + n, room - n, "}");
    while (n % 8 != 0) {
        json[n++] = ' ';
    }
    length = n;
    int good = fwrite(&length, 8, 1, f) == 1 && fwrite(json, 1, n, f) == n &&
               fwrite(t->average, 1, at, f) == at;
    free(json);
    return good ? finish(f, temporary, path) : say(temporary);
}

static int write_text(const char *folder, const char *name, const char *text)
{
    char path[4300];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0) {
        return say(path);
    }
    return 0;
}

int train_export(const struct train *t)
{
    const struct model_config *c = &t->layout.config;
    char folder[4200], path[4300], text[1500];

    snprintf(folder, sizeof folder, "%s/hf", t->o.folder);
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
        return say(folder);
    }
    snprintf(
        text, sizeof text,
        "{\"architectures\": [\"CLIPModel\"], \"model_type\": \"clip\", \"projection_dim\": %d,\n"
        " \"text_config\": {\"hidden_size\": %d, \"intermediate_size\": %d, \"num_hidden_layers\": "
        "%d,\n"
        "  \"num_attention_heads\": %d, \"max_position_embeddings\": %d, \"vocab_size\": %d,\n"
        "  \"bos_token_id\": %d, \"eos_token_id\": %d, \"hidden_act\": \"quick_gelu\"},\n"
        " \"vision_config\": {\"hidden_size\": %d, \"intermediate_size\": %d, "
        "\"num_hidden_layers\": "
        "%d,\n  \"num_attention_heads\": %d, \"image_size\": %d, \"patch_size\": %d,\n"
        "  \"hidden_act\": \"quick_gelu\"}}\n",
        c->embed, c->text.width, c->text.mlp, c->text.layers, c->text.heads, c->text.tokens,
        c->vocab, c->vocab - 2, c->vocab - 1, c->vision.width, c->vision.mlp, c->vision.layers,
        c->vision.heads, c->image, c->patch);
    if (write_text(folder, "config.json", text) != 0) {
        return -1;
    }
    snprintf(text, sizeof text,
             "{\"do_resize\": true, \"size\": {\"shortest_edge\": %d}, \"resample\": 3,\n"
             " \"do_center_crop\": true, \"crop_size\": {\"height\": %d, \"width\": %d},\n"
             " \"do_normalize\": true, \"image_mean\": [0.5, 0.5, 0.5], \"image_std\": [0.5, 0.5, "
             "0.5]}\n",
             c->image, c->image, c->image);
    if (write_text(folder, "preprocessor_config.json", text) != 0) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    return vocabulary_write(&t->vocabulary, folder) != 0 ? say(folder) : write_safetensors(t, path);
}
