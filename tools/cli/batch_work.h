/* batch_work.h - inside the batcher: what is done with the items of one group.  Nothing here locks;
 * batch.c sees to it that a job is in one thread's hands at a time. */
#ifndef CLIPC_BATCH_WORK_H
#define CLIPC_BATCH_WORK_H

#include "batch.h"

struct batch_job {
    struct batch_item item;
    struct batch_group *group;
    size_t index;     /* in the group: where its pixels are made */
    const float *row; /* [dim], once encoded */
    int status;       /* of the result */
    char error[512];  /* the sentence to a negative status */
    double seconds;
};

/* Up to a batch of jobs that are encoded together. */
struct batch_group {
    struct batch_job *jobs; /* [batch] */
    float *pixels;          /* [batch, 3, image_size, image_size] */
    float *rows;            /* [batch, dim] */
    /* Jobs that were submitted, handed out to be prepared, prepared, and answered. */
    size_t n, taken, prepared, given;
    bool wanted; /* somebody waits: do not wait until it is full */
    bool done;   /* the results are there */
};

struct batch_work {
    clipc_session *session;
    struct batch_options options;
    size_t batch, dim, pixel_floats, context;
    /* The encoder's, for one call. */
    struct batch_job **list;  /* [batch] */
    struct clipc_text *texts; /* [batch] */
    int32_t *ids;             /* [batch, context] */
};

int batch_work_new(struct batch_work *work, const clipc_model *model, clipc_session *session,
                   const struct batch_options *options, struct batch_group *groups,
                   size_t n_groups);
void batch_work_free(struct batch_work *work, struct batch_group *groups, size_t n_groups);

/* Empty, to be filled again. */
void batch_group_clear(struct batch_group *group);

/* `job` becomes the one for `item`. */
void batch_begin(struct batch_job *job, const struct batch_item *item, struct batch_group *group,
                 size_t index);

/* Decode and preprocess an image, with the session's kernels, into its place in the group's pixels;
 * nothing for texts.  Any number of threads, each with another job. */
void batch_prepare(const struct batch_work *work, struct batch_job *job);

/* Rows or errors for all jobs of a group, all being prepared. */
void batch_encode(struct batch_work *work, struct batch_group *group);

/* As batch_wait. */
int batch_result(const struct batch_work *work, const struct batch_job *job, float *embedding,
                 double *seconds);

#endif
