/* session.c - one caller's scratch and threads: made, described, freed. */
#include <string.h>

#include "../kernels/pack.h"
#include "clipc.h"
#include "model/bind.h"
#include "session.h"

#define DEFAULT_BATCH 8
#define MAX_BATCH     4096
#define MAX_THREADS   1024

bool session_has_vision(const struct clipc_session *s)
{
    return s->model->weights.header.vision.layers != 0;
}

bool session_has_text(const struct clipc_session *s)
{
    return s->model->weights.header.text.layers != 0;
}

/* ---- Layers: a gemm for each, and what they want ------------------------------------------- */

static int each_linear(struct clipc_session *s, bind_linear_fn fn, void *arg)
{
    int status = session_has_vision(s) ? bind_each_vision(&s->vision, fn, arg) : CLIPC_OK;

    return status == CLIPC_OK && session_has_text(s) ? bind_each_text(&s->text, fn, arg) : status;
}

/* What computes a layer is chosen once, by its dtype, precision and shape: int8 weights are for
 * int8 products, unless exact ones are asked for.  A session is fast when that gives some layer
 * another gemm than it would have had. */
static int choose_gemm(void *arg, struct linear *l)
{
    struct clipc_session *s = arg;
    const struct kernels *k = &s->engine.k;

    bool fast = s->wanted == CLIPC_PRECISION_DEFAULT ? l->w.dtype == KERNELS_Q8
                                                     : s->wanted == CLIPC_PRECISION_FAST;

    l->gemm = kernels_choose(k, &l->w, fast ? KERNELS_FAST : KERNELS_EXACT);
    if (l->gemm == NULL) {
        return base_fail(CLIPC_ERROR_UNSUPPORTED,
                         "session: nothing here multiplies a layer of %u x %u of type %d", l->w.out,
                         l->w.in, (int)l->w.dtype);
    }
    if (l->gemm != kernels_choose(k, &l->w, KERNELS_EXACT)) {
        s->precision = CLIPC_PRECISION_FAST;
    }
    return CLIPC_OK;
}

/* What the largest layer wants of packed activations and of scratch for each worker, and all
 * layers together of prepared weights. */
struct needs {
    size_t rows, packed, scratch, unpacked;
};

static int add_needs(void *arg, struct linear *l)
{
    struct needs *needs = arg;
    size_t packed = l->gemm->act_bytes(&l->w, needs->rows);
    size_t scratch = l->gemm->gemm_scratch(&l->w);

    needs->packed = packed > needs->packed ? packed : needs->packed;
    needs->scratch = scratch > needs->scratch ? scratch : needs->scratch;
    if (l->gemm->weight_bytes != NULL) {
        needs->unpacked += base_round_up(l->gemm->weight_bytes(&l->w), 64);
    }
    return CLIPC_OK;
}

static int prepare_weights(void *arg, struct linear *l)
{
    struct clipc_session *s = arg;

    if (l->gemm->weight_bytes != NULL) {
        l->gemm->weight_prepare(&l->w, s->unpacked + s->unpacked_bytes);
        l->w.prepared = s->unpacked + s->unpacked_bytes;
        s->unpacked_bytes += base_round_up(l->gemm->weight_bytes(&l->w), 64);
    }
    return CLIPC_OK;
}

static void need_attention(const struct clipc_session *s, struct needs *needs, size_t rows,
                           size_t head_dim)
{
    size_t scratch = s->engine.k.attention_scratch(rows, head_dim);

    needs->scratch = scratch > needs->scratch ? scratch : needs->scratch;
}

static void measure_needs(struct clipc_session *s, struct needs *needs)
{
    if (session_has_vision(s)) {
        needs->rows = (size_t)s->batch * s->vision.tokens;
        bind_each_vision(&s->vision, add_needs, needs);
        need_attention(s, needs, s->vision.tokens, s->vision.blocks.heads.dim);
    }
    if (session_has_text(s)) {
        needs->rows = (size_t)s->batch * s->text.context;
        bind_each_text(&s->text, add_needs, needs);
        need_attention(s, needs, s->text.context, s->text.blocks.heads.dim);
    }
    needs->scratch =
        base_round_up(needs->scratch, 4096); /* no two workers on one cache line or page */
}

/* ---- Memory -------------------------------------------------------------------------------- */

