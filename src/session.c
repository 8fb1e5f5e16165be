/* session.c - one caller's scratch and threads, and the encode calls that run on them. */
#include <string.h>

#include "clipc.h"
#include "model.h"
#include "text.h"
#include "threads.h"
#include "vision.h"

#define DEFAULT_BATCH 8
#define MAX_BATCH     4096
#define MAX_THREADS   1024

struct clipc_session {
    const struct clipc_model *model;
    struct engine engine;
    struct vision vision;
    struct text text;
    struct vision_buffers vision_buffers;
    struct text_buffers text_buffers;
    float *pixels;     /* [batch, 3, image_size, image_size] */
    uint8_t *crops;    /* [workers, image_size, image_size, 3] */
    int32_t *tokens;   /* [batch, context] */
    uint32_t *lengths; /* [batch] */
    int *statuses;     /* [batch] of the preprocessing tasks */
    void *memory;      /* the arena all of it lies in */
    size_t memory_bytes;
    unsigned char *unpacked; /* weight_prepare's copies, or NULL */
    size_t unpacked_bytes;
    int batch, threads, preprocess, tokenizer;
    bool full_context;
};

/* ---- Sessions ------------------------------------------------------------------------------ */

/* What the largest layer wants of packed activations and of scratch for each worker. */
struct needs {
    const struct kernels *k;
    size_t rows, packed, scratch, unpacked;
};

static int add_needs(void *arg, struct linear *l)
{
    struct needs *needs = arg;
    size_t packed = needs->k->act_bytes(&l->w, needs->rows);
    size_t scratch = needs->k->gemm_scratch(&l->w);

    needs->packed = packed > needs->packed ? packed : needs->packed;
    needs->scratch = scratch > needs->scratch ? scratch : needs->scratch;
    if (needs->k->weight_bytes != NULL) {
        needs->unpacked += base_round_up(needs->k->weight_bytes(&l->w), 64);
    }
    return CLIPC_OK;
}

static int prepare_weights(void *arg, struct linear *l)
{
    struct clipc_session *s = arg;

    s->engine.k.weight_prepare(&l->w, s->unpacked + s->unpacked_bytes);
    l->w.prepared = s->unpacked + s->unpacked_bytes;
    s->unpacked_bytes += base_round_up(s->engine.k.weight_bytes(&l->w), 64);
    return CLIPC_OK;
}

static bool has_vision(const struct clipc_session *s)
{
    return s->model->weights.header.vision.layers != 0;
}

static bool has_text(const struct clipc_session *s)
{
    return s->model->weights.header.text.layers != 0;
}

static void measure_needs(struct clipc_session *s, struct needs *needs)
{
    if (has_vision(s)) {
        needs->rows = (size_t)s->batch * s->vision.tokens;
        vision_each_linear(&s->vision, add_needs, needs);
        size_t scratch = needs->k->attention_scratch(s->vision.tokens, s->vision.blocks.head_dim);
        needs->scratch = scratch > needs->scratch ? scratch : needs->scratch;
    }
    if (has_text(s)) {
        needs->rows = (size_t)s->batch * s->text.context;
        text_each_linear(&s->text, add_needs, needs);
        size_t scratch = needs->k->attention_scratch(s->text.context, s->text.blocks.head_dim);
        needs->scratch = scratch > needs->scratch ? scratch : needs->scratch;
    }
    needs->scratch =
        base_round_up(needs->scratch, 4096); /* no two workers on one cache line or page */
}

/* One row more than a sequence has, of the widest activation (see the trace_ functions). */
static size_t trace_floats(const struct clipc_session *s)
{
    size_t v = 0, t = 0;

    if (has_vision(s)) {
        v = (s->vision.tokens + 1) *
            (s->vision_buffers.a.hidden_stride + s->vision_buffers.a.qkv_stride);
    }
    if (has_text(s)) {
        t = (s->text.context + 1) *
            (s->text_buffers.a.hidden_stride + s->text_buffers.a.qkv_stride);
    }
    return v > t ? v : t;
}

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
    if (has_vision(s)) {
        vision_layout(&s->vision, batch, arena, &s->vision_buffers);
    }
    end = arena->used;
    arena->used = start;
    if (has_text(s)) {
        text_layout(&s->text, batch, arena, &s->text_buffers);
    }
    arena->used = arena->used > end ? arena->used : end;
    if (s->engine.trace != NULL) {
        s->engine.trace_buffer = arena_take(arena, trace_floats(s), sizeof(float));
    }
}

