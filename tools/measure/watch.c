/* watch.c - clocks around kernels.  Nothing in a forward pass knows of them: the session's layers
 * get gemms, and its kernel set an attention and a layer norm, that call the real ones and look at
 * the clock before and behind.  Functions of a table carry no argument of their own, so what is
 * being watched is one variable. */
#include "watch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/model/bind.h"
#include "roof.h"

static struct watch *watched;

/* ---- The clocks around each kernel ---------------------------------------------------------- */

struct clocks {
    double wall, cpu;
};

static struct clocks look(void)
{
    return (struct clocks){base_seconds(), roof_cpu_seconds()};
}

/* A call of `part` ends: what it took goes to *seconds of the part. */
static void book(struct watch_part *part, struct clocks began, double *seconds, double operations)
{
    struct clocks now = look();

    pthread_mutex_lock(&watched->lock);
    if (part->begin < 0 || began.wall - watched->start < part->begin) {
        part->begin = began.wall - watched->start;
    }
    part->end = fmax(part->end, now.wall - watched->start);
    part->calls++;
    part->operations += operations;
    *seconds += now.cpu - began.cpu;
    pthread_mutex_unlock(&watched->lock);
}

static struct watch_part *part_of(const struct kernels_linear *w)
{
    size_t i = 0;

    while (i + 1 < watched->n &&
           (watched->parts[i].linear == NULL || watched->parts[i].linear->w.panels != w->panels)) {
        i++;
    }
    return &watched->parts[i];
}

static void timed_pack(const struct kernels_linear *w, void *packed, const float *x,
                       size_t x_stride, size_t rows, size_t row_begin, size_t row_end,
                       const struct kernels_layer_norm *ln)
{
    struct watch_part *part = part_of(w);
    struct clocks began = look();

    if (part->block >= 0 && strcmp(part->name, "attn_in") == 0) {
        pthread_mutex_lock(&watched->lock);
        watched->block = (size_t)part->block;
        pthread_mutex_unlock(&watched->lock);
    }
    part->real->act_pack(w, packed, x, x_stride, rows, row_begin, row_end, ln);
    book(part, began, &part->pack, 0);
}

static void timed_gemm(const struct kernels_linear *w, size_t panel_begin, size_t panel_end,
                       size_t rows, size_t row_begin, size_t row_end, const void *packed,
                       const struct kernels_epilogue *epilogue, void *scratch)
{
    struct watch_part *part = part_of(w);
    struct clocks began = look();
    size_t end = panel_end * KERNELS_PANEL < w->out ? panel_end * KERNELS_PANEL : w->out;

    part->real->gemm(w, panel_begin, panel_end, rows, row_begin, row_end, packed, epilogue,
                     scratch);
    book(part, began, &part->compute,
         2.0 * (double)(row_end - row_begin) * (double)(end - panel_begin * KERNELS_PANEL) * w->in);
}

/* Two products of dim for each key that a query sees. */
static double attention_operations(const struct kernels_attention *a)
{
    double seen = 0;

    for (size_t q = 0; q < a->queries; q++) {
        seen += (double)(a->causal ? a->first_query + q + 1 : a->rows);
    }
    return 4 * seen * (double)a->head_dim;
}

/* parts[0 .. layers - 1] are the blocks' attentions, the one behind them all layer norms. */
static void timed_attention(const struct kernels_attention *a, void *scratch)
{
    struct watch_part *part = &watched->parts[watched->block];
    struct clocks began = look();

    watched->real.attention(a, scratch);
    book(part, began, &part->compute, attention_operations(a));
}

static void timed_norm(float *y, const float *x, size_t n, const struct kernels_layer_norm *ln)
{
    struct watch_part *part = watched->parts;
    struct clocks began = look();

    while (strcmp(part->name, "layer_norm") != 0) {
        part++;
    }
    watched->real.layer_norm(y, x, n, ln);
    book(part, began, &part->compute, 0);
}

/* ---- What is watched ----------------------------------------------------------------------- */

struct naming {
    struct watch *t;
    const struct transformer *blocks;
    size_t layer; /* linear layers so far */
    bool image, map;
};

/* Names by the order of bind_each_vision and bind_each_text. */
static int watch_layer(void *arg, struct linear *l)
{
    static const char *const names[] = {"attn_in", "attn_out", "c_fc", "c_proj"};
    struct naming *n = arg;
    struct watch_part *part = &n->t->parts[n->t->n++];
    size_t i = n->layer++ - n->image, of_blocks = 4 * n->blocks->layers;
    bool head = n->map && i < of_blocks + 4;

    *part = (struct watch_part){.block = -1, .linear = l, .real = l->gemm, .timed = *l->gemm};
    if (n->image && n->layer == 1) {
        part->name = "patch_embed";
    } else {
        part->name = i < of_blocks || head ? names[i % 4] : "pool_project";
        part->block = i < of_blocks ? (int)(i / 4) : -1;
    }
    part->timed.act_pack = timed_pack;
    part->timed.gemm = timed_gemm;
    l->gemm = &part->timed;
    return CLIPC_OK;
}

bool watch_begin(struct watch *t, struct clipc_session *s, bool image)
{
    struct transformer *blocks = image ? &s->vision.blocks : &s->text.blocks;
    struct naming naming = {t, blocks, 0, image, image && s->vision.pool == FORMAT_POOL_MAP};
    size_t layers = blocks->layers;

    t->parts = calloc(5 * layers + 8, sizeof *t->parts);
    if (t->parts == NULL) {
        return false;
    }
    for (size_t i = 0; i <= layers; i++) {
        t->parts[i] = (struct watch_part){.name = i < layers ? "attention" : "layer_norm",
                                          .block = i < layers ? (int)i : -1};
    }
    t->n = layers + 1;
    if (image) {
        bind_each_vision(&s->vision, watch_layer, &naming);
    } else {
        bind_each_text(&s->text, watch_layer, &naming);
    }
    t->real = s->engine.k;
    s->engine.k.attention = timed_attention;
    s->engine.k.layer_norm = timed_norm;
    watched = t;
    return true;
}

void watch_reset(struct watch *t)
{
    for (size_t i = 0; i < t->n; i++) {
        struct watch_part *p = &t->parts[i];
        p->begin = -1;
        p->end = p->pack = p->compute = p->operations = 0;
        p->calls = 0;
    }
    t->start = base_seconds();
}
