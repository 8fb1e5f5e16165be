/* text.c - the text tower. */
#include "text.h"

#include <string.h>

#include "../../kernels/pack.h"
#include "../base/base.h"
#include "pool.h"

int text_check(const struct text *t, const int32_t *tokens, size_t n, size_t length)
{
    for (size_t i = 0; i < n * length; i++) {
        if (tokens[i] < 0 || (size_t)tokens[i] >= t->vocab_size) {
            return base_fail(CLIPC_ERROR_ARGUMENT,
                             "token id %d at row %zu, position %zu: ids are 0 to %zu",
                             (int)tokens[i], i / length, i % length, t->vocab_size - 1);
        }
    }
    return CLIPC_OK;
}

void text_token_row(const struct text *t, int32_t id, float *x)
{
    size_t width = t->blocks.width, row = (size_t)id * width;

    if (t->token_dtype == FORMAT_F16) {
        const uint16_t *token = (const uint16_t *)t->token_embedding + row;
        for (size_t j = 0; j < width; j++) {
            x[j] = pack_f16_to_f32(token[j]);
        }
    } else {
        memcpy(x, (const float *)t->token_embedding + row, width * sizeof(float));
    }
}

/* x[length, width] = token row + position, for each id. */
static void embed_ids(const struct text *t, const int32_t *ids, size_t length, struct rows x)
{
    size_t width = t->blocks.width;

    for (size_t i = 0; i < length; i++) {
        float *row = x.at + i * x.stride;
        const float *position = t->positional_embedding + i * width;
        text_token_row(t, ids[i], row);
        for (size_t j = 0; j < width; j++) {
            row[j] += position[j];
        }
    }
}

/* Rows behind the pooled one would be computed for nothing: under a causal mask it cannot see
 * them. */
struct sequences text_embed(const struct text *t, const struct text_buffers *b,
                            const struct text_batch *batch)
{
    b->starts[0] = 0;
    for (size_t i = 0; i < batch->n; i++) {
        const int32_t *ids = batch->tokens + i * batch->stride;
        size_t length = batch->lengths[i];
        size_t pooled = pool_position(t->pool, t->eot_id, ids, length);
        struct rows x = {b->a.x.at + b->starts[i] * b->a.x.stride, b->a.x.stride};

        if (t->blocks.heads.causal && !batch->full_context) {
            length = pooled + 1;
        }
        b->pooled[i] = (uint32_t)pooled;
        b->starts[i + 1] = b->starts[i] + (uint32_t)length;
        embed_ids(t, ids, length, x);
    }
    return (struct sequences){b->starts, batch->n};
}

/* LayerNorm is done row by row, so it need not be done for rows that are not pooled. */
void text_pool(const struct text *t, const struct engine *e, const struct text_buffers *b,
               const struct sequences *s, float *embeddings)
{
    const struct rows y = {embeddings, t->projection.w.out};

    pool_rows(b->a.x, s, b->pooled, t->blocks.width, b->a.attn);
    engine_layer_norm(e, &t->ln_post, b->a.attn, s->n, t->blocks.width);
    engine_linear(e, &t->projection, NULL, b->a.attn, s->n, KERNELS_LINEAR, y);
}

void text_forward(const struct text *t, const struct engine *e, const struct text_buffers *b,
                  const struct text_batch *batch, float *embeddings)
{
    const struct sequences s = text_embed(t, b, batch);

    transformer_forward(&t->blocks, e, &b->a, &s);
    text_pool(t, e, b, &s, embeddings);
}
