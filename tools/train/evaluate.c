/* evaluate.c - top-1 over the colour x shape prompts, on scenes of seeds that training never draws.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "train.h"

enum { PROMPTS = DRAW_COLOURS * DRAW_SHAPES, GROUP = 36 };

static void encode_prompts(const struct train *t, struct model_work_f32 *w, float *vectors)
{
    int ids[GROUP * TRAIN_CONTEXT], ends[GROUP], dim = t->layout.config.embed;

    for (int first = 0; first < PROMPTS; first += GROUP) {
        memset(ids, 0, sizeof ids);
        for (int i = 0; i < GROUP; i++) {
            char text[DRAW_CAPTION];
            const char *colour = draw_colours[(first + i) / DRAW_SHAPES];
            snprintf(text, sizeof text, "%s %s %s", strchr("aeiou", colour[0]) ? "an" : "a", colour,
                     draw_shapes[(first + i) % DRAW_SHAPES]);
            ends[i] = bpe_encode(&t->bpe, text, ids + i * TRAIN_CONTEXT, TRAIN_CONTEXT) - 1;
        }
        model_texts_f32(w, t->average, ids, TRAIN_CONTEXT, ends, GROUP, vectors + first * dim);
    }
}

double train_evaluate(const struct train *t, int n, bool tables)
{
    struct model_work_f32 *w = model_new_f32(&t->layout, GROUP);
    int dim = t->layout.config.embed, right = 0;
    int colour[DRAW_COLOURS][2] = {{0}}, shape[DRAW_SHAPES][2] = {{0}};
    float *prompts = calloc((size_t)(PROMPTS * dim), sizeof *prompts);
    float *pixels = calloc(3 * TRAIN_IMAGE * TRAIN_IMAGE, sizeof *pixels);
    float *image = calloc((size_t)dim, sizeof *image);
    uint8_t *rgb = malloc(3 * TRAIN_IMAGE * TRAIN_IMAGE);

    if (prompts == NULL || pixels == NULL || image == NULL || rgb == NULL) {
        fprintf(stderr, "clipc-train: out of memory\n");
        exit(1);
    }
    encode_prompts(t, w, prompts);
    for (int i = 0; i < n; i++) {
        struct draw_scene s;
        int best = 0;
        double most = -2;
        draw_scene(&s, (uint64_t)(1000 + i), i / DRAW_SHAPES % DRAW_COLOURS, i % DRAW_SHAPES);
        draw_render(&s, TRAIN_IMAGE, rgb);
        train_pixels(rgb, TRAIN_IMAGE, pixels);
        model_images_f32(w, t->average, pixels, 1, image);
        for (int p = 0; p < PROMPTS; p++) {
            double dot = 0;
            for (int k = 0; k < dim; k++) {
                dot += (double)image[k] * (double)prompts[p * dim + k];
            }
            best = dot > most ? p : best;
            most = dot > most ? dot : most;
        }
        const struct draw_item *item = &s.items[0];
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
    model_free_f32(w);
    free(prompts);
    free(pixels);
    free(image);
    free(rgb);
    return (double)right / n;
}
