/* moments.h - when does a video show what a text says?  From the cosines of its frames with the
 * text to ranges of time.
 *
 * What a cosine means depends on the text, the model and the film; so a moment is what stands out
 * of this film's own cosines:
 *
 *   1. Each cosine becomes the mean of `smooth` of them, itself in the middle.
 *   2. The ground is what the film has without the text.  Where the cosines fall into two groups
 *      (by the split that leaves the least variance within; their means are at least 4 standard
 *      deviations within the groups apart, and a tenth of the model's range of cosines worth
 *      showing, or 0.02 where none is known), it is the mean of the lower group; else the median.
 *      Where that lies in the upper half of the range, the film shows it all the time: the range's
 *      low end is the ground.
 *   3. From the highest cosine to lower ones, a peak begins a moment when it is above the ground by
 *      4 standard deviations of the ground (from the median absolute deviation where it is the
 *      median) and by that tenth, and above the range's low end by that tenth too: below, text and
 *      picture have nothing in common.  The frames around it that keep half of its height above the
 *      ground are the moment.  What borders on a moment is its slope, and begins none.
 *   4. Two moments with less than `gap` seconds between them are one; one of less than
 *      `min_duration` is none.
 *
 * With a `threshold` the moments of 3. are the frames whose cosine reaches that. */
#ifndef CLIPC_MOMENTS_H
#define CLIPC_MOMENTS_H

#include <stddef.h>

struct moments_options {
    int smooth;          /* frames: 0 or 1 is none; an even number counts as the next odd one */
    double gap;          /* seconds */
    double min_duration; /* seconds from the first frame to the last */
    double threshold;    /* a cosine; NaN: by the rules above */
    double low, high;    /* the model's range of cosines worth showing; equal: none is known */
};
#define MOMENTS_GAP 0.5

struct moment {
    size_t first, last, best; /* frames; best: the one with the highest cosine */
    double score;             /* the mean of its frames' cosines */
};

/* The moments of one source: cosines and times (seconds, not falling) of its n frames, all finite.
 * *moments: [*n_moments], in order of time, for free().  0, or CLIPC_ERROR_MEMORY. */
int moments_find(const struct moments_options *options, const double *cosines, const double *times,
                 size_t n, struct moment **moments, size_t *n_moments);

#endif
