/* main.c - clipc-train: draw the world, train the demo model, check the trainer. */
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "train.h"

static const char help[] =
    "usage: clipc-train draw -o FILE.png [--seed N] [--count N] [--size S] [--captions N] "
    "[--easy]\n"
    "                   [--card] [--rank R] [--suit S] [--colour C] [--shape S] [--empty]\n"
    "                   [--each] [--quality Q]\n"
    "       clipc-train run --out DIR [--steps N] [--batch N] [--threads N] [--seed N]\n"
    "                   [--stop-at N]\n"
    "       clipc-train eval -m FILE.clipc [--count N]\n"
    "       clipc-train check\n\n"
    "draw   the scenes of `count` seeds, nine in a row on a .png, .jpg or .ppm, and on stdout "
    "what\n"
    "       each shows: a coloured shape, a card (--card, --rank, --suit) or nothing (--empty); a\n"
    "       wrong name lists the right ones.  --easy: large, upright and central; --captions N: "
    "what\n"
    "       can be said of each, and which first caption is true of which scene; --each: FILE is "
    "a\n"
    "       folder, a .jpg for each scene goes into it\n"
    "run    train the demo model; goes on from DIR's checkpoint; ends by writing DIR/hf, a\n"
    "       HuggingFace CLIPModel folder for `clipc convert`\n"
    "eval   what a model knows of cards, shapes and empty backgrounds of unseen seeds, with "
    "tables\n"
    "check  gradients against finite differences, in double\n";

static int parse(struct arguments *a, int argc, char **argv)
{
    const struct {
        const char *name;
        long *value;
    } numbers[] = {
        {"--seed", &a->seed},   {"--size", &a->size},         {"--steps", &a->steps},
        {"--batch", &a->batch}, {"--threads", &a->threads},   {"--stop-at", &a->stop_at},
        {"--count", &a->count}, {"--captions", &a->captions}, {"--quality", &a->quality}};
    const struct {
        const char *name;
        const char **value;
    } words[] = {{"-o", &a->out},          {"--out", &a->out},     {"-m", &a->model},
                 {"--colour", &a->colour}, {"--shape", &a->shape}, {"--rank", &a->rank},
                 {"--suit", &a->suit}};
    const struct {
        const char *name;
        long *value;
    } flags[] = {
        {"--card", &a->card}, {"--empty", &a->empty}, {"--easy", &a->easy}, {"--each", &a->each}};

    for (int i = 2; i < argc; i++) {
        bool known = false;
        for (size_t j = 0; j < sizeof flags / sizeof flags[0]; j++) {
            if (strcmp(argv[i], flags[j].name) == 0) {
                *flags[j].value = 1;
                known = true;
            }
        }
        for (size_t j = 0; !known && j < sizeof words / sizeof words[0] && i + 1 < argc; j++) {
            if (strcmp(argv[i], words[j].name) == 0) {
                *words[j].value = argv[++i];
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
    return a->out != NULL && a->size >= 8 && a->size <= 4096 && a->count >= 1 &&
           a->count <= 100000 && a->captions >= 0 && a->captions <= 1000 && a->quality >= 1 &&
           a->quality <= 100 && (a->each || a->size * a->size * a->count <= 1L << 27);
}

static int command_run(const struct arguments *a)
{
    struct train_options o = {.folder = a->out,
                              .steps = (int)a->steps,
                              .batch = (int)a->batch,
                              .threads = (int)a->threads,
                              .seed = (uint64_t)a->seed,
                              .stop_at = (int)a->stop_at};
    struct train t;

    if (a->out == NULL || a->threads < 1 || a->threads > 64 || a->batch < 1 || a->batch > 4096 ||
        a->steps < 1 || a->steps > 10000000) {
        return usage();
    }
    train_new(&t, &o);
    int code = train_run(&t) != 0;
    train_free(&t);
    return code;
}

int main(int argc, char **argv)
{
    struct arguments a = {.seed = 1,
                          .size = 128,
                          .count = -1,
                          .quality = 90,
                          .steps = 10000,
                          .batch = 64,
                          .threads = 2};

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
    if (strcmp(argv[1], "eval") == 0) {
        a.count = a.count < 0 ? 2080 : a.count;
        return a.model != NULL && a.count >= 1 && a.count <= 1000000 ? command_eval(&a) : usage();
    }
    return strcmp(argv[1], "run") == 0 ? command_run(&a) : usage();
}
