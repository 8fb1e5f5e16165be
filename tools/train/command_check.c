/* command_check.c - a small model in double, every tensor, against central differences. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "draw.h"
#include "loss.h"
#include "model.h"

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

int command_check(void)
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
