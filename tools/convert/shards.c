/* shards.c - files of tensors side by side, as one checkpoint. */
#include "shards.h"

#include <stdlib.h>
#include <string.h>

#include "container.h"
#include "json_read.h"

#define MAX_SHARDS 1000

struct shards {
    struct container files[MAX_SHARDS];
    size_t n;
};

static void close_shards(struct checkpoint *c)
{
    struct shards *s = c->data;

    for (size_t i = 0; i < s->n; i++) {
        container_close(&s->files[i]);
    }
    free(s);
    free(c->tensors);
}

static void release_shards(const struct checkpoint *c)
{
    const struct shards *s = c->data;

    for (size_t i = 0; i < s->n; i++) {
        base_map_release(&s->files[i].map);
    }
}

static int open_shard(struct shards *s, const char *path, struct files *files)
{
    int status = files_add(files, path);

    if (status == CLIPC_OK) {
        status = container_open(path, &s->files[s->n]);
    }
    s->n += status == CLIPC_OK;
    return status;
}

static struct shards *begin(struct checkpoint *c)
{
    struct shards *s = calloc(1, sizeof *s);

    c->data = s;
    c->close = s != NULL ? close_shards : NULL;
    c->release = release_shards;
    return s;
}

static int by_name(const void *a, const void *b)
{
    const struct tensor *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

/* The list of all tensors, each name once, or everything undone. */
static int finish(struct checkpoint *c, const char *path, int status)
{
    struct shards *s = c->data;
    size_t n = 0;

    for (size_t i = 0; status == CLIPC_OK && i < s->n; i++) {
        n += s->files[i].n;
    }
    if (status == CLIPC_OK && (c->tensors = malloc((n + 1) * sizeof *c->tensors)) == NULL) {
        status = base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", path);
    }
    for (size_t i = 0; status == CLIPC_OK && i < s->n; i++) {
        for (size_t j = 0; j < s->files[i].n; j++) {
            c->tensors[c->n++] = &s->files[i].tensors[j];
        }
    }
    if (status == CLIPC_OK) {
        qsort(c->tensors, c->n, sizeof *c->tensors, by_name);
        c->path = s->files[0].path;
        c->torch = s->files[0].torch;
        c->scripted = s->files[0].scripted;
        c->quick_gelu = s->files[0].quick_gelu;
        c->gelu = s->files[0].gelu;
    }
    for (size_t i = 1; status == CLIPC_OK && i < c->n; i++) {
        if (by_name(&c->tensors[i - 1], &c->tensors[i]) == 0) {
            status = base_fail(CLIPC_ERROR_FORMAT, "%s: tensor '%.120s' is there twice", path,
                               c->tensors[i]->name);
        }
    }
    if (status != CLIPC_OK) {
        close_shards(c);
        memset(c, 0, sizeof *c);
    }
    return status;
}

int shards_open_one(const char *path, struct files *files, struct checkpoint *c)
{
    struct shards *s = begin(c);

    return s != NULL ? finish(c, path, open_shard(s, path, files))
                     : base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", path);
}

/* The file that holds `tensor`, unless it is open already. */
static int open_named(struct shards *s, const char *folder, const char *index, const char *tensor,
                      const json_t *file, struct files *files)
{
    const char *name = json_string_value(file);

    if (name == NULL || strchr(name, '/') != NULL) {
        return base_fail(CLIPC_ERROR_FORMAT, "%s: '%.100s' is in no file of the folder", index,
                         tensor);
    }
    char *path = files_join(folder, name);
    int status = path != NULL ? CLIPC_OK : CLIPC_ERROR_MEMORY;
    bool open = false;
    for (size_t i = 0; path != NULL && i < s->n && !open; i++) {
        open = strcmp(s->files[i].path, path) == 0;
    }
    if (status == CLIPC_OK && !open) {
        status = s->n < MAX_SHARDS ? open_shard(s, path, files)
                                   : base_fail(CLIPC_ERROR_FORMAT, "%s: names more than %d files",
                                               index, MAX_SHARDS);
    }
    free(path);
    return status;
}

int shards_open_index(const char *folder, const char *index, struct files *files,
                      struct checkpoint *c)
{
    struct shards *s = begin(c);
    json_t *root = s != NULL ? json_read_file(index, files) : NULL, *file;
    const char *tensor;
    int status = CLIPC_OK;

    if (s == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", index);
    }
    if (root == NULL) {
        status = CLIPC_ERROR_FORMAT;
    }
    json_object_foreach(json_object_get(root, "weight_map"), tensor, file)
    {
        if (status == CLIPC_OK) {
            status = open_named(s, folder, index, tensor, file, files);
        }
    }
    if (status == CLIPC_OK && s->n == 0) {
        status = base_fail(CLIPC_ERROR_FORMAT, "%s: no weight_map", index);
    }
    json_decref(root);
    return finish(c, index, status);
}
