/* command_eval.c - a .clipc file, run by the library, on scenes of unseen seeds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/clipc.h"
#include "commands.h"
#include "draw.h"
#include "evaluate.h"

enum { FACES = CARD_RANKS * CARD_SUITS, PAIRS = DRAW_COLOURS * DRAW_SHAPES };

struct eye {
    clipc_model *model;
    clipc_session *session;
    int size;
};

static void complain(void)
{
    fprintf(stderr, "clipc-train: %s\n", clipc_errmsg());
    exit(1);
}

static void eye_text(void *arg, const char *text, float *vector)
{
    const struct eye *e = arg;
    struct clipc_text t = {text, strlen(text)};

    if (clipc_encode_texts(e->session, &t, 1, vector) != CLIPC_OK) {
        complain();
    }
    clipc_normalize(vector, 1, (size_t)clipc_dim(e->model));
}

static void eye_image(void *arg, const uint8_t *rgb, float *vector)
{
    const struct eye *e = arg;
    struct clipc_image image = {.data = (void *)(uintptr_t)rgb,
                                .width = (uint32_t)e->size,
                                .height = (uint32_t)e->size,
                                .stride = 3 * (size_t)e->size,
                                .format = CLIPC_RGB};

    if (clipc_encode_images(e->session, &image, 1, vector) != CLIPC_OK) {
        complain();
    }
    clipc_normalize(vector, 1, (size_t)clipc_dim(e->model));
}

/* Of those shown whose index, divided by `by` and then modulo `of`, is i: how many are right. */
static void print_part(const char *name, const int *answers, int n, int by, int of, int i)
{
    int right = 0, all = 0;

    for (int shown = 0; shown < n; shown++) {
        for (int answer = 0; answer < n && shown / by % of == i; answer++) {
            right += shown == answer ? answers[shown * n + answer] : 0;
            all += answers[shown * n + answer];
        }
    }
    printf("  %-9s %5.1f %%\n", name, 100.0 * right / (all + 1e-9));
}

static void print_cards(const struct evaluate_model *m, int n)
{
    static int answers[FACES * FACES];
    int ranks = 0, suits = 0, both = 0;

    memset(answers, 0, sizeof answers);
    printf("cards, top-1 of 52 on %d: %.1f %%\n", n, 100 * evaluate_cards(m, n, answers));
    for (int r = 0; r < CARD_RANKS; r++) {
        print_part(card_ranks[r], answers, FACES, CARD_SUITS, CARD_RANKS, r);
    }
    for (int s = 0; s < CARD_SUITS; s++) {
        print_part(card_suits[s], answers, FACES, 1, CARD_SUITS, s);
    }
    for (int i = 0; i < FACES * FACES; i++) {
        int f = i / FACES, g = i % FACES;
        bool rank = f / CARD_SUITS != g / CARD_SUITS, suit = f % CARD_SUITS != g % CARD_SUITS;
        ranks += rank && !suit ? answers[i] : 0;
        suits += suit && !rank ? answers[i] : 0;
        both += rank && suit ? answers[i] : 0;
    }
    printf("  wrong: %d in the rank alone, %d in the suit alone, %d in both\n", ranks, suits, both);
}

static void print_shapes(const struct evaluate_model *m, int n)
{
    static int answers[PAIRS * PAIRS];

    memset(answers, 0, sizeof answers);
    printf("shapes, top-1 of 108 on %d: %.1f %%\n", n, 100 * evaluate_shapes(m, n, answers));
    for (int c = 0; c < DRAW_COLOURS; c++) {
        print_part(draw_colours[c], answers, PAIRS, DRAW_SHAPES, DRAW_COLOURS, c);
    }
    for (int s = 0; s < DRAW_SHAPES; s++) {
        print_part(draw_shapes[s], answers, PAIRS, 1, DRAW_SHAPES, s);
    }
}

static void print_scores(const struct evaluate_model *m, int n)
{
    int few = n < 500 ? n : 500;
    struct evaluate_frames frames;
    struct evaluate_empty empty;
    double low, high;

    evaluate_frames(m, few, &frames);
    printf(
        "\"an ace of spades playing card\": %.3f (lowest) and %.3f (median) on %d frames with it,\n"
        "  %.3f on the best of %d without it; %.1f %% of those with it are above that.\n"
        "  %.3f is under 95 %% of those with it, and under %d of those without.\n",
        frames.lowest, frames.median, few, frames.best_without, 3 * few, 100.0 * frames.above / few,
        frames.threshold, frames.mistaken);
    evaluate_empty(m, few, &empty);
    printf(
        "empty backgrounds: of 160 prompts the best has %.3f at most on %d of them, less than "
        "%.3f on\n"
        "  95 %%; the right ones on %d pictures have %.3f (lowest) or more, three in four %.3f;\n"
        "  %d are below the first.\n",
        empty.best, few, empty.most, few, empty.lowest, empty.quarter, empty.below);
    evaluate_range(m, few, &low, &high);
    printf(
        "range to show: %.2f (95 %% of wrong names are below) to %.2f (half of the right ones are "
        "above)\n",
        low, high);
}

static void print_results(const struct evaluate_model *m, int n)
{
    print_cards(m, n);
    fflush(stdout);
    print_shapes(m, n);
    fflush(stdout);
    print_scores(m, n);
}

int command_eval(const struct arguments *a)
{
    struct clipc_model_info info = {.size = sizeof info};
    struct eye e = {NULL, NULL, 0};
    int code = 1;

    if (clipc_open(a->model, &e.model) == CLIPC_OK &&
        clipc_model_info(e.model, &info) == CLIPC_OK &&
        clipc_session_new(e.model, NULL, &e.session) == CLIPC_OK) {
        struct evaluate_model m = {&e, info.image_size, info.dim, eye_text, eye_image};
        e.size = info.image_size;
        if (info.image_size > 0 && info.has_tokenizer) {
            print_results(&m, (int)a->count);
            code = 0;
        } else {
            fprintf(stderr, "clipc-train: %s: needs an image tower and a tokenizer\n", a->model);
        }
    } else {
        fprintf(stderr, "clipc-train: %s\n", clipc_errmsg());
    }
    clipc_session_free(e.session);
    clipc_close(e.model);
    return code;
}
