/* map.c - a block whose only query is the probe:
 *
 *     y = attn_out(attention(probe; x))
 *     y += c_proj(activation(c_fc(ln_2(y))))
 *
 * The probe's own row is no part of y: there is no residual sum in the first line. */
#include "map.h"

#include <string.h>

void map_pool(const struct map_head *m, const struct transformer *t, const struct engine *e,
              const struct activations *a, const struct sequences *s, const uint32_t *positions)
{
    const struct block *b = &m->block;
    const size_t width = t->width;

    engine_linear_columns(e, &b->attn_in, NULL, a->x, s->starts[s->n], width, 3 * width, a->qkv);
    for (size_t i = 0; i < s->n; i++) { /* all x is in qkv now */
        memcpy(a->x.at + i * a->x.stride, m->probe, width * sizeof(float));
    }
    engine_linear_columns(e, &b->attn_in, NULL, a->x, s->n, 0, width, a->attn);
    engine_attention_at(e, &t->heads, a->attn, a->qkv, s, positions, a->attn);
    engine_linear(e, &b->attn_out, NULL, a->attn, s->n, KERNELS_LINEAR, a->x);
    transformer_mlp(t, b, e, a, s->n);
}