static int session_memory(struct clipc_session *s)
{
    struct needs needs = {.k = &s->engine.k};
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
    if (has_vision(s)) {
        vision_each_linear(&s->vision, prepare_weights, s);
    }
    if (has_text(s)) {
        text_each_linear(&s->text, prepare_weights, s);
    }
    return CLIPC_OK;
}

static int choose_kernels(struct clipc_session *s, const char *name)
{
    char list[256] = "";
    size_t used = 0;

    if (kernels_find(name, &s->engine.k)) {
        return CLIPC_OK;
    }
    for (size_t i = 0; kernels_all[i] != NULL; i++) {
        if (kernels_all[i]->supported()) {
            size_t n = strlen(kernels_all[i]->name);
            if (used + n + 2 < sizeof list) {
                list[used++] = ' ';
                memcpy(list + used, kernels_all[i]->name, n + 1);
                used += n;
            }
        }
    }
    return base_fail(CLIPC_ERROR_UNSUPPORTED,
                     "kernel set '%s': not in this build, or this CPU lacks it; there are:%s",
                     name == NULL ? "" : name, list);
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
    s->engine.trace = o->trace;
    s->engine.trace_arg = o->trace_arg;
    int status = choose_kernels(s, o->kernels);
    s->engine.precision =
        o->precision == CLIPC_PRECISION_FAST && s->engine.k.has_fast ? KERNELS_FAST : KERNELS_EXACT;
    return status;
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
    if (status == CLIPC_OK && has_vision(s)) {
        status = vision_bind(&s->vision, w, s->engine.precision);
    }
    if (status == CLIPC_OK && has_text(s)) {
        status = text_bind(&s->text, w, s->engine.precision);
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
        vision_free(&session->vision);
        text_free(&session->text);
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
        .precision =
            s->engine.precision == KERNELS_FAST ? CLIPC_PRECISION_FAST : CLIPC_PRECISION_EXACT,
        .threads = s->threads,
        .batch = s->batch,
        .memory = s->memory_bytes + s->unpacked_bytes,
        .unpacked = s->unpacked_bytes,
    };
    return model_fill_sized(info, &full, sizeof full, "clipc_session_info");
}

/* ---- Encoding ------------------------------------------------------------------------------ */

static int check_encode(const clipc_session *s, const void *input, size_t n,
                        const float *embeddings, bool image)
{
    if (s == NULL || (n != 0 && (input == NULL || embeddings == NULL))) {
        return base_fail(CLIPC_ERROR_ARGUMENT, "encode: NULL argument");
    }
    if (image ? !has_vision(s) : !has_text(s)) {
        return base_fail(CLIPC_ERROR_UNSUPPORTED, "this model has no %s tower",
                         image ? "image" : "text");
    }
    return CLIPC_OK;
}

static size_t batch_of(const clipc_session *s, size_t left)
{
    return left < (size_t)s->batch ? left : (size_t)s->batch;
}

int clipc_encode_pixels(clipc_session *s, const float *pixels, size_t n, float *embeddings)
{
    int status = check_encode(s, pixels, n, embeddings, true);

    for (size_t i = 0, m; status == CLIPC_OK && i < n; i += m) {
        size_t floats = 3 * s->vision.image_size * s->vision.image_size;
        m = batch_of(s, n - i);
        vision_forward(&s->vision, &s->engine, &s->vision_buffers, pixels + i * floats, m,
                       embeddings + i * s->vision.projection.w.out);
    }
    return status;
}

struct preprocess_job {
    struct clipc_session *s;
    struct preprocess p;
    const struct clipc_image *images;
};

