/* command_check.c - a small model in double, every tensor, against central differences. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "dice.h"
#include "draw.h"
#include "loss.h"
#include "model.h"

enum { CHECK_N = 3, CHECK_TEXTS = 5, CHECK_LENGTH = 6, CHECK_PATCHES = 4 };

struct check {
    struct model_layout layout;
    struct model_work_f64 *work;
    double *params, *grads, *ignored, pixels[CHECK_N * 3 * 16 * 16];
    int ids[CHECK_TEXTS * CHECK_LENGTH], ends[CHECK_TEXTS];
    unsigned char relation[CHECK_N * CHECK_TEXTS];
    signed char labels[CHECK_N * MODEL_GROUPS], patches[CHECK_N * CHECK_PATCHES * MODEL_GROUPS];
};

/* The whole loss, that of the heads included; grads: [total] += its gradient. */
static double check_loss(struct check *c, double *grads)
{
    double images[CHECK_N * 8], texts[CHECK_TEXTS * 8], d_images[CHECK_N * 8],
        d_texts[CHECK_TEXTS * 8], d_scale;
    struct model_answers answers = {c->labels, c->patches, 0.7, {0.3, 0.5, 0.2, 0.4}};
    struct model_said said = {0};
    int hits;

    model_images_f64(c->work, c->params, c->pixels, CHECK_N, images);
    model_texts_f64(c->work, c->params, c->ids, CHECK_LENGTH, c->ends, CHECK_TEXTS, texts);
    double loss = loss_compute(images, texts, CHECK_N, CHECK_TEXTS, 8, c->params[0], c->relation,
                               d_images, d_texts, &d_scale, &hits);
    model_images_back_f64(c->work, c->params, d_images, &answers, &said, grads);
    model_texts_back_f64(c->work, c->params, d_texts, grads);
    grads[0] += d_scale;
    return loss + said.loss;
}

/* How far the loss is from the right one where all vectors are the same, so that every softmax is
 * uniform: a picture's cross entropy is the logarithm of how many texts are not left out, a text's
 * that of the number of pictures. */
static double check_uniform(const struct check *c)
{
    double images[CHECK_N * 8] = {0}, texts[CHECK_TEXTS * 8] = {0}, d_images[CHECK_N * 8],
                            d_texts[CHECK_TEXTS * 8], d_scale, wanted = log(CHECK_N) / 2;
    int hits;

    for (int i = 0; i < CHECK_N; i++) {
        int n = 0;
        for (int j = 0; j < CHECK_TEXTS; j++) {
            n += i == j || c->relation[i * CHECK_TEXTS + j] != LOSS_VAGUE;
        }
        wanted += log(n) / (2 * CHECK_N);
        images[i * 8] = 1;
    }
    for (int j = 0; j < CHECK_TEXTS; j++) {
        texts[j * 8] = 1;
    }
    return fabs(wanted - loss_compute(images, texts, CHECK_N, CHECK_TEXTS, 8, c->params[0],
                                      c->relation, d_images, d_texts, &d_scale, &hits));
}

int command_check(void)
{
    struct model_config config = {.image = 16,
                                  .patch = 8,
                                  .embed = 8,
                                  .vocab = 20,
                                  .groups = {3, 2, 4, 2},
                                  .vision = {12, 2, 2, 20, 5, false},
                                  .text = {10, 2, 2, 16, 8, true}};
    static struct check c;
    uint64_t state = 5;
    double worst = 0;

    model_layout_make(&c.layout, &config);
    c.params = calloc(3 * c.layout.total, sizeof *c.params);
    if (c.layout.tensors == NULL || c.params == NULL) {
        return 1;
    }
    c.grads = c.params + c.layout.total;
    c.ignored = c.grads + c.layout.total;
    c.work = model_new_f64(&c.layout, CHECK_N, CHECK_TEXTS);
    for (size_t i = 0; i < c.layout.total; i++) {
        c.params[i] = dice_uniform(&state) - 0.5;
    }
    c.params[0] = 1.5;
    for (size_t i = 0; i < sizeof c.pixels / sizeof c.pixels[0]; i++) {
        c.pixels[i] = 2 * dice_uniform(&state) - 1;
    }
    for (int i = 0; i < CHECK_TEXTS * CHECK_LENGTH; i++) {
        c.ids[i] = (int)(20 * dice_uniform(&state));
    }
    for (int j = 0; j < CHECK_TEXTS; j++) {
        c.ends[j] = 3 + j % 3;
        for (int i = 0; i < CHECK_N; i++) { /* the last text is true of none */
            c.relation[i * CHECK_TEXTS + j] = i == j || (i == 2 && j == 3)          ? LOSS_TRUE
                                              : j < CHECK_N && (i + 2 * j) % 3 == 0 ? LOSS_VAGUE
                                                                                    : LOSS_FALSE;
        }
    }
    for (int i = 0; i < CHECK_N * MODEL_GROUPS; i++) {
        c.labels[i] = (signed char)((int)(3 * dice_uniform(&state)) - 1);
    }
    for (int i = 0; i < CHECK_N * CHECK_PATCHES * MODEL_GROUPS; i++) {
        c.patches[i] = (signed char)((int)(5 * dice_uniform(&state)) - 3);
        c.patches[i] = c.patches[i] < 0 ? -1 : c.patches[i];
    }
    double off = check_uniform(&c);
    printf("%-62s %.1e\n", "loss of vectors that are all the same", off);
    check_loss(&c, c.grads);
    for (int k = 0; k < c.layout.n; k++) {
        const struct model_tensor *p = &c.layout.tensors[k];
        double most = 0;
        for (int j = 0; j < 12; j++) {
            size_t i = p->offset + (size_t)(dice_uniform(&state) * (double)(p->rows * p->cols));
            double old = c.params[i], h = 1e-5, up, down;
            c.params[i] = old + h;
            up = check_loss(&c, c.ignored);
            c.params[i] = old - h;
            down = check_loss(&c, c.ignored);
            c.params[i] = old;
            double wanted = (up - down) / (2 * h);
            most = fmax(most, fabs(wanted - c.grads[i]) / (fabs(wanted) + fabs(c.grads[i]) + 1e-4));
        }
        printf("%-62s %.1e\n", p->name, most);
        worst = fmax(worst, most);
    }
    /* Central differences of step 1e-5 in double: some 1e-10 of the loss / 1e-5, against 1e-4. */
    bool good = worst < 1e-5 && off < 1e-12;
    printf("largest relative difference %.1e: %s\n", worst, good ? "ok" : "WRONG");
    model_free_f64(c.work);
    model_layout_free(&c.layout);
    free(c.params);
    return good ? 0 : 1;
}
