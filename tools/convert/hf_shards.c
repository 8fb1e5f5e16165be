#include "hf_shards.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "json_read.h"

#define MAX_SHARDS 1000

struct hf_shards *hf_shards_new(void)
{
    struct hf_shards *hf = calloc(1, sizeof *hf);

    if (hf != NULL && (hf->files = calloc(MAX_SHARDS, sizeof *hf->files)) == NULL) {
        free(hf);
        hf = NULL;
    }
    return hf;
}

void hf_shards_free(struct hf_shards *hf)
{
    for (size_t i = 0; i < hf->n; i++) {
        safetensors_close(&hf->files[i]);
    }
    free(hf->files);
    free(hf);
}

const struct safetensor *hf_shards_find(const struct hf_shards *hf, const char *name)
{
    for (size_t i = 0; i < hf->n; i++) {
        const struct safetensor *t = safetensors_find(&hf->files[i], name);
        if (t != NULL) {
            return t;
        }
    }
    return NULL;
}

static int open_shard(struct hf_shards *hf, struct source *s, const char *path)
{
    int status = safetensors_open(path, &hf->files[hf->n]);

    if (status == CLIPC_OK) {
        hf->n++;
        status = source_note_file(s, path);
    }
    return status;
}

/* model.safetensors.index.json: {"weight_map": {tensor: file}}. */
static int open_index(struct hf_shards *hf, struct source *s, const char *folder, const char *index)
{
    json_t *root = json_read_file(index), *file;
    const char *tensor;
    int status = root != NULL ? CLIPC_OK : CLIPC_ERROR_FORMAT;

    json_object_foreach(json_object_get(root, "weight_map"), tensor, file)
    {
        char path[4400];
        const char *name = json_string_value(file);
        bool known = false;
        if (status != CLIPC_OK) {
            break;
        }
        if (name == NULL || strchr(name, '/') != NULL || hf->n == MAX_SHARDS) {
            status = base_fail(CLIPC_ERROR_FORMAT, "%s: '%.100s' is in no file of the folder",
                               index, tensor);
            break;
        }
        snprintf(path, sizeof path, "%s/%.200s", folder, name);
        for (size_t i = 0; i < hf->n; i++) {
            known |= strcmp(hf->files[i].path, path) == 0;
        }
        if (!known) {
            status = open_shard(hf, s, path);
        }
    }
    if (status == CLIPC_OK && hf->n == 0) {
        status = base_fail(CLIPC_ERROR_FORMAT, "%s: no weight_map", index);
    }
    json_decref(root);
    return status;
}

int hf_shards_open(struct hf_shards *hf, struct source *s, const char *path, bool is_folder)
{
    char name[4300];
    struct stat st;

    if (!is_folder) {
        return open_shard(hf, s, path);
    }
    snprintf(name, sizeof name, "%s/model.safetensors", path);
    if (stat(name, &st) == 0) {
        return open_shard(hf, s, name);
    }
    snprintf(name, sizeof name, "%s/model.safetensors.index.json", path);
    if (stat(name, &st) == 0) {
        return open_index(hf, s, path, name);
    }
    return base_fail(CLIPC_ERROR_IO,
                     "%s: no model.safetensors or model.safetensors.index.json in this folder",
                     path);
}
