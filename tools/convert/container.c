/* container.c - a file to its reader. */
#include "container.h"

#include <stdlib.h>
#include <string.h>

#include "../cli/probe.h"

int container_open_memory(const char *what, const void *data, size_t size, struct container *c)
{
    struct probe p = probe_bytes(data, size);
    int status;

    memset(c, 0, sizeof *c);
    if (p.kind != PROBE_SAFETENSORS && p.kind != PROBE_TORCH) {
        return probe_refuse(what, &p, "a checkpoint");
    }
    c->path = strdup(what);
    if (c->path == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", what);
    }
    c->torch = p.kind == PROBE_TORCH;
    status = c->torch ? torch_read(data, size, c) : safetensors_read(data, size, c);
    if (status != CLIPC_OK) {
        container_close(c);
    }
    return status;
}

int container_open(const char *path, struct container *c)
{
    struct base_map map;
    int status = base_map_file(path, &map);

    memset(c, 0, sizeof *c);
    if (status == CLIPC_OK) {
        status = container_open_memory(path, map.data, map.size, c);
        if (status == CLIPC_OK) {
            c->map = map;
        } else {
            base_unmap(&map);
        }
    }
    return status;
}

void container_close(struct container *c)
{
    for (size_t i = 0; i < c->n; i++) {
        free(c->tensors[i].name);
    }
    free(c->tensors);
    free(c->path);
    base_unmap(&c->map);
    memset(c, 0, sizeof *c);
}
