/* checkpoint.c - the way to a checkpoint's tensors: a path to a file, a file to its container. */
#include "checkpoint.h"

#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "folder.h"
#include "../cli/probe.h"
#include "shards.h"

/* A file that should be a container: which, or the sentence what it is instead. */
static int open_file(const char *path, struct files *files, struct checkpoint *c)
{
    struct probe p;
    int status = probe_file(path, &p);

    if (status != CLIPC_OK) {
        return status;
    }
    if (p.kind == PROBE_SAFETENSORS || p.kind == PROBE_TORCH) {
        return shards_open_one(path, files, c);
    }
    const char *dot = strrchr(path, '.');
    if (p.what == NULL && dot != NULL && strcmp(dot, ".safetensors") == 0) {
        return base_fail(
            CLIPC_ERROR_FORMAT,
            "%s: not a safetensors file, or damaged: one begins with 8 bytes that are the "
            "length of the JSON object behind them; fetch it again",
            path);
    }
    return probe_refuse(path, &p, "a safetensors file or a PyTorch checkpoint");
}

/* What a folder of a model holds, the better one first; an index names several files. */
static const struct {
    const char *name;
    bool index;
} known[] = {{"model.safetensors", false},           {"model.safetensors.index.json", true},
             {"pytorch_model.bin", false},           {"pytorch_model.bin.index.json", true},
             {"open_clip_model.safetensors", false}, {"open_clip_pytorch_model.bin", false}};

static int open_folder(const char *path, struct files *files, struct checkpoint *c)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        char *file = files_join(path, known[i].name);
        if (file == NULL) {
            return CLIPC_ERROR_MEMORY;
        }
        bool there = files_exists(file);
        int status = !there           ? CLIPC_OK
                     : known[i].index ? shards_open_index(path, file, files, c)
                                      : open_file(file, files, c);
        free(file);
        if (there) {
            return status;
        }
    }
    return folder_without_weights(path);
}

int checkpoint_open(const char *path, struct files *files, struct checkpoint *c)
{
    memset(c, 0, sizeof *c);
    return files_is_folder(path) ? open_folder(path, files, c) : open_file(path, files, c);
}

void checkpoint_close(struct checkpoint *c)
{
    if (c->close != NULL) {
        c->close(c);
    }
    free(c->renamed);
    memset(c, 0, sizeof *c);
}

size_t checkpoint_find(const struct checkpoint *c, const char *name)
{
    size_t low = 0, high = c->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, c->tensors[middle]->name);
        if (order == 0) {
            return middle;
        }
        low = order > 0 ? middle + 1 : low;
        high = order < 0 ? middle : high;
    }
    return c->n;
}

const char *checkpoint_nearest(const struct checkpoint *c, const char *name)
{
    const char *best = "";
    size_t most = 0, n = strlen(name);

    for (size_t i = 0; i < c->n; i++) {
        const char *other = c->tensors[i]->name;
        size_t head = 0, tail = 0, m = strlen(other);
        while (head < n && head < m && name[head] == other[head]) {
            head++;
        }
        while (head + tail < n && head + tail < m && name[n - 1 - tail] == other[m - 1 - tail]) {
            tail++;
        }
        if (head + tail > most) {
            most = head + tail;
            best = other;
        }
    }
    return best;
}
