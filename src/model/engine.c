/* engine.c - linear layers, layer norm and attention, cut into tasks for the workers.  How the work
 * is cut never changes a bit of the result: each element of y is one kernel's sum in one order.
 * Tasks write places of their own, and threads_parallel_for returns when all have been done: that
 * is all the synchronisation there is. */
#include "engine.h"

#include <math.h>

#include "../base/base.h"

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Worker `worker`'s own stretch: large enough for any layer's gemm and for attention
 * (session.c). */
static void *scratch_of(const struct engine *e, int worker)
{
    return e->scratch + (size_t)worker * e->scratch_bytes;
}

/* ---- Linear layers ------------------------------------------------------------------------- */

/* A layer of [in] to [out] over `rows` rows, and how it is cut: first into packing tasks of
 * pack_rows rows, then into gemm tasks of group_rows x group_panels * KERNELS_PANEL elements. */
struct linear_job {
    const struct engine *e;
    const struct linear *l;
    const struct kernels_layer_norm *ln;
    struct rows x;
    size_t rows;
    size_t pack_rows;                /* rows of one packing task */
    size_t group_rows, group_panels; /* rows and panels of one gemm task */
    size_t panel_groups, panels;
    struct kernels_epilogue epilogue;
};

/* Rows [i pack_rows, ...) of x, normalised on the way, into the packed form that gemm reads.  The
 * packed rows are one buffer of the session, written again for each layer.  Packing costs one pass
 * over x; each packed row is then read once for each panel or oftener (Goto & van de Geijn 2008,
 * section 4, on packing so that the inner loop reads memory in order). */
static void pack_task(void *arg, size_t i, int worker)
{
    const struct linear_job *job = arg;
    size_t begin = i * job->pack_rows, end = smaller(begin + job->pack_rows, job->rows);

    (void)worker;
    job->l->gemm->act_pack(&job->l->w, job->e->packed, job->x.at, job->x.stride, job->rows, begin,
                           end, job->ln);
}

/* One rectangle of y[rows, out]: task i is a group of panels (32 columns each) of a group of rows.
 * Panels run fastest, so that workers share the same activation rows and each reads its own
 * weights. */
static void gemm_task(void *arg, size_t i, int worker)
{
    const struct linear_job *job = arg;
    size_t row = i / job->panel_groups * job->group_rows;
    size_t panel = i % job->panel_groups * job->group_panels;

    job->l->gemm->gemm(&job->l->w, panel, smaller(panel + job->group_panels, job->panels),
                       job->rows, row, smaller(row + job->group_rows, job->rows), job->e->packed,
                       &job->epilogue, scratch_of(job->e, worker));
}

/* Activation rows that one gemm task reads again for each of its panels should stay in half of a
 * 2 MiB second-level cache; the smallest caches in use (256 KiB) still hold some panels' worth. */
#define GEMM_GROUP_BYTES (1u << 20)

/* Several times as many tasks as workers, so that one that the system delays holds up little. */
#define TASKS_PER_WORKER 4

/* Two parallel parts: every row is packed (and normalised) once, then all panels read it.  Rows are
 * cut at multiples of act_align, the height of the micro-kernel's block.
 *
 * The gemm tasks are a grid of row_groups x panel_groups rectangles.  A group of rows is as high as
 * GEMM_GROUP_BYTES allows; the panels of a group are as few as make TASKS_PER_WORKER tasks for each
 * worker, at least one.  A small batch is one group of rows: then each weight is read once, by one
 * worker, and its panels are what the workers share out.  A gemm that cuts its work itself (blas)
 * gets all rows, and one range of panels for each worker. */
static void run_linear(struct linear_job *job)
{
    const struct kernels_gemm *gemm = job->l->gemm;
    const struct kernels_linear *w = &job->l->w;
    struct threads_pool *pool = job->e->pool;
    size_t workers = (size_t)threads_pool_size(pool), rows = job->rows;

    job->pack_rows = base_round_up((rows + workers - 1) / workers, gemm->act_align);
    threads_parallel_for(pool, (rows + job->pack_rows - 1) / job->pack_rows, pack_task, job);

    size_t row_bytes = w->in_padded * sizeof(float);
    size_t tasks = workers * (gemm->cuts_itself ? 1 : TASKS_PER_WORKER);
    job->group_rows =
        gemm->cuts_itself ? rows : base_round_up(GEMM_GROUP_BYTES / row_bytes + 1, gemm->act_align);
    size_t row_groups = (rows + job->group_rows - 1) / job->group_rows;
    job->panels = w->out_padded / KERNELS_PANEL;
    job->group_panels = (job->panels * row_groups + tasks - 1) / tasks;
    job->group_panels = job->group_panels == 0 ? 1 : smaller(job->group_panels, job->panels);
    job->panel_groups = (job->panels + job->group_panels - 1) / job->group_panels;
    threads_parallel_for(pool, row_groups * job->panel_groups, gemm_task, job);
}

