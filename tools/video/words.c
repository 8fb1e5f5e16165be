/* words.c - a window over the last bytes of a stream. */
#include "words.h"

#include <string.h>
#include <unistd.h>

void words_take(struct words *w, int *fd)
{
    char text[512];
    ssize_t n = read(*fd, text, sizeof text);

    if (n <= 0) {
        close(*fd);
        *fd = -1;
        return;
    }
    size_t keep = w->n + (size_t)n < WORDS_BYTES ? w->n : WORDS_BYTES - 1 - (size_t)n;
    memmove(w->said, w->said + w->n - keep, keep);
    memcpy(w->said + keep, text, (size_t)n);
    w->n = keep + (size_t)n;
    w->said[w->n] = '\0';
}

const char *words_last(struct words *w)
{
    char *line = w->said, *end = w->said + w->n;

    while (end > line && (end[-1] == '\n' || end[-1] == ' ')) {
        *--end = '\0';
    }
    for (char *p = line; p < end; p++) {
        if (*p == '\n' && p[1] != '(') {
            line = p + 1;
        }
    }
    line[strcspn(line, "\n")] = '\0';
    return line;
}
