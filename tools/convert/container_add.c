/* container_add.c - one more tensor: what all readers call, below the file that calls them. */
#include "container.h"

#include <stdlib.h>
#include <string.h>

int container_add(struct container *c, size_t *room, const char *name, size_t bytes)
{
    char *copy = malloc(bytes + 1);

    if (c->n == *room) {
        size_t more = *room < 64 ? 64 : 2 * *room;
        struct tensor *tensors = realloc(c->tensors, more * sizeof *tensors);
        if (tensors != NULL) {
            c->tensors = tensors;
            *room = more;
        }
    }
    if (copy == NULL || c->n == *room) {
        free(copy);
        return base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", c->path);
    }
    memset(&c->tensors[c->n], 0, sizeof *c->tensors);
    memcpy(copy, name, bytes);
    copy[bytes] = '\0';
    c->tensors[c->n++].name = copy;
    return CLIPC_OK;
}
