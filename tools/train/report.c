/* report.c - how a run is doing: the averaged weights on scenes of unseen seeds. */
#include <stdlib.h>

#include "evaluate.h"
#include "need.h"
#include "train.h"

/* One picture or text at a time. */
struct eye {
    const struct train *t;
    struct model_work_f32 *work;
    float *pixels;
};

static void eye_text(void *arg, const char *text, float *vector)
{
    const struct eye *e = arg;
    int ids[TRAIN_CONTEXT];
    int end = vocabulary_encode(&e->t->vocabulary, text, ids, TRAIN_CONTEXT) - 1;

    model_texts_f32(e->work, e->t->average, ids, end + 1, &end, 1, vector);
}

static void eye_image(void *arg, const uint8_t *rgb, float *vector)
{
    const struct eye *e = arg;

    draw_pixels(rgb, e->t->layout.config.image, e->pixels);
    model_images_f32(e->work, e->t->average, e->pixels, 1, vector);
}

static struct evaluate_model eye_new(struct eye *e, const struct train *t)
{
    size_t size = (size_t)t->layout.config.image;

    *e = (struct eye){t, model_new_f32(&t->layout, 1, 1),
                      need_memory(malloc(3 * size * size * sizeof(float)))};
    return (struct evaluate_model){e, (int)size, t->layout.config.embed, eye_text, eye_image};
}

static void eye_free(struct eye *e)
{
    model_free_f32(e->work);
    free(e->pixels);
}

void train_evaluate(const struct train *t, double *cards, double *shapes)
{
    struct eye e;
    struct evaluate_model m = eye_new(&e, t);

    *cards = evaluate_cards(&m, 208, NULL);
    *shapes = evaluate_shapes(&m, 216, NULL);
    eye_free(&e);
}
