#include "batch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loss.h"

/* Scenes of training have seeds from here on; those below are for evaluation, pictures and
 * tests. */
#define FIRST_SEED 1000000u
#define WARM_UP    200
#define DECAY      0.1
#define BETA1      0.9
#define BETA2      0.98
#define CLIP_NORM  1.0
#define AVERAGE    0.999 /* of the exported weights */
#define EASY       0.15  /* the part of the run over which scenes grow harder */
#define PALETTE    3     /* colours of most batches */

struct shard {
    struct model_work_f32 *work;
    float *pixels, *images, *texts, *d_images, *d_texts; /* [n, ...] */
    float *grads;                                        /* [total] */
    int *ids, *ends;
};

/* Three colours for a batch, so that most of its captions differ in shape alone: with all twelve a
 * batch is told apart by colour, and circles stay hexagons (77 % top-1 after 2600 steps, each
 * colour right and one shape in four wrong).  Every fourth batch has all colours. */
static int palette_colour(const struct train *t, uint64_t *state)
{
    uint64_t palette = t->o.seed * 0x9e3779b97f4a7c15u + (uint64_t)t->step;
    int skip = (int)(draw_uniform(state) * PALETTE);

    if (t->step % 4 == 3) {
        return -1;
    }
    while (skip-- > 0) {
        draw_random(&palette);
    }
    return (int)(draw_uniform(&palette) * DRAW_COLOURS);
}

/* The faces come in rounds, each round in an order of its own. */
static int face_of_turn(int faces, uint64_t seed, int turn)
{
    uint64_t state = seed * 77 + (uint64_t)(turn / faces);
    int order[CARD_RANKS * CARD_SUITS];

    for (int i = 0; i < faces; i++) {
        int j = (int)(draw_uniform(&state) * (i + 1));
        order[i] = order[j];
        order[j] = i;
    }
    return order[turn % faces];
}

/* Place `at` of a batch: every other one a card, all faces before any comes again, else a shape. */
static void draw_place(const struct batch *b, int at, uint64_t seed, uint64_t *state,
                       struct draw_scene *scene)
{
    const struct train *t = b->t;

    if (t->o.faces > 0 && at % 2 == 0) {
        int rank, suit, turn = t->step * (t->o.batch / 2) + at / 2;
        train_face(t->o.faces, face_of_turn(t->o.faces, t->o.seed, turn), &rank, &suit);
        draw_card_scene(scene, seed, rank, suit);
    } else {
        draw_scene(scene, seed, palette_colour(t, state), -1);
    }
    draw_ease(scene, fmin(1, t->step / (EASY * t->o.steps)));
}

static void draw_shard(struct batch *b, int s)
{
    struct shard *shard = &b->shards[s];
    int size = b->t->layout.config.image;
    uint8_t *rgb = train_need(malloc((size_t)(size * size * 3)));

    for (int i = 0; i < b->per_shard; i++) {
        int at = s * b->per_shard + i;
        uint64_t seed = FIRST_SEED + (uint64_t)b->t->step * (uint64_t)b->t->o.batch + (uint64_t)at;
        uint64_t state = seed ^ 0xabcdef;
        draw_place(b, at, seed, &state, &b->scenes[at]);
        draw_caption(&b->scenes[at], &state, &b->captions[at]);
        draw_render(&b->scenes[at], size, rgb);
        train_pixels(rgb, size, shard->pixels + i * 3 * size * size);
        shard->ends[i] = bpe_encode(&b->t->bpe, b->captions[at].text,
                                    shard->ids + i * TRAIN_CONTEXT, TRAIN_CONTEXT) -
                         1;
    }
    free(rgb);
}

