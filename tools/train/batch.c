/* batch.c - a step of training.  The batch is cut into shards of a few pictures, whose values stay
 * in the cache through all blocks; their gradients are summed in the shards' order, so that the
 * number of threads changes nothing. */
#include "batch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loss.h"
#include "mixture.h"
#include "need.h"
#include "optimizer.h"

enum { SHARD = 8, SAMPLES = 2 }; /* pictures of a shard; samples a side of a pixel */

struct shard {
    struct model_work_f32 *work;
    struct model_said said;
    float *grads; /* [total] */
};

/* ---- Phases -------------------------------------------------------------------------------- */

static void draw_picture(void *arg, size_t i, int worker)
{
    struct batch *b = arg;
    const struct model_config *c = &b->t->layout.config;
    int size = c->image, grid = size / c->patch;
    uint8_t *rgb = need_memory(malloc((size_t)(size * size * 3)));

    (void)worker;
    mixture_place(b->t, (int)i, &b->scenes[i], &b->captions[i]);
    draw_render(&b->scenes[i], size, SAMPLES, rgb);
    draw_pixels(rgb, size, b->pixels + i * (size_t)(3 * size * size));
    draw_labels(&b->scenes[i], b->labels + i * DRAW_GROUPS);
    draw_patch_labels(&b->scenes[i], grid,
                      b->patch_labels + i * (size_t)(grid * grid * DRAW_GROUPS));
    free(rgb);
}

/* Rows of ids, as long as the batch's longest text, padded with the end token. */
static void encode_captions(struct batch *b)
{
    int end = vocabulary_size(&b->t->vocabulary) - 1;

    b->length = 0;
    for (int i = 0; i < b->texts; i++) {
        b->ends[i] = vocabulary_encode(&b->t->vocabulary, b->captions[i].text,
                                       b->ids + i * TRAIN_CONTEXT, TRAIN_CONTEXT) -
                     1;
        b->length = b->ends[i] + 1 > b->length ? b->ends[i] + 1 : b->length;
    }
    for (int i = 0; i < b->texts; i++) {
        for (int j = 0; j < b->length; j++) {
            b->packed[i * b->length + j] = j <= b->ends[i] ? b->ids[i * TRAIN_CONTEXT + j] : end;
        }
    }
}

/* Each of the two losses of the heads is a mean over what has a label, times 2 for images; they
 * fade out over the second half of the run. */
static void weigh_answers(struct batch *b)
{
    int patches = b->t->layout.config.vision.tokens - 1, n = b->t->o.batch;
    double fade = fmin(1, 2 * (1 - (double)b->t->step / b->t->o.steps));

    b->answers.image_weight = 2 * fade / n;
    for (int g = 0; g < DRAW_GROUPS; g++) {
        int labelled = 0;
        for (int i = 0; i < n * patches; i++) {
            labelled += b->patch_labels[i * DRAW_GROUPS + g] >= 0;
        }
        b->answers.patch_weight[g] = labelled > 0 ? fade / labelled : 0;
    }
}

static int min_int(int a, int b)
{
    return a < b ? a : b;
}

static void work_shard(void *arg, size_t s, int worker)
{
    struct batch *b = arg;
    struct shard *h = &b->shards[s];
    const struct model_config *c = &b->t->layout.config;
    const float *params = b->t->params;
    int first = (int)s * b->each, first_text = (int)s * b->each_text;
    int n = min_int(b->each, b->t->o.batch - first);
    int n_texts = min_int(b->each_text, b->texts - first_text);
    size_t at = (size_t)(first * c->embed), text_at = (size_t)(first_text * c->embed);

    (void)worker;
    if (b->phase == 0) {
        model_images_f32(h->work, params, b->pixels + (size_t)(first * 3 * c->image * c->image), n,
                         b->images + at);
        model_texts_f32(h->work, params, b->packed + first_text * b->length, b->length,
                        b->ends + first_text, n_texts, b->text_vectors + text_at);
    } else {
        struct model_answers answers = b->answers;
        answers.images = b->labels + first * DRAW_GROUPS;
        answers.patches = b->patch_labels + first * (c->vision.tokens - 1) * DRAW_GROUPS;
        memset(h->grads, 0, b->t->layout.total * sizeof(float));
        memset(&h->said, 0, sizeof h->said);
        model_images_back_f32(h->work, params, b->d_images + at, &answers, &h->said, h->grads);
        model_texts_back_f32(h->work, params, b->d_texts + text_at, h->grads);
    }
}

/* ---- The loss of the whole batch ----------------------------------------------------------- */

static void relate(const struct batch *b, unsigned char *relation)
{
    for (int i = 0; i < b->t->o.batch; i++) {
        for (int j = 0; j < b->texts; j++) {
            bool vague = draw_is_vague(&b->captions[j]);
            relation[i * b->texts + j] = !draw_is_true(&b->captions[j], &b->scenes[i]) ? LOSS_FALSE
                                         : vague                                       ? LOSS_VAGUE
                                                                                       : LOSS_TRUE;
        }
    }
}

static void to_double(double *to, const float *from, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        to[i] = (double)from[i];
    }
}

static void to_float(float *to, const double *from, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        to[i] = (float)from[i];
    }
}

