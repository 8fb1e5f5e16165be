/* words.h - the end of what a program says on its stderr, to tell why it failed. */
#ifndef CLIPC_WORDS_H
#define CLIPC_WORDS_H

#include <stddef.h>

enum { WORDS_BYTES = 2048 };
struct words {
    char said[WORDS_BYTES]; /* [n], 0 behind it */
    size_t n;
};

/* What *fd has now; that must be read, or the program would wait for us.  At its end it is closed,
 * and -1. */
void words_take(struct words *words, int *fd);

/* The last line that is no remark in parentheses and no "Last message repeated", without the
 * "[part @ address] " before it; "" if none. */
const char *words_last(struct words *words);

#endif
