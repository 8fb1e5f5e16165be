/* evaluate.c - how well a model knows cards, shapes and empty backgrounds of seeds that training
 * never draws, and how far apart its scores are. */
#include "evaluate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "draw.h"
#include "need.h"

enum { FACES = CARD_RANKS * CARD_SUITS, PAIRS = DRAW_COLOURS * DRAW_SHAPES };
/* Scenes of evaluation have these seeds and the next; those of training begin far above. */
enum { FIRST_SEED = 1000 };

/* Prompts [n], and room for a picture and what comes of it. */
struct judge {
    const struct evaluate_model *m;
    int n;
    float *prompts, *image; /* [n, dim], [dim] */
    double *cosines;        /* [n] */
    uint8_t *rgb;
};

static void judge_new(struct judge *j, const struct evaluate_model *m, int n)
{
    j->m = m;
    j->n = n;
    j->prompts = need_memory(calloc(1, (size_t)((n + 1) * m->dim) * sizeof *j->prompts));
    j->image = j->prompts + n * m->dim;
    j->cosines = need_memory(calloc(1, (size_t)n * sizeof *j->cosines));
    j->rgb = need_memory(calloc(1, (size_t)(3 * m->size * m->size)));
}

static void judge_free(struct judge *j)
{
    free(j->prompts);
    free(j->cosines);
    free(j->rgb);
}

/* Scene number i of those that show each face, or each coloured shape, in turn. */
static void card_scene(struct draw_scene *s, int i)
{
    int face = i % FACES;

    draw_card_scene(s, (uint64_t)(FIRST_SEED + i), face / CARD_SUITS, face % CARD_SUITS);
}

static void shape_scene(struct draw_scene *s, int i)
{
    int pair = i % PAIRS;

    draw_scene(s, (uint64_t)(FIRST_SEED + i), pair / DRAW_SHAPES, pair % DRAW_SHAPES);
}

/* "an ace of spades playing card", "a red circle" */
static void judge_prompt(struct judge *j, int i, const struct draw_scene *s)
{
    char text[DRAW_CAPTION];

    if (s->has_card) {
        const char *rank = card_ranks[s->card.rank];
        snprintf(text, sizeof text, "%s %s of %s playing card",
                 strchr("aeiou", rank[0]) != NULL ? "an" : "a", rank, card_suits[s->card.suit]);
    } else {
        draw_name(s, text);
    }
    j->m->text(j->m->arg, text, j->prompts + i * j->m->dim);
}

/* The prompts of the faces, of the coloured shapes, or of both. */
static void judge_all(struct judge *j, const struct evaluate_model *m, int faces, int pairs)
{
    struct draw_scene s;

    judge_new(j, m, faces + pairs);
    for (int i = 0; i < faces + pairs; i++) {
        if (i < faces) {
            card_scene(&s, i);
        } else {
            shape_scene(&s, i - faces);
        }
        judge_prompt(j, i, &s);
    }
}

/* Cosines of the prompts with the scene's picture; the index of the largest. */
static int judge_best(struct judge *j, const struct draw_scene *s)
{
    int best = 0;

    draw_render(s, j->m->size, 3, j->rgb);
    j->m->image(j->m->arg, j->rgb, j->image);
    for (int p = 0; p < j->n; p++) {
        j->cosines[p] = 0;
        for (int k = 0; k < j->m->dim; k++) {
            j->cosines[p] += (double)j->image[k] * (double)j->prompts[p * j->m->dim + k];
        }
        best = j->cosines[p] > j->cosines[best] ? p : best;
    }
    return best;
}

/* Scenes among the prompts of their kind. */
static double among_own(const struct evaluate_model *m, int n, int faces, int pairs, int *answers)
{
    struct draw_scene s;
    struct judge j;
    int right = 0;

    judge_all(&j, m, faces, pairs);
    for (int i = 0; i < n; i++) {
        if (faces > 0) {
            card_scene(&s, i);
        } else {
            shape_scene(&s, i);
        }
        int shown = i % j.n, best = judge_best(&j, &s);
        right += best == shown;
        if (answers != NULL) {
            answers[shown * j.n + best]++;
        }
    }
    judge_free(&j);
    return (double)right / n;
}

double evaluate_cards(const struct evaluate_model *m, int n, int *answers)
{
    return among_own(m, n, FACES, 0, answers);
}

double evaluate_shapes(const struct evaluate_model *m, int n, int *answers)
{
    return among_own(m, n, 0, PAIRS, answers);
}

