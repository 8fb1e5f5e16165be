/* scores.c - cosines, and the two ways to show them. */
#include "scores.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"

int scores_new(struct scores *s, const clipc_model *model, const struct labels *prompts, double low,
               double high)
{
    struct clipc_model_info info = {.size = sizeof info};

    clipc_model_info(model, &info);
    memset(s, 0, sizeof *s);
    s->model = model;
    s->prompts = prompts;
    s->n = prompts->n;
    s->sigmoid = info.score == CLIPC_SCORE_SIGMOID;
    s->low = low < high ? low : (double)info.display_low;
    s->high = low < high ? high : (double)info.display_high;
    s->cosines = calloc(3 * s->n, sizeof *s->cosines);
    if (s->cosines == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    s->percents = s->cosines + s->n;
    s->probabilities = s->percents + s->n;
    return CLIPC_OK;
}

void scores_free(struct scores *s)
{
    free(s->cosines);
    memset(s, 0, sizeof *s);
}

void scores_compute(struct scores *s, const float *embedding)
{
    size_t dim = s->prompts->dim;
    double sum = 0, most = -INFINITY;

    s->best = 0;
    for (size_t i = 0; i < s->n; i++) {
        float cosine = clipc_cosine(embedding, s->prompts->vectors + i * dim, dim);
        double place = ((double)cosine - s->low) / (s->high - s->low);
        s->cosines[i] = (double)cosine;
        s->percents[i] = s->low < s->high ? 100 * fmin(fmax(place, 0), 1) : NAN;
        s->probabilities[i] = (double)clipc_logit(s->model, cosine);
        most = fmax(most, s->probabilities[i]);
        s->best = s->cosines[i] > s->cosines[s->best] ? i : s->best;
    }
    for (size_t i = 0; i < s->n; i++) {
        double x = s->probabilities[i];
        s->probabilities[i] = s->sigmoid ? 1 / (1 + exp(-x)) : exp(x - most);
        sum += s->probabilities[i];
    }
    for (size_t i = 0; i < s->n && !s->sigmoid; i++) {
        s->probabilities[i] /= sum;
    }
}
