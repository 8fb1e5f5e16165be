/* encode.c - images, pixels, texts and tokens to embeddings, a batch at a time. */
#include <math.h>
#include <string.h>

#include "clipc.h"
#include "session.h"

static int check_encode(const clipc_session *s, const void *input, size_t n,
                        const float *embeddings, bool image)
{
    if (s == NULL || (n != 0 && (input == NULL || embeddings == NULL))) {
        return base_fail(CLIPC_ERROR_ARGUMENT, "encode: NULL argument");
    }
    if (image ? !session_has_vision(s) : !session_has_text(s)) {
        return base_fail(CLIPC_ERROR_UNSUPPORTED, "this model has no %s tower",
                         image ? "image" : "text");
    }
    return CLIPC_OK;
}

static size_t batch_of(const clipc_session *s, size_t left)
{
    return left < (size_t)s->batch ? left : (size_t)s->batch;
}

/* The last thing of every encode call, all rows being written: embeddings: [n, dim].  Weights that
 * are NaN, or activations beyond float32, must not pass for an answer. */
static int check_finite(const clipc_session *s, const float *embeddings, size_t n)
{
    size_t dim = (size_t)clipc_dim(s->model);

    for (size_t i = 0; i < n * dim; i++) {
        if (!isfinite(embeddings[i])) {
            return base_fail(CLIPC_ERROR_NUMBER, "the vector is not finite: damaged weights, or "
                                                 "numbers beyond float32 on the way");
        }
    }
    return CLIPC_OK;
}

/* n <= batch images; with a trace, step by step. */
static void run_vision(clipc_session *s, const float *pixels, size_t n, float *embeddings)
{
    session_fetch_vision(s);
    if (s->trace.fn != NULL) {
        trace_vision(&s->trace, &s->vision, &s->engine, &s->vision_buffers, pixels, n, embeddings);
    } else {
        vision_forward(&s->vision, &s->engine, &s->vision_buffers, pixels, n, embeddings);
    }
}

/* n <= batch texts: row i of tokens: [n, stride] has s->lengths[i] ids. */
static void run_text(clipc_session *s, const int32_t *tokens, size_t stride, size_t n,
                     float *embeddings)
{
    const struct text_batch batch = {tokens, stride, s->lengths, n, s->full_context};

    session_fetch_text(s);
    if (s->trace.fn != NULL) {
        trace_text(&s->trace, &s->text, &s->engine, &s->text_buffers, &batch, embeddings);
    } else {
        text_forward(&s->text, &s->engine, &s->text_buffers, &batch, embeddings);
    }
}

int clipc_encode_pixels(clipc_session *s, const float *pixels, size_t n, float *embeddings)
{
    int status = check_encode(s, pixels, n, embeddings, true);

    for (size_t i = 0, m; status == CLIPC_OK && i < n; i += m) {
        size_t floats = 3 * s->vision.image_size * s->vision.image_size;
        m = batch_of(s, n - i);
        run_vision(s, pixels + i * floats, m, embeddings + i * s->vision.embed_dim);
    }
    return status == CLIPC_OK ? check_finite(s, embeddings, n) : status;
}

int clipc_session_preprocess(const clipc_session *s, const struct clipc_image *image, int rules,
                             int size, float *pixels)
{
    return model_image_pixels(s == NULL ? NULL : s->model, s == NULL ? NULL : &s->engine.k, image,
                              rules, size, pixels);
}

int clipc_session_preprocess_file(const clipc_session *s, const char *path,
                                  const struct clipc_image_options *options, int rules, int size,
                                  float *pixels)
{
    return model_path_pixels(s == NULL ? NULL : s->model, s == NULL ? NULL : &s->engine.k, path,
                             options, rules, size, pixels);
}

int clipc_session_preprocess_bytes(const clipc_session *s, const void *bytes, size_t n_bytes,
                                   const struct clipc_image_options *options, int rules, int size,
                                   float *pixels)
{
    return model_file_pixels(s == NULL ? NULL : s->model, s == NULL ? NULL : &s->engine.k, bytes,
                             n_bytes, options, rules, size, pixels);
}

int session_rows_pixels(const clipc_session *s, struct image_rows *rows, int rules, float *pixels)
{
    return model_rows_pixels(s->model, &s->engine.k, rows, rules, 0, pixels);
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
            run_vision(s, s->pixels, m, embeddings + i * s->vision.embed_dim);
        }
    }
    return status == CLIPC_OK ? check_finite(s, embeddings, n) : status;
}

/* Text j of the session's tokens up to the context. */
static void fill_context(clipc_session *s, size_t j)
{
    int32_t *ids = s->tokens + j * s->text.context;

    for (size_t k = s->lengths[j]; k < s->text.context; k++) {
        ids[k] = (int32_t)s->model->weights.header.pad_id;
    }
    s->lengths[j] = (uint32_t)s->text.context;
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
        const int32_t *rows = tokens + i * length;
        size_t stride = length;
        m = batch_of(s, n - i);
        for (size_t j = 0; j < m; j++) {
            s->lengths[j] = (uint32_t)length;
        }
        if (s->pads && length < s->text.context) {
            for (size_t j = 0; j < m; j++) {
                memcpy(s->tokens + j * s->text.context, rows + j * length, length * sizeof *rows);
                fill_context(s, j);
            }
            rows = s->tokens;
            stride = s->text.context;
        }
        run_text(s, rows, stride, m, embeddings + i * s->text.embed_dim);
    }
    return status == CLIPC_OK ? check_finite(s, embeddings, n) : status;
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
            if (status == CLIPC_OK && (s->full_context || s->pads)) {
                fill_context(s, j);
            }
        }
        if (status == CLIPC_OK) {
            run_text(s, s->tokens, s->text.context, m, embeddings + i * s->text.embed_dim);
        }
    }
    return status == CLIPC_OK ? check_finite(s, embeddings, n) : status;
}
