/* ass.h - libass's functions, as members of `libass` when lazy_ass has opened it. */
#ifndef CLIPC_LAZY_ASS_H
#define CLIPC_LAZY_ASS_H

#include <ass/ass.h>

/* Those that are used here. */
/* clang-format off */
#define LAZY_ASS(X) \
    X(alloc_event) X(alloc_style) X(flush_events) X(free_track) X(library_done) \
    X(library_init) X(new_track) X(render_frame) X(renderer_done) X(renderer_init) \
    X(set_cache_limits) X(set_fonts) X(set_frame_size) X(set_message_cb) X(set_storage_size)
/* clang-format on */
#define LAZY_ASS_MEMBER(f) __typeof__(ass_##f) *f;
extern struct lazy_ass {
    LAZY_ASS(LAZY_ASS_MEMBER)
} libass;

/* 0, or CLIPC_ERROR_UNSUPPORTED with a sentence. */
int lazy_ass(void);

#endif