/* nn.Linear of PyTorch, with the LayerNorm before it and the activation behind it, neither of which
 * gets a pass over memory of its own. */
void engine_linear(const struct engine *e, const struct linear *l,
                   const struct kernels_layer_norm *ln, struct rows x, size_t n,
                   enum kernels_activation activation, struct rows y)
{
    struct linear_job job = {
        .e = e,
        .l = l,
        .ln = ln,
        .x = x,
        .rows = n,
        .epilogue = {.bias = l->bias, .y = y.at, .y_stride = y.stride, .activation = activation},
    };

    run_linear(&job);
}

/* The residual sum is gemm's last step on an element, while it is still in a register: y is read
 * and written once.  Each element is read by the task that writes it, so y may be both. */
void engine_linear_add(const struct engine *e, const struct linear *l, struct rows x, size_t n,
                       struct rows y)
{
    struct linear_job job = {
        .e = e,
        .l = l,
        .x = x,
        .rows = n,
        .epilogue = {.bias = l->bias,
                     .residual = y.at,
                     .residual_stride = y.stride,
                     .y = y.at,
                     .y_stride = y.stride,
                     .activation = KERNELS_LINEAR},
    };

    run_linear(&job);
}

/* ---- Layer norm that no linear layer follows ----------------------------------------------- */

/* x: rows of `width` floats, normalised where they lie. */
struct norm_job {
    const struct engine *e;
    const struct kernels_layer_norm *ln;
    struct rows x;
    size_t width;
};

/* Row i by itself: Ba et al. 2016, section 3 (the formula is at kernels_layer_norm). */
static void norm_task(void *arg, size_t i, int worker)
{
    const struct norm_job *job = arg;
    float *row = job->x.at + i * job->x.stride;

    (void)worker;
    job->e->k.layer_norm(row, row, job->width, job->ln);
}

void engine_layer_norm(const struct engine *e, const struct kernels_layer_norm *ln, struct rows x,
                       size_t n, size_t width)
{
    struct norm_job job = {e, ln, x, width};

    threads_parallel_for(e->pool, n, norm_task, &job);
}

/* ---- Attention ----------------------------------------------------------------------------- */

/* qkv: [rows, 3 width] in, y: [rows, width] out, width = heads->n * heads->dim. */
struct attention_job {
    const struct engine *e;
    const struct heads *heads;
    struct rows qkv, y;
    const struct sequences *s;
};

/* Task i: head i % n of sequence i / n.  A row of qkv is [q | k | v], each [heads, dim], which is
 * how in_proj_weight of PyTorch's MultiheadAttention stacks its three matrices.  A head's columns
 * are read where they lie, `stride` apart, and its result goes to the same columns of y: heads are
 * never moved apart ([heads, rows, dim] in the references) nor put together again.
 *
 * Scores are divided by sqrt(dim), because the dot product of two rows of dim independent values
 * of variance 1 has variance dim, and softmax of large values is one-hot (Vaswani et al. 2017,
 * section 3.2.1). */
static void attention_task(void *arg, size_t i, int worker)
{
    const struct attention_job *job = arg;
    const struct heads *heads = job->heads;
    const uint32_t *start = job->s->starts + i / heads->n;
    size_t width = heads->n * heads->dim, column = i % heads->n * heads->dim;
    const float *q = job->qkv.at + start[0] * job->qkv.stride + column;
    struct kernels_attention attention = {
        .q = q,
        .k = q + width,
        .v = q + 2 * width,
        .stride = job->qkv.stride,
        .y = job->y.at + start[0] * job->y.stride + column,
        .y_stride = job->y.stride,
        .rows = start[1] - start[0],
        .head_dim = heads->dim,
        .scale = 1.0f / sqrtf((float)heads->dim),
        .causal = heads->causal,
    };

    job->e->k.attention(&attention, scratch_of(job->e, worker));
}

/* heads * sequences tasks and no more: attention is 1 to 10 % of a block's work (transformer.c).  A
 * task's keys and values, 2 rows * dim floats, fit a core's own caches: 26 KB for ViT-B/32, 295 KB
 * for ViT-L/14 at 336 pixels. */
void engine_attention(const struct engine *e, const struct heads *heads, struct rows qkv,
                      const struct sequences *s, struct rows y)
{
    struct attention_job job = {e, heads, qkv, y, s};

    threads_parallel_for(e->pool, s->n * heads->n, attention_task, &job);
}
