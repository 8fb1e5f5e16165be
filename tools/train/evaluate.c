/* evaluate.c - top-1 over lists of prompts, on scenes of seeds that training never draws. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "train.h"

enum { PROMPTS = DRAW_COLOURS * DRAW_SHAPES, FACES = CARD_RANKS * CARD_SUITS, GROUP = 36 };

/* Prompts, and what it takes to choose among them. */
struct judge {
    const struct train *t;
    struct model_work_f32 *work;
    int n, dim, size;
    float *prompts; /* [n, dim] */
    float *pixels, *image;
    uint8_t *rgb;
};

static void judge_new(struct judge *j, const struct train *t, char (*texts)[DRAW_CAPTION], int n)
{
    int ids[GROUP * TRAIN_CONTEXT], ends[GROUP];

    j->t = t;
    j->n = n;
    j->dim = t->layout.config.embed;
    j->size = t->layout.config.image;
    j->work = model_new_f32(&t->layout, GROUP);
    j->prompts = train_need(calloc((size_t)(n * j->dim), sizeof *j->prompts));
    j->pixels = train_need(calloc((size_t)(3 * j->size * j->size), sizeof *j->pixels));
    j->image = train_need(calloc((size_t)j->dim, sizeof *j->image));
    j->rgb = train_need(malloc((size_t)(3 * j->size * j->size)));
    for (int first = 0; first < n; first += GROUP) {
        int m = n - first < GROUP ? n - first : GROUP;
        memset(ids, 0, sizeof ids);
        for (int i = 0; i < m; i++) {
            ends[i] =
                bpe_encode(&t->bpe, texts[first + i], ids + i * TRAIN_CONTEXT, TRAIN_CONTEXT) - 1;
        }
        model_texts_f32(j->work, t->average, ids, TRAIN_CONTEXT, ends, m,
                        j->prompts + first * j->dim);
    }
}

static void judge_free(struct judge *j)
{
    model_free_f32(j->work);
    free(j->prompts);
    free(j->pixels);
    free(j->image);
    free(j->rgb);
}

/* Index of the prompt whose cosine with the scene's picture is largest. */
static int judge_best(struct judge *j, const struct draw_scene *s)
{
    double most = -2;
    int best = 0;

    draw_render(s, j->size, j->rgb);
    train_pixels(j->rgb, j->size, j->pixels);
    model_images_f32(j->work, j->t->average, j->pixels, 1, j->image);
    for (int p = 0; p < j->n; p++) {
        double dot = 0;
        for (int k = 0; k < j->dim; k++) {
            dot += (double)j->image[k] * (double)j->prompts[p * j->dim + k];
        }
        best = dot > most ? p : best;
        most = dot > most ? dot : most;
    }
    return best;
}

/* What the scene is called, as a prompt. */
static void prompt_of(const struct draw_scene *s, char text[DRAW_CAPTION])
{
    if (s->has_card) {
        const char *rank = card_ranks[s->card.rank];
        snprintf(text, DRAW_CAPTION, "%s %s of %s playing card",
                 strchr("aeiou", rank[0]) ? "an" : "a", rank, card_suits[s->card.suit]);
    } else {
        draw_name(s, text);
    }
}

double train_evaluate(const struct train *t, int n, bool tables)
{
    char texts[PROMPTS][DRAW_CAPTION];
    int colour[DRAW_COLOURS][2] = {{0}}, shape[DRAW_SHAPES][2] = {{0}}, right = 0;
    struct draw_scene s;
    struct judge j;

    for (int p = 0; p < PROMPTS; p++) {
        draw_scene(&s, 0, p / DRAW_SHAPES, p % DRAW_SHAPES);
        prompt_of(&s, texts[p]);
    }
    judge_new(&j, t, texts, PROMPTS);
    for (int i = 0; i < n; i++) {
        draw_scene(&s, (uint64_t)(1000 + i), i / DRAW_SHAPES % DRAW_COLOURS, i % DRAW_SHAPES);
        const struct draw_item *item = &s.items[0];
        int best = judge_best(&j, &s);
        right += best == item->colour * DRAW_SHAPES + item->shape;
        colour[item->colour][0] += best / DRAW_SHAPES == item->colour;
        colour[item->colour][1]++;
        shape[item->shape][0] += best % DRAW_SHAPES == item->shape;
        shape[item->shape][1]++;
    }
    for (int i = 0; tables && i < DRAW_COLOURS; i++) {
        printf("  %-9s %5.1f %%\n", draw_colours[i], 100.0 * colour[i][0] / (colour[i][1] + 1e-9));
    }
    for (int i = 0; tables && i < DRAW_SHAPES; i++) {
        printf("  %-9s %5.1f %%\n", draw_shapes[i], 100.0 * shape[i][0] / (shape[i][1] + 1e-9));
    }
    judge_free(&j);
    return (double)right / n;
}

double train_evaluate_cards(const struct train *t, int n)
{
    char texts[FACES][DRAW_CAPTION];
    struct draw_scene s;
    struct judge j;
    int right = 0, rank, suit;

    for (int f = 0; f < t->o.faces; f++) {
        train_face(t->o.faces, f, &rank, &suit);
        draw_card_scene(&s, 0, rank, suit);
        prompt_of(&s, texts[f]);
    }
    judge_new(&j, t, texts, t->o.faces);
    for (int i = 0; i < n; i++) {
        train_face(t->o.faces, i % t->o.faces, &rank, &suit);
        draw_card_scene(&s, (uint64_t)(1000 + i), rank, suit);
        right += judge_best(&j, &s) == i % t->o.faces;
    }
    judge_free(&j);
    return (double)right / n;
}
