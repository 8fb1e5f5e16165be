/* loss.h - CLIP's symmetric cross entropy over a batch whose pairs may be true of one another. */
#ifndef CLIPC_LOSS_H
#define CLIPC_LOSS_H

/* relation [n, m], row = picture, column = text. */
enum {
    LOSS_FALSE = 0,
    LOSS_TRUE = 1,
    LOSS_VAGUE = 2 /* true but says less than the picture's own */
};

/* images: [n, dim], texts: [m, dim] of length 1, m >= n: text i < n is image i's own.  A picture's
 * targets are uniform over its own and its true texts, vague ones left out of its softmax; those of
 * a text over all pictures it is true of (texts that are true of none have no softmax).  Returns
 * the loss, the mean over pictures and the mean over texts, halved; d_images, d_texts and *d_scale
 * are its gradients (scale is the logarithm); *hits: pictures whose best text is true. */
double loss_compute(const double *images, const double *texts, int n, int m, int dim, double scale,
                    const unsigned char *relation, double *d_images, double *d_texts,
                    double *d_scale, int *hits);

#endif