static void preprocess_task(void *arg, size_t i, int worker)
{
    struct preprocess_job *job = arg;
    size_t floats = 3 * job->s->vision.image_size * job->s->vision.image_size;
    uint8_t *crop = job->s->crops + (size_t)worker * floats;

    job->s->statuses[i] = preprocess_crop(&job->p, &job->s->engine.k, &job->images[i], crop);
    if (job->s->statuses[i] == CLIPC_OK) {
        preprocess_normalise(&job->p, crop, job->s->pixels + i * floats);
    }
}

/* Images to the session's pixels; the message of a failure is made again in this thread. */
static int preprocess_batch(struct clipc_session *s, const struct clipc_image *images, size_t n)
{
    struct preprocess_job job = {s, model_preprocess(s->model, s->preprocess, 0), images};

    threads_parallel_for(s->engine.pool, n, preprocess_task, &job);
    for (size_t i = 0; i < n; i++) {
        if (s->statuses[i] != CLIPC_OK) {
            int status = preprocess_crop(&job.p, &s->engine.k, &images[i], s->crops);
            return status != CLIPC_OK ? status
                                      : base_fail(CLIPC_ERROR_MEMORY, "preprocess: memory ran out");
        }
    }
    return CLIPC_OK;
}

int clipc_encode_images(clipc_session *s, const struct clipc_image *images, size_t n,
                        float *embeddings)
{
    int status = check_encode(s, images, n, embeddings, true);

    for (size_t i = 0; status == CLIPC_OK && i < n; i++) {
        status = model_check_image(&images[i]);
    }
    for (size_t i = 0, m; status == CLIPC_OK && i < n; i += m) {
        m = batch_of(s, n - i);
        status = preprocess_batch(s, images + i, m);
        if (status == CLIPC_OK) {
            vision_forward(&s->vision, &s->engine, &s->vision_buffers, s->pixels, m,
                           embeddings + i * s->vision.projection.w.out);
        }
    }
    return status;
}

int clipc_encode_tokens(clipc_session *s, const int32_t *tokens, size_t n, size_t length,
                        float *embeddings)
{
    int status = check_encode(s, tokens, n, embeddings, false);

    if (status == CLIPC_OK && n != 0 && (length == 0 || length > s->text.context)) {
        status = base_fail(CLIPC_ERROR_ARGUMENT, "encode_tokens: %zu ids in a row; want 1 to %zu",
                           length, s->text.context);
    }
    if (status == CLIPC_OK) {
        status = text_check(&s->text, tokens, n, length);
    }
    for (size_t i = 0, m; status == CLIPC_OK && i < n; i += m) {
        m = batch_of(s, n - i);
        for (size_t j = 0; j < m; j++) {
            s->lengths[j] = (uint32_t)length;
        }
        text_forward(&s->text, &s->engine, &s->text_buffers, tokens + i * length, length,
                     s->lengths, m, s->full_context, embeddings + i * s->text.projection.w.out);
    }
    return status;
}

int clipc_encode_texts(clipc_session *s, const struct clipc_text *texts, size_t n,
                       float *embeddings)
{
    int status = check_encode(s, texts, n, embeddings, false);

    for (size_t i = 0; status == CLIPC_OK && i < n; i++) {
        status = model_check_text(s->model, &texts[i]);
    }
    for (size_t i = 0, m; status == CLIPC_OK && i < n; i += m) {
        m = batch_of(s, n - i);
        for (size_t j = 0; status == CLIPC_OK && j < m; j++) {
            size_t n_ids = 0;
            int32_t *ids = s->tokens + j * s->text.context;
            status = clipc_tokenize(s->model, &texts[i + j], s->tokenizer, ids, &n_ids);
            s->lengths[j] = (uint32_t)n_ids;
            for (size_t k = n_ids; status == CLIPC_OK && s->full_context && k < s->text.context;
                 k++) {
                ids[k] = (int32_t)s->model->weights.header.pad_id;
                s->lengths[j] = (uint32_t)s->text.context;
            }
        }
        if (status == CLIPC_OK) {
            text_forward(&s->text, &s->engine, &s->text_buffers, s->tokens, s->text.context,
                         s->lengths, m, s->full_context, embeddings + i * s->text.projection.w.out);
        }
    }
    return status;
}
