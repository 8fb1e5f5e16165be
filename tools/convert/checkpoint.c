/* checkpoint.c - the way to a checkpoint's tensors: a path to a file, a file to its container. */
#include "checkpoint.h"

#include <stdlib.h>
#include <string.h>

#include "folder.h"
#include "../cli/probe.h"
#include "safetensors.h"
#include "shards.h"

/* A file that should be a container: which, or the sentence what it is instead. */
static int open_file(const char *path, struct files *files, struct checkpoint *c)
{
    struct probe p;
    int status = probe_file(path, &p);

    if (status != CLIPC_OK) {
        return status;
    }
    return p.kind == PROBE_SAFETENSORS ? shards_open_one(path, files, c)
                                       : probe_refuse(path, &p, "a safetensors file");
}

static int open_folder(const char *path, struct files *files, struct checkpoint *c)
{
    char *one = files_join(path, "model.safetensors");
    char *index = files_join(path, "model.safetensors.index.json");
    int status = CLIPC_ERROR_MEMORY;

    if (one != NULL && index != NULL) {
        status = files_exists(one)     ? open_file(one, files, c)
                 : files_exists(index) ? shards_open_index(path, index, files, c)
                                       : folder_without_weights(path);
    }
    free(one);
    free(index);
    return status;
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
