#include "transformer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- Binding: names to pointers ------------------------------------------------------------ */

static const struct format_record *find(const struct weights *w, const char *name,
                                        const char *suffix)
{
    char full[64];

    snprintf(full, sizeof full, "%s%s", name, suffix);
    return weights_find(w, full);
}

void transformer_bind_linear(struct linear *l, const struct weights *w, const char *name,
                             bool has_bias)
{
    const struct format_record *r = find(w, name, ".weight");

    memset(l, 0, sizeof *l);
    l->w.panels = weights_data(w, r);
    l->w.out = r->rows;
    l->w.in = r->cols;
    l->w.out_padded = r->rows_padded;
    l->w.in_padded = r->cols_padded;
    l->w.dtype = (enum kernels_dtype)r->dtype;
    l->bias = has_bias ? weights_data(w, find(w, name, ".bias")) : NULL;
}

void transformer_bind_layer_norm(struct kernels_layer_norm *ln, const struct weights *w,
                                 const char *name, float eps)
{
    ln->gamma = weights_data(w, find(w, name, ".weight"));
    ln->beta = weights_data(w, find(w, name, ".bias"));
    ln->eps = eps;
}

static void bind_block(struct block *b, const struct weights *w, const char *tower, size_t layer,
                       float eps)
{
    const struct {
        const char *name;
        struct linear *l;
    } linears[] = {{"attn_in", &b->attn_in},
                   {"attn_out", &b->attn_out},
                   {"c_fc", &b->c_fc},
                   {"c_proj", &b->c_proj}};
    char name[64];

    for (size_t i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "%s.%02zu.%s", tower, layer, linears[i].name);
        transformer_bind_linear(linears[i].l, w, name, true);
    }
    snprintf(name, sizeof name, "%s.%02zu.ln_1", tower, layer);
    transformer_bind_layer_norm(&b->ln_1, w, name, eps);
    snprintf(name, sizeof name, "%s.%02zu.ln_2", tower, layer);
    transformer_bind_layer_norm(&b->ln_2, w, name, eps);
}

int transformer_bind(struct transformer *t, const struct weights *w, const char *tower,
                     const struct format_tower *header)
{
    memset(t, 0, sizeof *t);
    t->width = header->width;
    t->heads = header->heads;
    t->head_dim = header->width / header->heads;
    t->layers = header->layers;
    t->mlp_width = header->mlp_width;
    t->activation = (enum kernels_activation)header->activation;
    t->causal = (header->flags & FORMAT_CAUSAL) != 0;
    t->blocks = base_alloc(t->layers * sizeof *t->blocks);
    if (t->blocks == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "session: no memory for %zu blocks", t->layers);
    }
    for (size_t i = 0; i < t->layers; i++) {
        bind_block(&t->blocks[i], w, tower, i, header->ln_eps);
    }
    return CLIPC_OK;
}

void transformer_free(struct transformer *t)
{
    base_free(t->blocks);
    t->blocks = NULL;
}

int transformer_each_linear(struct transformer *t, transformer_linear_fn fn, void *arg)
{
    for (size_t i = 0; i < t->layers; i++) {
        struct block *b = &t->blocks[i];
        struct linear *all[] = {&b->attn_in, &b->attn_out, &b->c_fc, &b->c_proj};
        for (size_t j = 0; j < 4; j++) {
            int status = fn(arg, all[j]);
            if (status != CLIPC_OK) {
                return status;
            }
        }
    }
    return CLIPC_OK;
}

void transformer_layout(const struct transformer *t, size_t rows, size_t hidden_width,
                        struct arena *arena, struct activations *a)
{
    size_t wide = t->mlp_width > hidden_width ? t->mlp_width : hidden_width;

    a->x_stride = base_round_up(t->width, KERNELS_PAD);
    a->qkv_stride = base_round_up(3 * t->width, KERNELS_PAD);
    a->hidden_stride = base_round_up(wide, KERNELS_PAD);
    a->x = arena_take(arena, rows, a->x_stride * sizeof(float));
    size_t start = arena->used, end;
    a->qkv = arena_take(arena, rows, a->qkv_stride * sizeof(float));
    a->attn = arena_take(arena, rows, a->x_stride * sizeof(float));
    end = arena->used;
    arena->used = start; /* hidden is written when qkv and attn have been read for the last time */
    a->hidden = arena_take(arena, rows, a->hidden_stride * sizeof(float));
    arena->used = arena->used > end ? arena->used : end;
}

/* ---- One linear layer, cut for the workers ------------------------------------------------- */

