#include "loss.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One softmax over n logits of the given stride: adds (probability - target) / (2 n) to d, returns
 * the cross entropy.  target, masked: by relation. */
static double one_softmax(const double *logits, double *d, const unsigned char *relation, int n,
                          int stride, int own, int as_caption)
{
    double max = -1e300, sum = 0, targets = 0, loss = 0;

    for (int j = 0; j < n; j++) {
        int r = relation[j * stride], masked = !as_caption && r == LOSS_VAGUE && j != own;
        targets += as_caption ? r != LOSS_FALSE : r == LOSS_TRUE || j == own;
        max = !masked && logits[j * stride] > max ? logits[j * stride] : max;
    }
    for (int j = 0; j < n; j++) {
        int masked = !as_caption && relation[j * stride] == LOSS_VAGUE && j != own;
        sum += masked ? 0 : exp(logits[j * stride] - max);
    }
    for (int j = 0; j < n; j++) {
        int r = relation[j * stride], masked = !as_caption && r == LOSS_VAGUE && j != own;
        if (masked) {
            continue;
        }
        double target = (as_caption ? r != LOSS_FALSE : r == LOSS_TRUE || j == own) / targets;
        double log_p = logits[j * stride] - max - log(sum);
        loss -= target * log_p;
        d[j * stride] += (exp(log_p) - target) / (2 * n);
    }
    return loss / (2 * n);
}

double loss_compute(const double *images, const double *texts, int n, int dim, double scale,
                    const unsigned char *relation, double *d_images, double *d_texts,
                    double *d_scale, int *hits)
{
    double *logits = malloc(2 * sizeof *logits * (size_t)(n * n)), *d = logits + n * n, loss = 0;

    if (logits == NULL) {
        fprintf(stderr, "clipc-train: out of memory\n");
        exit(1);
    }
    memset(d, 0, sizeof *d * (size_t)(n * n));
    memset(d_images, 0, sizeof *d_images * (size_t)(n * dim));
    memset(d_texts, 0, sizeof *d_texts * (size_t)(n * dim));
    *d_scale = 0;
    *hits = 0;
    for (int i = 0; i < n; i++) {
        int best = 0;
        for (int j = 0; j < n; j++) {
            double dot = 0;
            for (int k = 0; k < dim; k++) {
                dot += images[i * dim + k] * texts[j * dim + k];
            }
            logits[i * n + j] = exp(scale) * dot;
            best = logits[i * n + j] > logits[i * n + best] ? j : best;
        }
        *hits += relation[i * n + best] != LOSS_FALSE;
    }
    for (int i = 0; i < n; i++) {
        loss += one_softmax(logits + i * n, d + i * n, relation + i * n, n, 1, i, 0);
        loss += one_softmax(logits + i, d + i, relation + i, n, n, i, 1);
    }
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
            double g = d[i * n + j];
            *d_scale += g * logits[i * n + j];
            for (int k = 0; k < dim; k++) {
                d_images[i * dim + k] += g * exp(scale) * texts[j * dim + k];
                d_texts[j * dim + k] += g * exp(scale) * images[i * dim + k];
            }
        }
    }
    free(logits);
    return loss;
}