/* Everything a session holds; the towers never run at once, so they share one stretch. */
static void session_layout(struct clipc_session *s, const struct needs *needs, struct arena *arena)
{
    size_t batch = (size_t)s->batch, workers = (size_t)s->threads, start, end;
    size_t size = s->vision.image_size;

    s->engine.scratch_bytes = needs->scratch;
    s->engine.scratch = arena_take(arena, workers, needs->scratch);
    s->engine.packed = arena_take(arena, 1, needs->packed);
    s->pixels = arena_take(arena, batch * 3, size * size * sizeof(float));
    s->crops = arena_take(arena, workers * 3, size * size);
    s->tokens = arena_take(arena, batch, s->text.context * sizeof *s->tokens);
    s->lengths = arena_take(arena, batch, sizeof *s->lengths);
    s->statuses = arena_take(arena, batch, sizeof *s->statuses);
    start = arena->used;
    if (session_has_vision(s)) {
        bind_vision_buffers(&s->vision, batch, arena, &s->vision_buffers);
    }
    end = arena->used;
    arena->used = start;
    if (session_has_text(s)) {
        bind_text_buffers(&s->text, batch, arena, &s->text_buffers);
    }
    arena->used = arena->used > end ? arena->used : end;
    if (s->trace.fn != NULL) {
        size_t v = trace_floats(&s->vision.blocks, s->vision.tokens);
        size_t t = trace_floats(&s->text.blocks, s->text.context);
        s->trace.buffer = arena_take(arena, v > t ? v : t, sizeof(float));
    }
}

static int session_memory(struct clipc_session *s)
{
    struct needs needs = {0};
    struct arena arena = {0};

    measure_needs(s, &needs);
    session_layout(s, &needs, &arena);
    if (arena.overflow || (s->memory = arena.base = base_alloc(arena.used)) == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY,
                         "session: no memory for %zu bytes of scratch; ask for a smaller batch",
                         arena.used);
    }
    s->memory_bytes = arena.used;
    arena.used = 0;
    session_layout(s, &needs, &arena);
    if (needs.unpacked == 0) {
        return CLIPC_OK;
    }
    s->unpacked = base_alloc(needs.unpacked);
    if (s->unpacked == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY,
                         "session: no memory for %zu bytes of unpacked weights; the kernel set %s "
                         "needs a second copy of them, the others do not",
                         needs.unpacked, s->engine.k.name);
    }
    return each_linear(s, prepare_weights, s);
}

/* ---- Weights into memory ------------------------------------------------------------------- */

/* Pages of a file are mapped when they are first touched, some at a time, and what is not mapped
 * cannot be fetched ahead: the first pass would wait for each.  FETCH_BYTES of a layer are a task,
 * so that workers share the system's work. */
#define FETCH_BYTES ((size_t)1 << 19)

struct fetch {
    const unsigned char *data;
    size_t size;
};

static void fetch_task(void *arg, size_t i, int worker)
{
    const struct fetch *f = arg;
    size_t begin = i * FETCH_BYTES, left = f->size - begin;

    (void)worker;
    base_map_fetch(f->data + begin, left < FETCH_BYTES ? left : FETCH_BYTES);
}

static int fetch_layer(void *arg, struct linear *l)
{
    struct clipc_session *s = arg;
    struct fetch f = {l->w.panels, pack_bytes(l->w.dtype, l->w.out, l->w.in)};

    threads_parallel_for(s->engine.pool, (f.size + FETCH_BYTES - 1) / FETCH_BYTES, fetch_task, &f);
    return CLIPC_OK;
}

/* What was opened from memory is there; so are weights that the kernel set has unpacked. */
static bool in_file(const struct clipc_session *s)
{
    return s->model->weights.map.data != NULL && s->unpacked == NULL;
}

void session_fetch_vision(struct clipc_session *s)
{
    if (!s->vision_fetched && in_file(s)) {
        bind_each_vision(&s->vision, fetch_layer, s);
    }
    s->vision_fetched = true;
}

void session_fetch_text(struct clipc_session *s)
{
    if (!s->text_fetched && in_file(s)) {
        bind_each_text(&s->text, fetch_layer, s);
    }
    s->text_fetched = true;
}

/* ---- Making one ---------------------------------------------------------------------------- */

