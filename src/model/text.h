/* text.h - the text tower: token rows, positions -> blocks -> the end token's row -> ln_post ->
 * projection.  Source: openai/CLIP clip/model.py, CLIP.encode_text.
 *
 * The mask is causal, so nothing behind the end token can reach its row: only the positions up to
 * it are computed, and texts of a batch are packed one behind the other without padding. */
#ifndef CLIPC_TEXT_H
#define CLIPC_TEXT_H

#include "../../weights/format.h"
#include "transformer.h"

struct text {
    size_t context, vocab_size;
    int32_t eot_id;
    enum format_pool pool;
    const void *token_embedding; /* [vocab_size, width], f32, f16 or bf16 */
    enum format_dtype token_dtype;
    const float *positional_embedding; /* [context, width] */
    struct kernels_layer_norm ln_post; /* [width]; the papers' ln_final */
    struct transformer blocks;
    size_t embed_dim;
    struct linear projection; /* [embed_dim, width]; panels NULL: none, width = embed_dim */
};

struct text_buffers {
    struct activations a;
    uint32_t *starts; /* [batch + 1] */
    uint32_t *pooled; /* [batch], position of the pooled row within its text */
};

/* Are all ids of tokens: [n, length] within the vocabulary?  0, or CLIPC_ERROR_ARGUMENT. */
int text_check(const struct text *t, const int32_t *tokens, size_t n, size_t length);

/* What a batch of texts is: row i of tokens: [n, stride] has lengths[i] ids; n <= batch.
 * full_context: compute all positions, not only those up to the pooled one (the same vector). */
struct text_batch {
    const int32_t *tokens;
    size_t stride;
    const uint32_t *lengths;
    size_t n;
    bool full_context;
};

/* embeddings: [n, embed_dim]. */
void text_forward(const struct text *t, const struct engine *e, const struct text_buffers *b,
                  const struct text_batch *batch, float *embeddings);

/* Its first step, for trace.c: a.x = token rows with positions, b->pooled.  Returns the
 * sequences. */
struct sequences text_embed(const struct text *t, const struct text_buffers *b,
                            const struct text_batch *batch);

/* x[width] = the row of token `id` in the table, widened. */
void text_token_row(const struct text *t, int32_t id, float *x);

#endif
