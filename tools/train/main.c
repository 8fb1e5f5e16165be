/* main.c - clipc-train: draw the world, train the demo model, check the trainer. */
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "train.h"

static const char help[] =
    "usage: clipc-train draw [--seed N] [--count N] [--size S] [--easy] -o FILE.ppm\n"
    "                        [--captions N] [--colour C] [--shape K] | [--card] [--rank R] [--suit "
    "U]\n"
    "       clipc-train run --out DIR [--steps N] [--batch N] [--threads N] [--seed N]\n"
    "                        [--stop-at N] [--faces 12|52]\n"
    "       clipc-train eval --out DIR [--count N] [--faces N]\n"
    "       clipc-train check\n\n"
    "draw   the scenes of some seeds, nine in a row, and what each shows: a shape (C of 12 "
    "colours\n"
    "       and K of 9 shapes fix it) or a card (R of 13 ranks, ace first; U of spades, hearts,\n"
    "       diamonds, clubs); --easy: large, upright and central; --captions N: what can be said "
    "of\n"
    "       each, and which first caption is true of which scene\n"
    "run    train the demo model; goes on from DIR's checkpoint; ends by writing DIR/hf, a\n"
    "       HuggingFace CLIPModel folder for `clipc convert`\n"
    "       with --faces every other picture is a playing card, and the model is larger (12: "
    "aces,\n"
    "       sevens and kings only); the demo model was trained without\n"
    "eval   accuracy of DIR's checkpoint on scenes of unseen seeds\n"
    "check  gradients against finite differences, in double\n";

static int parse(struct arguments *a, int argc, char **argv)
{
    const struct {
        const char *name;
        long *value;
    } numbers[] = {
        {"--seed", &a->seed},         {"--size", &a->size},       {"--colour", &a->colour},
        {"--shape", &a->shape},       {"--steps", &a->steps},     {"--batch", &a->batch},
        {"--threads", &a->threads},   {"--stop-at", &a->stop_at}, {"--count", &a->count},
        {"--captions", &a->captions}, {"--faces", &a->faces},     {"--rank", &a->rank},
        {"--suit", &a->suit}};
    const struct {
        const char *name;
        long *value;
    } flags[] = {{"--card", &a->card}, {"--easy", &a->easy}};

    for (int i = 2; i < argc; i++) {
        bool known = false;
        if (i + 1 < argc && (strcmp(argv[i], "-o") == 0 || strcmp(argv[i], "--out") == 0)) {
            a->out = argv[++i];
            continue;
        }
        for (size_t j = 0; j < sizeof flags / sizeof flags[0]; j++) {
            if (strcmp(argv[i], flags[j].name) == 0) {
                *flags[j].value = 1;
                known = true;
            }
        }
        for (size_t j = 0; !known && j < sizeof numbers / sizeof numbers[0] && i + 1 < argc; j++) {
            if (strcmp(argv[i], numbers[j].name) == 0) {
                char *end;
                *numbers[j].value = strtol(argv[++i], &end, 10);
                known = *end == '\0' && *argv[i] != '\0';
                break;
            }
        }
        if (!known) {
            fprintf(stderr, "clipc-train: '%s'?\n%s", argv[i], help);
            return 2;
        }
    }
    return 0;
}

static int usage(void)
{
    fputs(help, stderr);
    return 2;
}

static bool drawable(const struct arguments *a)
{
    return a->out != NULL && a->size >= 8 && a->size <= 4096 && a->count >= 1 && a->count <= 1000 &&
           a->captions >= 0 && a->captions <= 1000 && a->size * a->size * a->count <= 1L << 27 &&
           a->colour < DRAW_COLOURS && a->shape < DRAW_SHAPES && a->rank < CARD_RANKS &&
           a->suit < CARD_SUITS;
}

int main(int argc, char **argv)
{
    struct arguments a = {.seed = 1,
                          .size = 128,
                          .count = -1,
                          .colour = -1,
                          .shape = -1,
                          .rank = -1,
                          .suit = -1,
                          .steps = 13000,
                          .batch = 64,
                          .threads = 2};
    struct train t;

    if (argc < 2 || strcmp(argv[1], "--help") == 0) {
        fputs(help, argc < 2 ? stderr : stdout);
        return argc < 2 ? 2 : 0;
    }
    int code = parse(&a, argc, argv);
    if (code != 0) {
        return code;
    }
    openblas_set_num_threads(1); /* the shards of a batch are our threads */
    if (strcmp(argv[1], "draw") == 0) {
        a.count = a.count < 0 ? 1 : a.count;
        return drawable(&a) ? command_draw(&a) : usage();
    }
    if (strcmp(argv[1], "check") == 0) {
        return command_check();
    }
    a.count = a.count < 0 ? 1080 : a.count;
    struct train_options o = {.folder = a.out,
                              .steps = (int)a.steps,
                              .batch = (int)a.batch,
                              .threads = (int)a.threads,
                              .rate = 7e-4,
                              .faces = (int)a.faces,
                              .seed = (uint64_t)a.seed,
                              .stop_at = (int)a.stop_at};
    if (a.out == NULL || a.threads < 1 || a.threads > 64 || a.batch < a.threads ||
        a.batch % a.threads != 0 || a.batch > 4096 || a.steps < 1 ||
        (a.faces != 0 && a.faces != 12 && a.faces != 52)) {
        return usage();
    }
    train_new(&t, &o);
    if (strcmp(argv[1], "run") == 0) {
        code = train_run(&t) != 0;
    } else if (strcmp(argv[1], "eval") == 0) {
        code = train_load(&t) != 0;
        if (code == 0) {
            printf("top-1 of 108 prompts: %.1f %%\n", 100 * train_evaluate(&t, (int)a.count, true));
            if (a.faces > 0) {
                printf("top-1 of %ld faces: %.1f %%\n", a.faces,
                       100 * train_evaluate_cards(&t, (int)a.count));
            }
        }
    } else {
        code = usage();
    }
    train_free(&t);
    return code;
}