static int choose_kernels(struct clipc_session *s, const char *name)
{
    char list[256] = "";
    size_t used = 0;
    const char *why = "not in this build";

    if (kernels_find(name, &s->engine.k)) {
        return CLIPC_OK;
    }
    for (size_t i = 0; kernels_all[i] != NULL; i++) {
        size_t n = strlen(kernels_all[i]->name);
        if (name != NULL && strcmp(name, kernels_all[i]->name) == 0) {
            why = kernels_all[i]->supported() ? kernels_all[i]->unloaded : "this CPU lacks it";
        } else if (kernels_all[i]->supported() && used + n + 2 < sizeof list) {
            list[used++] = ' ';
            memcpy(list + used, kernels_all[i]->name, n + 1);
            used += n;
        }
    }
    return base_fail(CLIPC_ERROR_UNSUPPORTED, "kernel set '%s': %s; there are:%s",
                     name == NULL ? "" : name, why, list);
}

static int session_options(struct clipc_session *s, const struct clipc_options *o)
{
    if (o->batch < 0 || o->batch > MAX_BATCH || o->threads < -MAX_THREADS) {
        return base_fail(CLIPC_ERROR_ARGUMENT,
                         "session: batch %d, threads %d: want a batch of 0 to %d", o->batch,
                         o->threads, MAX_BATCH);
    }
    if (o->precision < 0 || o->precision > CLIPC_PRECISION_FAST || o->preprocess < 0 ||
        o->preprocess > CLIPC_RULES_HF || o->tokenizer < 0 || o->tokenizer > CLIPC_RULES_HF) {
        return base_fail(CLIPC_ERROR_ARGUMENT, "session: unknown precision or rules");
    }
    s->batch = o->batch == 0 ? DEFAULT_BATCH : o->batch;
    s->preprocess = o->preprocess;
    s->tokenizer = o->tokenizer;
    s->full_context = o->full_context != 0;
    s->pads = (s->model->weights.header.text.flags & FORMAT_PAD_TO_CONTEXT) != 0;
    s->trace.fn = o->trace;
    s->trace.arg = o->trace_arg;
    s->wanted = o->precision;
    s->precision = CLIPC_PRECISION_EXACT;
    return choose_kernels(s, o->kernels);
}

static int session_open(struct clipc_session *s, const struct clipc_options *options)
{
    const struct weights *w = &s->model->weights;
    int status = session_options(s, options);

    if (status == CLIPC_OK) {
        int n = options->threads < 0 ? -options->threads : options->threads;
        status = threads_pool_new(n, options->threads < 0, &s->engine.pool);
    }
    if (status == CLIPC_OK) {
        s->threads = threads_pool_size(s->engine.pool);
    }
    if (status == CLIPC_OK && session_has_vision(s)) {
        status = bind_vision(&s->vision, w);
    }
    if (status == CLIPC_OK && session_has_text(s)) {
        status = bind_text(&s->text, w);
    }
    if (status == CLIPC_OK) {
        status = each_linear(s, choose_gemm, s);
    }
    return status == CLIPC_OK ? session_memory(s) : status;
}

int clipc_session_new(const clipc_model *model, const struct clipc_options *options,
                      clipc_session **out)
{
    struct clipc_options full;
    struct clipc_session *s;

    if (model == NULL || out == NULL) {
        return base_fail(CLIPC_ERROR_ARGUMENT, "clipc_session_new: NULL argument");
    }
    int status = model_copy_sized(&full, sizeof full, options, "clipc_options");
    if (status != CLIPC_OK) {
        return status;
    }
    s = base_alloc(sizeof *s);
    if (s == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "no memory for a session");
    }
    s->model = model;
    status = session_open(s, &full);
    if (status != CLIPC_OK) {
        clipc_session_free(s);
        return status;
    }
    *out = s;
    return CLIPC_OK;
}

void clipc_session_free(clipc_session *session)
{
    if (session != NULL) {
        threads_pool_free(session->engine.pool);
        bind_free(&session->vision.blocks);
        bind_free(&session->text.blocks);
        base_free(session->unpacked);
        base_free(session->memory);
        base_free(session);
    }
}

int clipc_session_info(const clipc_session *s, struct clipc_session_info *info)
{
    if (s == NULL || info == NULL) {
        return base_fail(CLIPC_ERROR_ARGUMENT, "clipc_session_info: NULL argument");
    }
    struct clipc_session_info full = {
        .size = sizeof full,
        .kernels = s->engine.k.name,
        .precision = s->precision,
        .threads = s->threads,
        .batch = s->batch,
        .memory = s->memory_bytes + s->unpacked_bytes,
        .unpacked = s->unpacked_bytes,
    };
    return model_fill_sized(info, &full, sizeof full, "clipc_session_info");
}
