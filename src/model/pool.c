/* pool.c - which row stands for a text, and copying such rows together.  A new pooling is a value
 * of enum format_pool and a case here. */
#include "pool.h"

#include <string.h>

size_t pool_position(enum format_pool pool, int32_t eot_id, const int32_t *ids, size_t n)
{
    size_t best = 0;

    for (size_t i = 0; i < n; i++) {
        if (pool == FORMAT_POOL_FIRST_EOT && ids[i] == eot_id) {
            return i;
        }
        if (pool == FORMAT_POOL_ARGMAX && ids[i] > ids[best]) { /* > keeps the first of equals */
            best = i;
        }
    }
    return best;
}

void pool_rows(struct rows x, const struct sequences *s, const uint32_t *positions, size_t width,
               struct rows y)
{
    for (size_t i = 0; i < s->n; i++) {
        memcpy(y.at + i * y.stride, x.at + (s->starts[i] + positions[i]) * x.stride,
               width * sizeof(float));
    }
}
