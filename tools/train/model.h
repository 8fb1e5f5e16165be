/* model.h - the trainer's CLIP: hyper-parameters, the list of parameters, and forward and backward
 * passes, compiled once in float (model_f32.c) and once in double (model_f64.c, for the gradient
 * check).  Apart on purpose from the inference code, so that each can check the other. */
#ifndef CLIPC_TRAIN_MODEL_H
#define CLIPC_TRAIN_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct model_tower {
    int width, heads, layers, mlp;
    int tokens; /* rows of the position table */
    bool causal;
};
/* The heads answer in groups, a softmax each. */
enum { MODEL_GROUPS = 4 };
struct model_config {
    int image, patch, embed, vocab;
    int groups[MODEL_GROUPS]; /* outputs of the heads in each group */
    struct model_tower vision, text;
};
/* Outputs of all groups. */
int model_labels(const struct model_config *config);

/* One parameter tensor within the flat array. */
struct model_tensor {
    char name[80];             /* HuggingFace's */
    size_t offset, rows, cols; /* a vector is [1, cols] */
    size_t shape[4];
    int n_dims;
    double spread; /* of the normal it starts from; < 0: all ones */
    bool decay;    /* weight decay: matrices only */
    bool of_block; /* a matrix of a block */
};
struct model_layout {
    struct model_config config;
    struct model_tensor *tensors; /* [n] malloc */
    int n;
    int exported; /* tensors before the heads, which only training has */
    size_t total; /* floats of all */
};
/* Linear layers from the vision tower's width to the labels: on the pooled row as post_layernorm
 * leaves it, and on each patch's row after the last block, normalised without gain or bias. */
#define MODEL_CLASS   "heads.class"
#define MODEL_PATCHES "heads.patches"

/* The list for `config`; NULL tensors when memory is out. */
void model_layout_make(struct model_layout *layout, const struct model_config *config);
void model_layout_free(struct model_layout *layout);
/* Index of the named tensor; exits the program when there is none (a bug). */
size_t model_offset(const struct model_layout *layout, const char *name);

/* What the heads are to say of the images of a forward pass; -1: nothing. */
struct model_answers {
    const signed char *images;  /* [n, MODEL_GROUPS] index within the group */
    const signed char *patches; /* [n, tokens - 1, MODEL_GROUPS] */
    /* What the cross entropy of one label counts in the loss. */
    double image_weight, patch_weight[MODEL_GROUPS];
};
/* What they did say; added to. */
struct model_said {
    double loss;                                  /* weighted */
    int asked[MODEL_GROUPS], right[MODEL_GROUPS]; /* of images */
};

/* Activations of so many images and texts; opaque, one kind for each precision. */
struct model_work_f32;
struct model_work_f64;

struct model_work_f32 *model_new_f32(const struct model_layout *layout, int images, int texts);
void model_free_f32(struct model_work_f32 *w);
/* vectors: [n, embed] of length 1, from pixels: [n, 3, image, image]. */
void model_images_f32(struct model_work_f32 *w, const float *params, const float *pixels, int n,
                      float *vectors);
/* ids: [n, length], the end token at ends[i]. */
void model_texts_f32(struct model_work_f32 *w, const float *params, const int *ids, int length,
                     const int *ends, int n, float *vectors);
/* grads: [total] += gradients of the last forward passes, from those of their vectors and from the
 * heads' loss. */
void model_images_back_f32(struct model_work_f32 *w, const float *params, const float *d_vectors,
                           const struct model_answers *labels, struct model_said *said,
                           float *grads);
void model_texts_back_f32(struct model_work_f32 *w, const float *params, const float *d_vectors,
                          float *grads);

struct model_work_f64 *model_new_f64(const struct model_layout *layout, int images, int texts);
void model_free_f64(struct model_work_f64 *w);
void model_images_f64(struct model_work_f64 *w, const double *params, const double *pixels, int n,
                      double *vectors);
void model_texts_f64(struct model_work_f64 *w, const double *params, const int *ids, int length,
                     const int *ends, int n, double *vectors);
void model_images_back_f64(struct model_work_f64 *w, const double *params, const double *d_vectors,
                           const struct model_answers *labels, struct model_said *said,
                           double *grads);
void model_texts_back_f64(struct model_work_f64 *w, const double *params, const double *d_vectors,
                          double *grads);

#endif
