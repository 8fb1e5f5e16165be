/* engine.c - linear layers, layer norm and attention, cut into tasks for the workers.  How the work
 * is cut never changes a bit of the result: each element of y is one kernel's sum in one order.
 * Tasks write places of their own, and threads_parallel_for returns when all have been done: that
 * is all the synchronisation there is. */
#include "engine.h"

#include <math.h>

#include "../../kernels/cpu.h"
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
    size_t panel_begin, panel_end; /* panels of the layer that are wanted: all, or some columns' */
    size_t row_groups;
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
 * Rows run fastest: neighbouring tasks have the same panels, or those that lie behind them, and a
 * worker takes neighbours (threads.h).  So each worker reads its own weights. */
static void gemm_task(void *arg, size_t i, int worker)
{
    const struct linear_job *job = arg;
    size_t row = i % job->row_groups * job->group_rows;
    size_t panel = job->panel_begin + i / job->row_groups * job->group_panels;

    job->l->gemm->gemm(&job->l->w, panel, smaller(panel + job->group_panels, job->panel_end),
                       job->rows, row, smaller(row + job->group_rows, job->rows), job->e->packed,
                       &job->epilogue, scratch_of(job->e, worker));
}

/* Activation rows that one gemm task reads again for each of its panels: twice what a core's
 * second-level cache holds.  They are read in order, 2 bytes a cycle, which costs nothing while
 * most of them are near; and more rows read each weight less often. */
static size_t group_bytes(void)
{
    const size_t l2 = cpu_features()->l2;

    return l2 > 0 ? 2 * l2 : (size_t)1 << 20;
}

/* Several times as many tasks as workers, so that one that the system delays holds up little. */
#define TASKS_PER_WORKER 4

/* Two parallel parts: every row is packed (and normalised) once, then all panels read it.  Rows are
 * cut at multiples of act_align, the height of the micro-kernel's block.
 *
 * The gemm tasks are a grid of row_groups x panel_groups rectangles.  A group of rows is as high as
 * group_bytes allows; the panels of a group are as few as make TASKS_PER_WORKER tasks for each
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
        gemm->cuts_itself ? rows : base_round_up(group_bytes() / row_bytes + 1, gemm->act_align);
    job->row_groups = (rows + job->group_rows - 1) / job->group_rows;
    size_t panels = job->panel_end - job->panel_begin;
    job->group_panels = (panels * job->row_groups + tasks - 1) / tasks;
    job->group_panels = job->group_panels == 0 ? 1 : smaller(job->group_panels, panels);
    size_t panel_groups = (panels + job->group_panels - 1) / job->group_panels;
    threads_parallel_for(pool, job->row_groups * panel_groups, gemm_task, job);
}

/* All panels of l, nothing before or behind it. */
static struct linear_job plain_job(const struct engine *e, const struct linear *l, struct rows x,
                                   size_t n, struct rows y)
{
    return (struct linear_job){
        .e = e,
        .l = l,
        .x = x,
        .rows = n,
        .panel_end = l->w.out_padded / KERNELS_PANEL,
        .epilogue = {.bias = l->bias,
                     .y = y.at,
                     .y_stride = y.stride,
                     .activation = KERNELS_LINEAR},
    };
}

/* nn.Linear of PyTorch, with the LayerNorm before it and the activation behind it, neither of which
 * gets a pass over memory of its own. */
void engine_linear(const struct engine *e, const struct linear *l,
                   const struct kernels_layer_norm *ln, struct rows x, size_t n,
                   enum kernels_activation activation, struct rows y)
{
    struct linear_job job = plain_job(e, l, x, n, y);

    job.ln = ln;
    job.epilogue.activation = activation;
    run_linear(&job);
}

void engine_linear_columns(const struct engine *e, const struct linear *l,
                           const struct kernels_layer_norm *ln, struct rows x, size_t n,
                           size_t begin, size_t end, struct rows y)
{
    struct linear_job job = plain_job(e, l, x, n, y);

    job.ln = ln;
    job.panel_begin = begin / KERNELS_PANEL;
    job.panel_end = (end + KERNELS_PANEL - 1) / KERNELS_PANEL;
    run_linear(&job);
}

/* The residual sum is gemm's last step on an element, while it is still in a register: y is read
 * and written once.  Each element is read by the task that writes it, so y may be both. */
void engine_linear_add(const struct engine *e, const struct linear *l, struct rows x, size_t n,
                       struct rows y)
{
    struct linear_job job = plain_job(e, l, x, n, y);

    job.epilogue.residual = y.at;
    job.epilogue.residual_stride = y.stride;
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

/* qkv: [rows, 3 width] in, y: [rows, width] out, width = heads->n * heads->dim; or, where there are
 * positions: one query of each sequence, q: [s->n, width] in, y: [s->n, width] out. */
struct attention_job {
    const struct engine *e;
    const struct heads *heads;
    struct rows q, qkv, y;
    const struct sequences *s;
    const uint32_t *positions;
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
    size_t sequence = i / heads->n, column = i % heads->n * heads->dim;
    size_t width = heads->n * heads->dim, start = job->s->starts[sequence];
    size_t rows = job->s->starts[sequence + 1] - start;
    bool one = job->positions != NULL;
    size_t query = one ? sequence : start; /* row of q and y */
    const float *k = job->qkv.at + start * job->qkv.stride + width + column;
    struct kernels_attention attention = {
        .q = job->q.at + query * job->q.stride + column,
        .q_stride = job->q.stride,
        .queries = one ? 1 : rows,
        .first_query = one ? job->positions[sequence] : 0,
        .k = k,
        .v = k + width,
        .stride = job->qkv.stride,
        .rows = rows,
        .y = job->y.at + query * job->y.stride + column,
        .y_stride = job->y.stride,
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
    struct attention_job job = {e, heads, qkv, qkv, y, s, NULL};

    threads_parallel_for(e->pool, s->n * heads->n, attention_task, &job);
}

void engine_attention_at(const struct engine *e, const struct heads *heads, struct rows q,
                         struct rows qkv, const struct sequences *s, const uint32_t *positions,
                         struct rows y)
{
    struct attention_job job = {e, heads, q, qkv, y, s, positions};

    threads_parallel_for(e->pool, s->n * heads->n, attention_task, &job);
}