/* ---- How far apart the scores are ---------------------------------------------------------- */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double quantile(const double *sorted, int n, double part)
{
    return sorted[(int)(part * (n - 1) + 0.5)];
}

/* Frame number i of those without an ace of spades: half of them cards. */
static void frame_without(struct draw_scene *s, int i)
{
    uint64_t seed = (uint64_t)(FIRST_SEED + i);
    int face = 1 + i % (FACES - 1);

    if (i % 2 == 0) {
        draw_card_scene(s, seed, face / CARD_SUITS, face % CARD_SUITS);
    } else if (i % 4 == 1) {
        draw_scene(s, seed, -1, -1);
    } else {
        draw_empty_scene(s, seed);
    }
}

void evaluate_frames(const struct evaluate_model *m, int n, struct evaluate_frames *f)
{
    int others = 3 * n;
    double *with = need_memory(calloc(1, (size_t)n * sizeof *with));
    double *without = need_memory(calloc(1, (size_t)others * sizeof *without));
    struct draw_scene s;
    struct judge j;

    judge_new(&j, m, 1);
    for (int i = 0; i < n; i++) {
        draw_card_scene(&s, (uint64_t)(FIRST_SEED + i), 0, 0);
        if (i == 0) {
            judge_prompt(&j, 0, &s);
        }
        judge_best(&j, &s);
        with[i] = j.cosines[0];
    }
    for (int i = 0; i < others; i++) {
        frame_without(&s, i);
        judge_best(&j, &s);
        without[i] = j.cosines[0];
    }
    qsort(with, (size_t)n, sizeof *with, ascending);
    qsort(without, (size_t)others, sizeof *without, ascending);
    *f = (struct evaluate_frames){
        .lowest = with[0],
        .median = quantile(with, n, 0.5),
        .best_without = without[others - 1],
        .threshold = quantile(with, n, 0.05),
    };
    for (int i = 0; i < n; i++) {
        f->above += with[i] > f->best_without;
    }
    for (int i = 0; i < others; i++) {
        f->mistaken += without[i] > f->threshold;
    }
    free(with);
    free(without);
    judge_free(&j);
}

void evaluate_empty(const struct evaluate_model *m, int n, struct evaluate_empty *e)
{
    double *right = need_memory(calloc(1, 2 * (size_t)n * sizeof *right)), *empty = right + n;
    struct draw_scene s;
    struct judge j;

    judge_all(&j, m, FACES, PAIRS);
    *e = (struct evaluate_empty){0};
    for (int i = 0; i < n; i++) {
        draw_empty_scene(&s, (uint64_t)(FIRST_SEED + i));
        int top = judge_best(&j, &s);
        empty[i] = j.cosines[top];
    }
    qsort(empty, (size_t)n, sizeof *empty, ascending);
    e->best = empty[n - 1];
    e->most = quantile(empty, n, 0.95);
    for (int i = 0; i < n; i++) {
        if (i % 2 == 0) {
            card_scene(&s, i / 2);
        } else {
            shape_scene(&s, i / 2);
        }
        judge_best(&j, &s);
        right[i] = j.cosines[i % 2 == 0 ? i / 2 % FACES : FACES + i / 2 % PAIRS];
        e->below += right[i] < e->best;
    }
    qsort(right, (size_t)n, sizeof *right, ascending);
    e->lowest = right[0];
    e->quarter = quantile(right, n, 0.25);
    free(right);
    judge_free(&j);
}

void evaluate_range(const struct evaluate_model *m, int n, double *low, double *high)
{
    double *right = need_memory(calloc(1, (size_t)n * sizeof *right));
    double *wrong = need_memory(calloc(1, (size_t)(n * (FACES - 1)) * sizeof *wrong));
    struct draw_scene s;
    struct judge j;
    int w = 0;

    judge_all(&j, m, FACES, 0);
    for (int i = 0; i < n; i++) {
        card_scene(&s, i);
        judge_best(&j, &s);
        for (int f = 0; f < FACES; f++) {
            if (f == i % FACES) {
                right[i] = j.cosines[f];
            } else {
                wrong[w++] = j.cosines[f];
            }
        }
    }
    qsort(right, (size_t)n, sizeof *right, ascending);
    qsort(wrong, (size_t)w, sizeof *wrong, ascending);
    *low = quantile(wrong, w, 0.95);
    *high = quantile(right, n, 0.5);
    free(right);
    free(wrong);
    judge_free(&j);
}
