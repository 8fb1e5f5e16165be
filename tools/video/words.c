/* words.c - a window over the last bytes of a stream. */
#include "words.h"

#include <stdbool.h>
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

/* "    Last message repeated 3 times": the message is the line before. */
static bool is_repetition(const char *line)
{
    return strncmp(line + strspn(line, " "), "Last message repeated", 21) == 0;
}

/* Without ffmpeg's "[h264 @ 0x55d1f44e8e40] ": where in its memory the speaker is tells nobody
 * anything. */
static char *without_speaker(char *line)
{
    char *end = line[0] == '[' ? strstr(line, "] ") : NULL;
    char *at = strstr(line, " @ 0x");

    return end != NULL && at != NULL && at < end ? end + 2 : line;
}

const char *words_last(struct words *w)
{
    char *line = w->said, *end = w->said + w->n;

    while (end > line && (end[-1] == '\n' || end[-1] == ' ')) {
        *--end = '\0';
    }
    for (char *p = line; p < end; p++) {
        if (*p == '\n' && p[1] != '(' && !is_repetition(p + 1)) {
            line = p + 1;
        }
    }
    line[strcspn(line, "\n")] = '\0';
    return without_speaker(line);
}
