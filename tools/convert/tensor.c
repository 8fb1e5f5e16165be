/* tensor.c - a tensor's elements in order, however they lie. */
#include "tensor.h"

#include <stdbool.h>
#include <string.h>

void tensor_set_strides(struct tensor *t)
{
    uint64_t stride = 1;

    for (size_t i = t->n_dims; i-- > 0;) {
        t->stride[i] = stride;
        stride *= t->shape[i];
    }
}

uint64_t tensor_count(const struct tensor *t)
{
    uint64_t n = 1;

    for (size_t i = 0; i < t->n_dims; i++) {
        n *= t->shape[i];
    }
    return n;
}

struct tensor tensor_transposed(const struct tensor *t)
{
    struct tensor other = *t;

    for (size_t i = 0; i < 2; i++) {
        other.shape[i] = t->shape[1 - i];
        other.stride[i] = t->stride[1 - i];
    }
    return other;
}

static bool is_row_major(const struct tensor *t)
{
    struct tensor plain = *t;

    tensor_set_strides(&plain);
    return memcmp(plain.stride, t->stride, t->n_dims * sizeof *t->stride) == 0;
}

void tensor_copy(const struct tensor *t, uint64_t first, size_t n, unsigned char *to)
{
    size_t bytes = t->bits / 8;
    uint64_t at[TENSOR_MAX_DIMS] = {0}, place = 0;

    if (n > 0 && is_row_major(t)) {
        memcpy(to, t->data + first * bytes, n * bytes);
        return;
    }
    for (size_t i = t->n_dims; i-- > 0 && first > 0;) {
        at[i] = first % t->shape[i];
        first /= t->shape[i];
        place += at[i] * t->stride[i];
    }
    for (size_t k = 0; k < n; k++) {
        memcpy(to + k * bytes, t->data + place * bytes, bytes);
        for (size_t i = t->n_dims; i-- > 0;) { /* the next place, as an odometer has it */
            place += t->stride[i];
            if (++at[i] < t->shape[i]) {
                break;
            }
            place -= t->shape[i] * t->stride[i];
            at[i] = 0;
        }
    }
}
