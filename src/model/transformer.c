/* transformer.c - the residual attention block, and the loop over it.
 *
 * Each line below is one line of the paper's figure.  LayerNorm has no line of its own: it is done
 * while a linear layer packs its input, as the activation and the residual sum are done while it
 * writes its output, so that no row is read or written once more than it must be. */
#include "transformer.h"

/* x += attn_out(attention(attn_in(ln_1(x)))): rows of a sequence look at one another. */
void transformer_attention(const struct transformer *t, const struct block *b,
                           const struct engine *e, const struct activations *a,
                           const struct sequences *s)
{
    size_t rows = s->starts[s->n];

    engine_linear(e, &b->attn_in, &b->ln_1, a->x, rows, KERNELS_LINEAR, a->qkv);
    engine_attention(e, &t->heads, a->qkv, s, a->attn);
    engine_linear_add(e, &b->attn_out, a->attn, rows, a->x);
}

/* x += c_proj(activation(c_fc(ln_2(x)))): each row by itself. */
void transformer_mlp(const struct transformer *t, const struct block *b, const struct engine *e,
                     const struct activations *a, const struct sequences *s)
{
    size_t rows = s->starts[s->n];

    engine_linear(e, &b->c_fc, &b->ln_2, a->x, rows, t->activation, a->hidden);
    engine_linear_add(e, &b->c_proj, a->hidden, rows, a->x);
}

void transformer_forward(const struct transformer *t, const struct engine *e,
                         const struct activations *a, const struct sequences *s)
{
    for (size_t i = 0; i < t->layers; i++) {
        transformer_attention(t, &t->blocks[i], e, a, s);
        transformer_mlp(t, &t->blocks[i], e, a, s);
    }
}