struct linear_job {
    const struct engine *e;
    const struct linear *l;
    const struct kernels_layer_norm *ln;
    const float *x;
    size_t x_stride, rows;
    size_t pack_rows;                /* rows of one packing task */
    size_t group_rows, group_panels; /* rows and panels of one gemm task */
    size_t panel_groups, panels;
    struct kernels_epilogue epilogue;
};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void pack_task(void *arg, size_t i, int worker)
{
    const struct linear_job *job = arg;
    size_t begin = i * job->pack_rows;

    (void)worker;
    job->l->gemm->act_pack(&job->l->w, job->e->packed, job->x, job->x_stride, job->rows, begin,
                           smaller(begin + job->pack_rows, job->rows), job->ln);
}

static void gemm_task(void *arg, size_t i, int worker)
{
    const struct linear_job *job = arg;
    size_t row = i / job->panel_groups * job->group_rows;
    size_t panel = i % job->panel_groups * job->group_panels;

    job->l->gemm->gemm(&job->l->w, panel, smaller(panel + job->group_panels, job->panels),
                       job->rows, row, smaller(row + job->group_rows, job->rows), job->e->packed,
                       &job->epilogue, job->e->scratch + (size_t)worker * job->e->scratch_bytes);
}

/* Activation rows that one gemm task reads again for each of its panels should stay in half of a
 * 2 MiB second-level cache; the smallest caches in use (256 KiB) still hold some panels' worth. */
#define GEMM_GROUP_BYTES (1u << 20)

/* Several times as many tasks as workers, so that one that the system delays holds up little. */
#define TASKS_PER_WORKER 4

void transformer_linear(const struct engine *e, const struct linear *l,
                        const struct kernels_layer_norm *ln, const float *x, size_t x_stride,
                        size_t rows, enum kernels_activation activation, const float *residual,
                        float *y, size_t y_stride)
{
    size_t workers = (size_t)threads_pool_size(e->pool), align = l->gemm->act_align;
    struct linear_job job = {
        .e = e,
        .l = l,
        .ln = ln,
        .x = x,
        .x_stride = x_stride,
        .rows = rows,
        .panels = l->w.out_padded / KERNELS_PANEL,
        .epilogue = {.bias = l->bias,
                     .residual = residual,
                     .residual_stride = y_stride,
                     .y = y,
                     .y_stride = y_stride,
                     .activation = activation},
    };

    job.pack_rows = base_round_up((rows + workers - 1) / workers, align);
    threads_parallel_for(e->pool, (rows + job.pack_rows - 1) / job.pack_rows, pack_task, &job);

    size_t row_bytes = l->w.in_padded * sizeof(float);
    size_t tasks = workers * (l->gemm->cuts_itself ? 1 : TASKS_PER_WORKER);
    job.group_rows =
        l->gemm->cuts_itself ? rows : base_round_up(GEMM_GROUP_BYTES / row_bytes + 1, align);
    size_t row_groups = (rows + job.group_rows - 1) / job.group_rows;
    job.group_panels = (job.panels * row_groups + tasks - 1) / tasks;
    job.group_panels = job.group_panels == 0 ? 1 : smaller(job.group_panels, job.panels);
    job.panel_groups = (job.panels + job.group_panels - 1) / job.group_panels;
    threads_parallel_for(e->pool, row_groups * job.panel_groups, gemm_task, &job);
}

/* ---- Layer norm alone, and attention ------------------------------------------------------- */

struct norm_job {
    const struct engine *e;
    const struct kernels_layer_norm *ln;
    float *x;
    size_t x_stride, width;
};

static void norm_task(void *arg, size_t i, int worker)
{
    const struct norm_job *job = arg;
    float *row = job->x + i * job->x_stride;

    (void)worker;
    job->e->k.layer_norm(row, row, job->width, job->ln);
}

void transformer_layer_norm(const struct engine *e, const struct kernels_layer_norm *ln, float *x,
                            size_t x_stride, size_t rows, size_t width)
{
    struct norm_job job = {e, ln, x, x_stride, width};

    threads_parallel_for(e->pool, rows, norm_task, &job);
}

struct attention_job {
    const struct transformer *t;
    const struct engine *e;
    const struct activations *a;
    const uint32_t *starts;
};

/* Task i: head i % heads of sequence i / heads. */
static void attention_task(void *arg, size_t i, int worker)
{
    const struct attention_job *job = arg;
    const struct transformer *t = job->t;
    size_t first = job->starts[i / t->heads], column = i % t->heads * t->head_dim;
    const float *q = job->a->qkv + first * job->a->qkv_stride + column;
    struct kernels_attention attention = {
        .q = q,
        .k = q + t->width,
        .v = q + 2 * t->width,
        .stride = job->a->qkv_stride,
        .y = job->a->attn + first * job->a->x_stride + column,
        .y_stride = job->a->x_stride,
        .rows = job->starts[i / t->heads + 1] - first,
        .head_dim = t->head_dim,
        .scale = 1.0f / sqrtf((float)t->head_dim),
        .causal = t->causal,
    };

    job->e->k.attention(&attention, job->e->scratch + (size_t)worker * job->e->scratch_bytes);
}

