/* text.c - the text tower: openai/CLIP clip/model.py, CLIP.encode_text; Radford et al. 2021,
 * section 2.4: a causal transformer (that of GPT-2) whose last layer at the end token stands for
 * the text.
 *
 *     x_i = token_embedding[id_i] + positional_embedding[i]     text_embed
 *     x = block_l(x), row i seeing rows 0 .. i                  transformer_forward
 *     y = projection(ln_post(x[end token]))                     pool_project; W_t of figure 3
 *
 * Positions are learned, one row for each (Vaswani et al. 2017, section 3.5, name both kinds). */
#include "text.h"

#include "../../kernels/pack.h"
#include "../base/base.h"
#include "pool.h"

/* An id from outside is an index into the table: it is checked here, once, and nowhere below. */
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

/* The table is [vocab_size, width] as it stands in the file, row by row and not in panels: a lookup
 * reads one row of 49408, where a multiplication reads all.  f16 and bf16 widen exactly. */
void text_token_row(const struct text *t, int32_t id, float *x)
{
    pack_table_row(x, (enum kernels_dtype)t->token_dtype, t->token_embedding, (size_t)id,
                   t->blocks.width);
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

/* Texts are packed one behind the other: text i is rows starts[i] .. starts[i + 1] - 1 of x, no
 * padding between.  Rows behind the pooled one would be computed for nothing: under a causal mask
 * it cannot see them.  "a photo of a cat" has 7 ids of 77, so that is a tenth of the reference's
 * work, which pads each text to the context.  The bits are the same: kernels/kernels.h's rule says
 * that a row's sums do not depend on how many rows there are. */
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

/* The whole tower; there is no ln_pre in front of these blocks.  The reference normalises all rows
 * and then takes one; LayerNorm is done row by row, so that is the same vector. */
void text_forward(const struct text *t, const struct engine *e, const struct text_buffers *b,
                  const struct text_batch *batch, float *embeddings)
{
    const struct sequences s = text_embed(t, b, batch);

    transformer_forward_pooled(&t->blocks, e, &b->a, &s, b->pooled);
    engine_layer_norm(e, &t->ln_post, b->a.x, s.n, t->blocks.width);
    pool_project(e, &t->projection, b->a.x, s.n, t->blocks.width, embeddings);
}
