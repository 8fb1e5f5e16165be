/* session.h - what a session holds: shared by session.c, which makes it, and encode.c, which uses
 * it. */
#ifndef CLIPC_SESSION_H
#define CLIPC_SESSION_H

#include "handle.h"
#include "base/threads.h"
#include "model/text.h"
#include "model/trace.h"
#include "model/vision.h"

struct clipc_session {
    const struct clipc_model *model;
    struct engine engine;
    struct trace trace;
    struct vision vision;
    struct text text;
    struct vision_buffers vision_buffers;
    struct text_buffers text_buffers;
    float *pixels;     /* [batch, 3, image_size, image_size] */
    uint8_t *crops;    /* [workers, image_size, image_size, 3] */
    int32_t *tokens;   /* [batch, context] */
    uint32_t *lengths; /* [batch] */
    int *statuses;     /* [batch] of the preprocessing tasks */
    void *memory;      /* the arena all of it lies in */
    size_t memory_bytes;
    unsigned char *unpacked; /* weight_prepare's copies, or NULL */
    size_t unpacked_bytes;
    int batch, threads, preprocess, tokenizer;
    int wanted; /* enum clipc_precision */
    int precision; /* CLIPC_PRECISION_EXACT or _FAST: what is computed */
    bool vision_fetched, text_fetched; /* weights are in memory */
    bool full_context;
    bool pads; /* texts attend to padding: all are filled up to the context */
};

bool session_has_vision(const struct clipc_session *s);
bool session_has_text(const struct clipc_session *s);

/* clipc_session_preprocess of a picture that comes row by row, its size the model's.  The arguments
 * are good, and the model has an image tower. */
int session_rows_pixels(const struct clipc_session *s, struct image_rows *rows, int rules,
                        float *pixels);

/* Have a tower's weights in memory before they are wanted; the first call does it. */
void session_fetch_vision(struct clipc_session *s);
void session_fetch_text(struct clipc_session *s);

#endif