/* ---- Tracing: what the fused path never writes down is computed once more, by the same kernels
 * --- */

void transformer_trace(const struct engine *e, const char *tower, int block, const char *name,
                       const float *x, size_t rows, size_t width, size_t stride)
{
    char full[64];

    if (e->trace == NULL) {
        return;
    }
    if (block >= 0) {
        snprintf(full, sizeof full, "%s.block%02d.%s", tower, block, name);
    } else {
        snprintf(full, sizeof full, "%s.%s", tower, name);
    }
    e->trace(e->trace_arg, full, x, rows, width, stride);
}

/* The parts of one half of a block (attention or MLP) that are fused into one kernel call. */
static void trace_layer_norm(const struct engine *e, const struct kernels_layer_norm *ln,
                             const char *tower, int block, const char *name, const float *x,
                             size_t stride, size_t rows, size_t width)
{
    if (e->trace != NULL) {
        for (size_t r = 0; r < rows; r++) {
            memcpy(e->trace_buffer + r * stride, x + r * stride, width * sizeof(float));
        }
        transformer_layer_norm(e, ln, e->trace_buffer, stride, rows, width);
        transformer_trace(e, tower, block, name, e->trace_buffer, rows, width, stride);
    }
}

static void trace_linear(const struct engine *e, const struct linear *l,
                         const struct kernels_layer_norm *ln, const char *tower, int block,
                         const char *name, const float *x, size_t stride, size_t rows)
{
    if (e->trace != NULL) {
        size_t y_stride = base_round_up(l->w.out, KERNELS_PAD);
        transformer_linear(e, l, ln, x, stride, rows, KERNELS_LINEAR, NULL, e->trace_buffer,
                           y_stride);
        transformer_trace(e, tower, block, name, e->trace_buffer, rows, l->w.out, y_stride);
    }
}

/* ---- The block ----------------------------------------------------------------------------- */

static void block_forward(const struct transformer *t, const struct engine *e,
                          const struct activations *a, const uint32_t *starts, size_t n_sequences,
                          const char *tower, int i)
{
    const struct block *b = &t->blocks[i];
    size_t rows = starts[n_sequences], first = starts[1], w = t->width;
    struct attention_job attention = {t, e, a, starts};

    transformer_trace(e, tower, i, "0_in", a->x, first, w, a->x_stride);
    trace_layer_norm(e, &b->ln_1, tower, i, "1_ln_1", a->x, a->x_stride, first, w);
    transformer_linear(e, &b->attn_in, &b->ln_1, a->x, a->x_stride, rows, KERNELS_LINEAR, NULL,
                       a->qkv, a->qkv_stride);
    threads_parallel_for(e->pool, n_sequences * t->heads, attention_task, &attention);
    trace_linear(e, &b->attn_out, NULL, tower, i, "2_attn_out", a->attn, a->x_stride, first);
    transformer_linear(e, &b->attn_out, NULL, a->attn, a->x_stride, rows, KERNELS_LINEAR, a->x,
                       a->x, a->x_stride);
    transformer_trace(e, tower, i, "3_after_attn_residual", a->x, first, w, a->x_stride);

    trace_layer_norm(e, &b->ln_2, tower, i, "4_ln_2", a->x, a->x_stride, first, w);
    trace_linear(e, &b->c_fc, &b->ln_2, tower, i, "5_fc", a->x, a->x_stride, first);
    transformer_linear(e, &b->c_fc, &b->ln_2, a->x, a->x_stride, rows, t->activation, NULL,
                       a->hidden, a->hidden_stride);
    transformer_trace(e, tower, i, "6_act", a->hidden, first, t->mlp_width, a->hidden_stride);
    trace_linear(e, &b->c_proj, NULL, tower, i, "7_mlp_out", a->hidden, a->hidden_stride, first);
    transformer_linear(e, &b->c_proj, NULL, a->hidden, a->hidden_stride, rows, KERNELS_LINEAR, a->x,
                       a->x, a->x_stride);
    transformer_trace(e, tower, i, "8_out", a->x, first, w, a->x_stride);
}

void transformer_forward(const struct transformer *t, const struct engine *e,
                         const struct activations *a, const uint32_t *starts, size_t n_sequences,
                         const char *tower)
{
    for (size_t i = 0; i < t->layers; i++) {
        block_forward(t, e, a, starts, n_sequences, tower, (int)i);
    }
}
