/* main.c - clipc-train: draw the world, train the demo model, check the trainer. */
#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loss.h"
#include "train.h"

static const char help[] =
    "usage: clipc-train draw --seed N [--size S] [--colour C --shape K] -o FILE.ppm\n"
    "       clipc-train run --out DIR [--steps N] [--batch N] [--threads N] [--seed N] [--stop-at "
    "N]\n"
    "       clipc-train eval --out DIR [--count N]\n"
    "       clipc-train check\n\n"
    "draw   write the scene of a seed and print what it shows (C of 12 and K of 9 fix them)\n"
    "run    train the demo model; goes on from DIR's checkpoint; ends by writing DIR/hf, a\n"
    "       HuggingFace CLIPModel folder for `clipc convert`\n"
    "eval   accuracy of DIR's checkpoint on scenes of unseen seeds\n"
    "check  gradients against finite differences, in double\n";

struct arguments {
    const char *out;
    long seed, size, colour, shape, steps, batch, threads, stop_at, count;
};

static int parse(struct arguments *a, int argc, char **argv)
{
    const struct {
        const char *name;
        long *value;
    } numbers[] = {{"--seed", &a->seed},       {"--size", &a->size},       {"--colour", &a->colour},
                   {"--shape", &a->shape},     {"--steps", &a->steps},     {"--batch", &a->batch},
                   {"--threads", &a->threads}, {"--stop-at", &a->stop_at}, {"--count", &a->count}};

    for (int i = 2; i < argc; i++) {
        bool known = false;
        if (i + 1 < argc && (strcmp(argv[i], "-o") == 0 || strcmp(argv[i], "--out") == 0)) {
            a->out = argv[++i];
            continue;
        }
        for (size_t j = 0; j < sizeof numbers / sizeof numbers[0] && i + 1 < argc; j++) {
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

static int draw(const struct arguments *a)
{
    struct draw_scene s;
    uint8_t *rgb;
    size_t n = (size_t)(a->size * a->size * 3);

    if (a->out == NULL || a->size < 8 || a->size > 4096 || a->colour >= DRAW_COLOURS ||
        a->shape >= DRAW_SHAPES || (rgb = malloc(n)) == NULL) {
        fputs(help, stderr);
        return 2;
    }
    draw_scene(&s, (uint64_t)a->seed, (int)a->colour, (int)a->shape);
    draw_render(&s, (int)a->size, rgb);
    FILE *f = fopen(a->out, "wb");
    int good = f != NULL && fprintf(f, "P6\n%ld %ld\n255\n", a->size, a->size) > 0 &&
               fwrite(rgb, 1, n, f) == n;
    good = f != NULL && fclose(f) == 0 && good;
    free(rgb);
    if (!good) {
        perror(a->out);
        return 1;
    }
    printf("%s %s %s\n", strchr("aeiou", draw_colours[s.items[0].colour][0]) ? "an" : "a",
           draw_colours[s.items[0].colour], draw_shapes[s.items[0].shape]);
    return 0;
}

/* ---- Gradient check: a small model in double, every tensor, against central differences ---- */

enum { CHECK_N = 3, CHECK_LENGTH = 6 };

struct check {
    struct model_layout layout;
    struct model_work_f64 *work;
    double *params, *grads, pixels[CHECK_N * 3 * 16 * 16];
    int ids[CHECK_N * CHECK_LENGTH], ends[CHECK_N];
    unsigned char relation[CHECK_N * CHECK_N];
};

static double check_loss(struct check *c, double *grads)
{
    double images[CHECK_N * 8], texts[CHECK_N * 8], d_images[CHECK_N * 8], d_texts[CHECK_N * 8],
        d_scale;
    int hits;

    model_images_f64(c->work, c->params, c->pixels, CHECK_N, images);
    model_texts_f64(c->work, c->params, c->ids, CHECK_LENGTH, c->ends, CHECK_N, texts);
    double loss = loss_compute(images, texts, CHECK_N, 8, c->params[0], c->relation, d_images,
                               d_texts, &d_scale, &hits);
    if (grads != NULL) {
        model_images_back_f64(c->work, c->params, d_images, grads);
        model_texts_back_f64(c->work, c->params, d_texts, grads);
        grads[0] += d_scale;
    }
    return loss;
}

static int check(void)
{
    struct model_config config = {.image = 16,
                                  .patch = 8,
                                  .embed = 8,
                                  .vocab = 20,
                                  .vision = {12, 2, 2, 20, 5, false},
                                  .text = {10, 2, 2, 16, 8, true}};
    static struct check c;
    uint64_t state = 5;
    double worst = 0;

    model_layout_make(&c.layout, &config);
    c.params = calloc(2 * c.layout.total, sizeof *c.params);
    if (c.layout.tensors == NULL || c.params == NULL) {
        return 1;
    }
    c.grads = c.params + c.layout.total;
    c.work = model_new_f64(&c.layout, CHECK_N);
    for (size_t i = 0; i < c.layout.total; i++) {
        c.params[i] = draw_uniform(&state) - 0.5;
    }
    c.params[0] = 1.5;
    for (size_t i = 0; i < sizeof c.pixels / sizeof c.pixels[0]; i++) {
        c.pixels[i] = 2 * draw_uniform(&state) - 1;
    }
    for (int i = 0; i < CHECK_N * CHECK_LENGTH; i++) {
        c.ids[i] = (int)(20 * draw_uniform(&state));
    }
    for (int i = 0; i < CHECK_N; i++) {
        c.ends[i] = 3 + i % 3;
        for (int j = 0; j < CHECK_N; j++) {
            c.relation[i * CHECK_N + j] = i == j                 ? LOSS_TRUE
                                          : (i + 2 * j) % 3 == 0 ? LOSS_VAGUE
                                                                 : LOSS_FALSE;
        }
    }
    check_loss(&c, c.grads);
    for (int k = 0; k < c.layout.n; k++) {
        const struct model_tensor *p = &c.layout.tensors[k];
        double most = 0;
        for (int j = 0; j < 12; j++) {
            size_t i = p->offset + (size_t)(draw_uniform(&state) * (double)(p->rows * p->cols));
            double old = c.params[i], h = 1e-5, up, down;
            c.params[i] = old + h;
            up = check_loss(&c, NULL);
            c.params[i] = old - h;
            down = check_loss(&c, NULL);
            c.params[i] = old;
            double wanted = (up - down) / (2 * h);
            most = fmax(most, fabs(wanted - c.grads[i]) / (fabs(wanted) + fabs(c.grads[i]) + 1e-4));
        }
        printf("%-62s %.1e\n", p->name, most);
        worst = fmax(worst, most);
    }
    /* Central differences of step 1e-5 in double: some 1e-10 of the loss / 1e-5, against 1e-4. */
    printf("largest relative difference %.1e: %s\n", worst, worst < 1e-5 ? "ok" : "WRONG");
    model_free_f64(c.work);
    model_layout_free(&c.layout);
    free(c.params);
    return worst < 1e-5 ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct arguments a = {NULL, 1, 128, -1, -1, 13000, 64, 2, 0, 1080};
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
        return draw(&a);
    }
    if (strcmp(argv[1], "check") == 0) {
        return check();
    }
    struct train_options o = {a.out, (int)a.steps,     (int)a.batch,  (int)a.threads,
                              7e-4,  (uint64_t)a.seed, (int)a.stop_at};
    if (a.out == NULL || a.threads < 1 || a.threads > 64 || a.batch < a.threads ||
        a.batch % a.threads != 0 || a.batch > 4096 || a.steps < 1) {
        fputs(help, stderr);
        return 2;
    }
    train_new(&t, &o);
    if (strcmp(argv[1], "run") == 0) {
        code = train_run(&t) != 0;
    } else if (strcmp(argv[1], "eval") == 0) {
        code = train_load(&t) != 0;
        if (code == 0) {
            printf("top-1 of 108 prompts: %.1f %%\n", 100 * train_evaluate(&t, (int)a.count, true));
        }
    } else {
        fputs(help, stderr);
        code = 2;
    }
    train_free(&t);
    return code;
}