/* Rows of ids are moved together to the batch's longest text, padded with the end token. */
static void pack_ids(struct batch *b)
{
    int end = bpe_vocab_size(&b->t->bpe) - 1;

    b->length = 0;
    for (int s = 0; s < b->t->o.threads; s++) {
        for (int i = 0; i < b->per_shard; i++) {
            b->length = b->shards[s].ends[i] + 1 > b->length ? b->shards[s].ends[i] + 1 : b->length;
        }
    }
    for (int s = 0; s < b->t->o.threads; s++) {
        for (int i = 0; i < b->per_shard; i++) {
            for (int j = 0; j < b->length; j++) {
                b->shards[s].ids[i * b->length + j] =
                    j <= b->shards[s].ends[i] ? b->shards[s].ids[i * TRAIN_CONTEXT + j] : end;
            }
        }
    }
}

static void work_shard(void *arg, size_t s, int worker)
{
    struct batch *b = arg;
    struct shard *h = &b->shards[s];
    const float *params = b->t->params;

    (void)worker;
    if (b->phase == 0) {
        draw_shard(b, (int)s);
    } else if (b->phase == 1) {
        model_images_f32(h->work, params, h->pixels, b->per_shard, h->images);
        model_texts_f32(h->work, params, h->ids, b->length, h->ends, b->per_shard, h->texts);
    } else {
        memset(h->grads, 0, b->t->layout.total * sizeof(float));
        model_images_back_f32(h->work, params, h->d_images, h->grads);
        model_texts_back_f32(h->work, params, h->d_texts, h->grads);
    }
}

static void relate(const struct batch *b, unsigned char *relation)
{
    int n = b->t->o.batch;

    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
            bool vague = draw_is_vague(&b->captions[j]);
            relation[i * n + j] = !draw_is_true(&b->captions[j], &b->scenes[i]) ? LOSS_FALSE
                                  : vague                                       ? LOSS_VAGUE
                                                                                : LOSS_TRUE;
        }
    }
}

/* Loss over the whole batch; gradients of the vectors go back to the shards. */
static double batch_loss(struct batch *b, double *d_scale, int *hits)
{
    int n = b->t->o.batch, dim = b->t->layout.config.embed;
    size_t size = (size_t)(n * dim);
    double *v = train_need(malloc(4 * size * sizeof *v));
    unsigned char *relation = train_need(malloc((size_t)(n * n)));

    for (size_t i = 0; i < size; i++) {
        size_t s = i / (size_t)(b->per_shard * dim), j = i % (size_t)(b->per_shard * dim);
        v[i] = (double)b->shards[s].images[j];
        v[size + i] = (double)b->shards[s].texts[j];
    }
    relate(b, relation);
    double scale = (double)b->t->params[model_offset(&b->t->layout, "logit_scale")];
    double loss = loss_compute(v, v + size, n, dim, scale, relation, v + 2 * size, v + 3 * size,
                               d_scale, hits);
    for (size_t i = 0; i < size; i++) {
        size_t s = i / (size_t)(b->per_shard * dim), j = i % (size_t)(b->per_shard * dim);
        b->shards[s].d_images[j] = (float)v[2 * size + i];
        b->shards[s].d_texts[j] = (float)v[3 * size + i];
    }
    free(v);
    free(relation);
    return loss;
}

