#include "text.h"

#include <string.h>

#include "../../kernels/pack.h"

int text_bind(struct text *t, const struct weights *w)
{
    const struct format_header *h = &w->header;
    const struct format_record *tokens = weights_find(w, "text.token_embedding");

    memset(t, 0, sizeof *t);
    t->context = h->text.positions;
    t->vocab_size = h->vocab_size;
    t->eot_id = (int32_t)h->eot_id;
    t->pool = (enum format_pool)h->text.pool;
    t->token_embedding = weights_data(w, tokens);
    t->token_dtype = (enum format_dtype)tokens->dtype;
    t->positional_embedding = weights_data(w, weights_find(w, "text.positional_embedding"));
    transformer_bind_layer_norm(&t->ln_post, w, "text.ln_post", h->text.ln_eps);
    transformer_bind_linear(&t->projection, w, "text.projection", false);
    return transformer_bind(&t->blocks, w, "text", &h->text);
}

void text_free(struct text *t)
{
    transformer_free(&t->blocks);
}

int text_each_linear(struct text *t, transformer_linear_fn fn, void *arg)
{
    int status = transformer_each_linear(&t->blocks, fn, arg);

    return status == CLIPC_OK ? fn(arg, &t->projection) : status;
}

void text_layout(const struct text *t, size_t batch, struct arena *arena, struct text_buffers *b)
{
    b->starts = arena_take(arena, batch + 1, sizeof *b->starts);
    b->pooled = arena_take(arena, batch, sizeof *b->pooled);
    transformer_layout(&t->blocks, batch * t->context, 0, arena, &b->a);
}

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

/* Position of the row that stands for the whole text. */
static size_t pooled_position(const struct text *t, const int32_t *ids, size_t length)
{
    size_t best = 0;

    for (size_t i = 0; i < length; i++) {
        if (t->pool == FORMAT_POOL_FIRST_EOT && ids[i] == t->eot_id) {
            return i;
        }
        if (t->pool == FORMAT_POOL_ARGMAX && ids[i] > ids[best]) {
            best = i;
        }
    }
    return best; /* no end token at all: the reference pools row 0 */
}

static void embed_row(const struct text *t, int32_t id, const float *position, float *x)
{
    size_t width = t->blocks.width, row = (size_t)id * width;

    if (t->token_dtype == FORMAT_F16) {
        const uint16_t *token = (const uint16_t *)t->token_embedding + row;
        for (size_t j = 0; j < width; j++) {
            x[j] = pack_f16_to_f32(token[j]) + position[j];
        }
    } else {
        const float *token = (const float *)t->token_embedding + row;
        for (size_t j = 0; j < width; j++) {
            x[j] = token[j] + position[j];
        }
    }
}

/* Token rows without and with positions, of the first text. */
static void trace_embeddings(const struct text *t, const struct engine *e,
                             const struct text_buffers *b, const int32_t *ids, size_t length)
{
    size_t width = t->blocks.width;

    if (e->trace != NULL) {
        memset(e->trace_buffer, 0, width * sizeof(float)); /* a position of zeros */
        for (size_t i = 0; i < length; i++) {
            embed_row(t, ids[i], e->trace_buffer, e->trace_buffer + (i + 1) * b->a.x_stride);
        }
        transformer_trace(e, "text", -1, "00_token_embed", e->trace_buffer + b->a.x_stride, length,
                          width, b->a.x_stride);
        transformer_trace(e, "text", -1, "01_embeddings", b->a.x, length, width, b->a.x_stride);
    }
}

/* ln_post of every row of the first text, of which the pass itself needs only the pooled one. */
static void trace_ln_post(const struct text *t, const struct engine *e,
                          const struct text_buffers *b)
{
    if (e->trace != NULL) {
        size_t bytes = b->starts[1] * b->a.x_stride * sizeof(float);
        memcpy(e->trace_buffer, b->a.x, bytes);
        transformer_layer_norm(e, &t->ln_post, e->trace_buffer, b->a.x_stride, b->starts[1],
                               t->blocks.width);
        transformer_trace(e, "text", -1, "98_ln_final", e->trace_buffer, b->starts[1],
                          t->blocks.width, b->a.x_stride);
    }
}

void text_forward(const struct text *t, const struct engine *e, const struct text_buffers *b,
                  const int32_t *tokens, size_t stride, const uint32_t *lengths, size_t n,
                  bool full_context, float *embeddings)
{
    size_t width = t->blocks.width, embed_dim = t->projection.w.out, x_stride = b->a.x_stride;

    b->starts[0] = 0;
    for (size_t i = 0; i < n; i++) {
        const int32_t *ids = tokens + i * stride;
        b->pooled[i] = (uint32_t)pooled_position(t, ids, lengths[i]);
        size_t length = full_context || !t->blocks.causal ? lengths[i] : b->pooled[i] + 1u;
        b->starts[i + 1] = b->starts[i] + (uint32_t)length;
        for (size_t j = 0; j < length; j++) {
            embed_row(t, ids[j], t->positional_embedding + j * width,
                      b->a.x + (b->starts[i] + j) * x_stride);
        }
    }
    trace_embeddings(t, e, b, tokens, b->starts[1]);
    transformer_forward(&t->blocks, e, &b->a, b->starts, n, "text");
    trace_ln_post(t, e, b);

    for (size_t i = 0; i < n; i++) {
        memcpy(b->a.attn + i * x_stride, b->a.x + (b->starts[i] + b->pooled[i]) * x_stride,
               width * sizeof(float));
    }
    transformer_layer_norm(e, &t->ln_post, b->a.attn, x_stride, n, width);
    transformer_linear(e, &t->projection, NULL, b->a.attn, x_stride, n, KERNELS_LINEAR, NULL,
                       embeddings, embed_dim);
    transformer_trace(e, "text", -1, "99_projected", embeddings, 1, embed_dim, embed_dim);
}
