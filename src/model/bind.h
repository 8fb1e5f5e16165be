/* bind.h - names to pointers, and buffers to their places: what a session does once, before the
 * first forward pass. */
#ifndef CLIPC_BIND_H
#define CLIPC_BIND_H

#include "../../weights/weights.h"
#include "../base/base.h"
#include "text.h"
#include "vision.h"

/* Point a tower at its tensors in `w`, which weights_open has checked: nothing is missing and
 * nothing misshapen.  CLIPC_ERROR_MEMORY when there is none for the list of blocks. */
int bind_vision(struct vision *v, const struct weights *w);
int bind_text(struct text *t, const struct weights *w);
void bind_free(struct transformer *t);

/* Call fn for each linear layer of a tower, until it returns something else than CLIPC_OK. */
typedef int (*bind_linear_fn)(void *arg, struct linear *l);
int bind_each_vision(struct vision *v, bind_linear_fn fn, void *arg);
int bind_each_text(struct text *t, bind_linear_fn fn, void *arg);

/* Count (arena without base) or cut (with base) the buffers of a batch; see struct arena. */
void bind_vision_buffers(const struct vision *v, size_t batch, struct arena *arena,
                         struct vision_buffers *b);
void bind_text_buffers(const struct text *t, size_t batch, struct arena *arena,
                       struct text_buffers *b);

#endif