/* AdamW (Loshchilov and Hutter 2019) on the sum of the shards' gradients, clipped. */
static void update(struct train *t, const struct batch *b, double d_scale)
{
    size_t total = t->layout.total, scale_at = model_offset(&t->layout, "logit_scale");
    float *g = b->shards[0].grads;
    double norm = 0, rate;

    for (int s = 1; s < t->o.threads; s++) {
        for (size_t i = 0; i < total; i++) {
            g[i] += b->shards[s].grads[i];
        }
    }
    g[scale_at] += (float)d_scale;
    for (size_t i = 0; i < total; i++) {
        norm += (double)g[i] * (double)g[i];
    }
    double clip = sqrt(norm) > CLIP_NORM ? CLIP_NORM / sqrt(norm) : 1;
    double progress = (double)(t->step - WARM_UP) / (double)(t->o.steps - WARM_UP + 1);
    rate = t->step < WARM_UP ? t->o.rate * (t->step + 1) / WARM_UP
                             : 1e-5 + (t->o.rate - 1e-5) * 0.5 * (1 + cos(M_PI * progress));
    double c1 = 1 - pow(BETA1, t->step + 1), c2 = 1 - pow(BETA2, t->step + 1);
    double keep = t->step < 1000 ? fmin(AVERAGE, (1.0 + t->step) / (10 + t->step)) : AVERAGE;
    for (int k = 0; k < t->layout.n; k++) {
        const struct model_tensor *p = &t->layout.tensors[k];
        for (size_t i = p->offset; i < p->offset + p->rows * p->cols; i++) {
            double d = (double)g[i] * clip;
            t->first[i] = (float)(BETA1 * (double)t->first[i] + (1 - BETA1) * d);
            t->second[i] = (float)(BETA2 * (double)t->second[i] + (1 - BETA2) * d * d);
            double step = (double)t->first[i] / c1 / (sqrt((double)t->second[i] / c2) + 1e-8);
            t->params[i] -= (float)(rate * (step + (p->decay ? DECAY * (double)t->params[i] : 0)));
        }
    }
    if (t->params[scale_at] > (float)log(100)) {
        t->params[scale_at] = (float)log(100);
    }
    for (size_t i = 0; i < total; i++) {
        t->average[i] = (float)(keep * (double)t->average[i] + (1 - keep) * (double)t->params[i]);
    }
}

void batch_new(struct batch *b, struct train *t)
{
    size_t n = (size_t)(t->o.batch / t->o.threads), dim = (size_t)t->layout.config.embed;
    size_t image = (size_t)t->layout.config.image;

    memset(b, 0, sizeof *b);
    b->t = t;
    b->per_shard = (int)n;
    b->shards = train_need(calloc((size_t)t->o.threads, sizeof *b->shards));
    b->scenes = train_need(calloc((size_t)t->o.batch, sizeof *b->scenes));
    b->captions = train_need(calloc((size_t)t->o.batch, sizeof *b->captions));
    for (int s = 0; s < t->o.threads; s++) {
        struct shard *h = &b->shards[s];
        h->work = model_new_f32(&t->layout, (int)n);
        h->pixels = train_need(calloc(n * 3 * image * image, sizeof(float)));
        h->images = train_need(calloc(4 * n * dim, sizeof(float)));
        h->texts = h->images + n * dim;
        h->d_images = h->images + 2 * n * dim;
        h->d_texts = h->images + 3 * n * dim;
        h->grads = train_need(calloc(t->layout.total, sizeof(float)));
        h->ids = train_need(calloc(n * TRAIN_CONTEXT, sizeof(int)));
        h->ends = train_need(calloc(n, sizeof(int)));
    }
}

void batch_free(struct batch *b)
{
    for (int s = 0; s < b->t->o.threads; s++) {
        struct shard *h = &b->shards[s];
        model_free_f32(h->work);
        free(h->pixels);
        free(h->images);
        free(h->grads);
        free(h->ids);
        free(h->ends);
    }
    free(b->shards);
    free(b->scenes);
    free(b->captions);
}

void batch_step(struct batch *b, struct threads_pool *pool)
{
    struct train *t = b->t;
    double d_scale = 0, loss = 0;
    int hits = 0;

    for (b->phase = 0; b->phase < 3; b->phase++) {
        threads_parallel_for(pool, (size_t)t->o.threads, work_shard, b);
        if (b->phase == 0) {
            pack_ids(b);
        } else if (b->phase == 1) {
            loss = batch_loss(b, &d_scale, &hits);
        }
    }
    update(t, b, d_scale);
    double keep = t->step == 0 ? 0 : 0.95;
    t->loss = keep * t->loss + (1 - keep) * loss;
    t->hits = keep * t->hits + (1 - keep) * hits / t->o.batch;
    t->step++;
}
