/* loss.c - CLIP's loss (Radford et al. 2021, figure 3) and its gradient: cross entropy over the
 * rows and over the columns of the logits. */
#include "loss.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a softmax makes of one of its logits. */
enum { OUT, AGAINST, TARGET };

static int part_for_image(int relation, int own)
{
    return own || relation == LOSS_TRUE ? TARGET : relation == LOSS_VAGUE ? OUT : AGAINST;
}

/* One softmax over n logits of the given stride, of which `part` says what they are: adds weight *
 * (probability - target) to d, returns weight * the cross entropy. */
static double one_softmax(const double *logits, double *d, const unsigned char *part, int n,
                          int stride, double weight)
{
    double max = -1e300, sum = 0, loss = 0;
    int targets = 0;

    for (int j = 0; j < n; j++) {
        targets += part[j] == TARGET;
        max = part[j] != OUT && logits[j * stride] > max ? logits[j * stride] : max;
    }
    for (int j = 0; j < n; j++) {
        sum += part[j] == OUT ? 0 : exp(logits[j * stride] - max);
    }
    for (int j = 0; j < n; j++) {
        if (part[j] != OUT) {
            double target = part[j] == TARGET ? 1.0 / targets : 0;
            double log_p = logits[j * stride] - max - log(sum);
            loss -= weight * target * log_p;
            d[j * stride] += weight * (exp(log_p) - target);
        }
    }
    return loss;
}

static double both_ways(const double *logits, double *d, const unsigned char *relation, int n,
                        int m, unsigned char *part)
{
    double loss = 0;
    int described = 0; /* texts that are true of some picture */

    for (int i = 0; i < n; i++) {
        for (int j = 0; j < m; j++) {
            part[j] = (unsigned char)part_for_image(relation[i * m + j], i == j);
        }
        loss += one_softmax(logits + i * m, d + i * m, part, m, 1, 0.5 / n);
    }
    memset(part, 0, (size_t)m);
    for (int i = 0; i < n * m; i++) {
        part[i % m] |= relation[i] != LOSS_FALSE;
    }
    for (int j = 0; j < m; j++) {
        described += part[j];
    }
    for (int j = 0; j < m; j++) {
        int found = 0;
        for (int i = 0; i < n; i++) {
            part[i] = relation[i * m + j] != LOSS_FALSE ? TARGET : AGAINST;
            found += part[i] == TARGET;
        }
        if (found > 0) {
            loss += one_softmax(logits + j, d + j, part, n, m, 0.5 / described);
        }
    }
    return loss;
}

double loss_compute(const double *images, const double *texts, int n, int m, int dim, double scale,
                    const unsigned char *relation, double *d_images, double *d_texts,
                    double *d_scale, int *hits)
{
    size_t pairs = (size_t)(n * m);
    double *logits = malloc(2 * sizeof *logits * pairs), *d = logits + pairs;
    unsigned char *part = malloc((size_t)m);

    if (logits == NULL || part == NULL) {
        fprintf(stderr, "clipc-train: out of memory\n");
        exit(1);
    }
    memset(d, 0, sizeof *d * pairs);
    memset(d_images, 0, sizeof *d_images * (size_t)(n * dim));
    memset(d_texts, 0, sizeof *d_texts * (size_t)(m * dim));
    *d_scale = 0;
    *hits = 0;
    for (int i = 0; i < n; i++) {
        int best = 0;
        for (int j = 0; j < m; j++) {
            double dot = 0;
            for (int k = 0; k < dim; k++) {
                dot += images[i * dim + k] * texts[j * dim + k];
            }
            logits[i * m + j] = exp(scale) * dot;
            best = logits[i * m + j] > logits[i * m + best] ? j : best;
        }
        *hits += relation[i * m + best] != LOSS_FALSE;
    }
    double loss = both_ways(logits, d, relation, n, m, part);
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < m; j++) {
            double g = d[i * m + j], scaled = g * exp(scale);
            *d_scale += g * logits[i * m + j];
            for (int k = 0; k < dim; k++) {
                d_images[i * dim + k] += scaled * texts[j * dim + k];
                d_texts[j * dim + k] += scaled * images[i * dim + k];
            }
        }
    }
    free(logits);
    free(part);
    return loss;
}