static double batch_loss(struct batch *b, double *d_scale, int *hits)
{
    int n = b->t->o.batch, m = b->texts, dim = b->t->layout.config.embed;
    size_t images = (size_t)(n * dim), texts = (size_t)(m * dim);
    double *v = need_memory(malloc(2 * (images + texts) * sizeof *v));
    double *t = v + images, *d_v = t + texts, *d_t = d_v + images;
    unsigned char *relation = need_memory(malloc((size_t)(n * m)));

    to_double(v, b->images, images);
    to_double(t, b->text_vectors, texts);
    relate(b, relation);
    double scale = (double)b->t->params[model_offset(&b->t->layout, "logit_scale")];
    double loss = loss_compute(v, t, n, m, dim, scale, relation, d_v, d_t, d_scale, hits);
    to_float(b->d_images, d_v, images);
    to_float(b->d_texts, d_t, texts);
    free(v);
    free(relation);
    return loss;
}

/* Running means for the lines of progress and the gates. */
static void remember(struct batch *b, double loss, int hits)
{
    struct train *t = b->t;
    struct train_means *m = &t->means;
    int asked[DRAW_GROUPS] = {0}, right[DRAW_GROUPS] = {0};
    double keep = t->step == 0 ? 0 : 0.98;

    for (int s = 0; s < b->n_shards; s++) {
        for (int g = 0; g < DRAW_GROUPS; g++) {
            asked[g] += b->shards[s].said.asked[g];
            right[g] += b->shards[s].said.right[g];
        }
    }
    m->loss = keep * m->loss + (1 - keep) * loss;
    m->hits = keep * m->hits + (1 - keep) * hits / t->o.batch;
    for (int g = 0; g < DRAW_GROUPS; g++) {
        double share = asked[g] > 0 ? (double)right[g] / asked[g] : 0;
        m->right[g] = keep * m->right[g] + (1 - keep) * share;
    }
}

void batch_step(struct batch *b, struct threads_pool *pool)
{
    struct train *t = b->t;
    double d_scale = 0;
    int hits = 0;

    threads_parallel_for(pool, (size_t)t->o.batch, draw_picture, b);
    mixture_captions(t, b->captions + t->o.batch);
    encode_captions(b);
    weigh_answers(b);
    b->phase = 0;
    threads_parallel_for(pool, (size_t)b->n_shards, work_shard, b);
    double loss = batch_loss(b, &d_scale, &hits);
    b->phase = 1;
    threads_parallel_for(pool, (size_t)b->n_shards, work_shard, b);
    b->grads[0][model_offset(&t->layout, "logit_scale")] += (float)d_scale;
    optimizer_step(t, pool, b->grads, b->n_shards);
    remember(b, loss, hits);
    t->step++;
}

/* ---- Memory -------------------------------------------------------------------------------- */

static float *floats(size_t n)
{
    return need_memory(calloc(n, sizeof(float)));
}

void batch_new(struct batch *b, struct train *t)
{
    const struct model_config *c = &t->layout.config;
    size_t n = (size_t)t->o.batch, dim = (size_t)c->embed, image = (size_t)c->image, m;

    memset(b, 0, sizeof *b);
    b->t = t;
    b->texts = t->o.batch + MIXTURE_MORE;
    b->n_shards = (t->o.batch + SHARD - 1) / SHARD;
    b->each = SHARD;
    b->each_text = (b->texts + b->n_shards - 1) / b->n_shards;
    m = (size_t)b->texts;
    b->shards = need_memory(calloc((size_t)b->n_shards, sizeof *b->shards));
    b->grads = need_memory(calloc((size_t)b->n_shards, sizeof *b->grads));
    b->scenes = need_memory(calloc(n, sizeof *b->scenes));
    b->captions = need_memory(calloc(m, sizeof *b->captions));
    b->labels = need_memory(calloc(n, DRAW_GROUPS));
    b->patch_labels = need_memory(calloc(n, (size_t)(c->vision.tokens - 1) * DRAW_GROUPS));
    b->pixels = floats(n * 3 * image * image);
    b->images = floats(n * dim);
    b->d_images = floats(n * dim);
    b->text_vectors = floats(m * dim);
    b->d_texts = floats(m * dim);
    b->ids = need_memory(calloc(m * TRAIN_CONTEXT, sizeof(int)));
    b->packed = need_memory(calloc(m * TRAIN_CONTEXT, sizeof(int)));
    b->ends = need_memory(calloc(m, sizeof(int)));
    for (int s = 0; s < b->n_shards; s++) {
        b->shards[s].work = model_new_f32(&t->layout, b->each, b->each_text);
        b->grads[s] = b->shards[s].grads = floats(t->layout.total);
    }
}

void batch_free(struct batch *b)
{
    void *all[] = {b->grads,  b->scenes,       b->captions, b->labels, b->patch_labels,
                   b->pixels, b->images,       b->d_images, b->ids,    b->packed,
                   b->ends,   b->text_vectors, b->d_texts};

    for (int s = 0; s < b->n_shards; s++) {
        model_free_f32(b->shards[s].work);
        free(b->shards[s].grads);
    }
    free(b->shards);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        free(all[i]);
    }
}
