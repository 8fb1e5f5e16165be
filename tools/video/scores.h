/* scores.h - what a frame's vector says of each prompt: cosine, share of the range worth showing,
 * probability among all prompts. */
#ifndef CLIPC_SCORES_H
#define CLIPC_SCORES_H

#include <stdbool.h>

#include "../cli/labels.h"

struct scores {
    const clipc_model *model;
    const struct labels *prompts;
    bool sigmoid;     /* of a model with a sigmoid, each prompt's probability stands alone */
    double low, high; /* the range: 0 % and 100 %; equal: none is known */
    size_t n, best;   /* best: the prompt with the highest cosine */
    double *cosines, *percents, *probabilities; /* [n] */
};

/* prompts: encoded; stay.  low == high: the model's own range.  0, or CLIPC_ERROR_MEMORY. */
int scores_new(struct scores *scores, const clipc_model *model, const struct labels *prompts,
               double low, double high);
void scores_free(struct scores *scores);

/* Percents are NaN when no range is known. */
void scores_compute(struct scores *scores, const float *embedding);

#endif
