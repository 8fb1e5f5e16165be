/* loss.h - CLIP's symmetric cross entropy over a batch whose pairs may be true of one another. */
#ifndef CLIPC_LOSS_H
#define CLIPC_LOSS_H

/* relation [n, n], row = picture, column = caption. */
enum {
    LOSS_FALSE = 0,
    LOSS_TRUE = 1,
    LOSS_VAGUE = 2 /* true but says less than the picture's own */
};

/* images, texts: [n, dim] of length 1.  A picture's targets are uniform over its true captions,
 * vague ones left out of its softmax; a caption's targets over all pictures it is true of.  Returns
 * the loss; d_images, d_texts: [n, dim] and *d_scale its gradients (scale is the logarithm); *hits:
 * pictures whose best caption is true. */
double loss_compute(const double *images, const double *texts, int n, int dim, double scale,
                    const unsigned char *relation, double *d_images, double *d_texts,
                    double *d_scale, int *hits);

#endif
