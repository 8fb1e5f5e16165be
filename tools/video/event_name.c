/* event_name.c - names for files out of words from outside. */
#include "event_name.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { MOST_LETTERS = 60 };

/* text: [n]; to: [MOST_LETTERS + 1].  How many letters there are of it. */
static size_t make_safe(const char *text, size_t n, char *to)
{
    size_t length = 0;

    for (size_t i = 0; i < n && length < MOST_LETTERS; i++) {
        bool keep = (text[i] > 0 && isalnum((unsigned char)text[i])) || text[i] == '.';
        if (keep && !(length == 0 && text[i] == '.')) {
            to[length++] = text[i];
        } else if (length > 0 && to[length - 1] != '-') {
            to[length++] = '-';
        }
    }
    while (length > 0 && (to[length - 1] == '-' || to[length - 1] == '.')) {
        length--;
    }
    to[length] = '\0';
    return length;
}

/* Of an address no password and no key; of a file's name no folders. */
static size_t name_source(const struct address *a, char *to)
{
    const char *s = a->name, *end = s + a->name_length, *at;
    const char *scheme = a->kind == ADDRESS_URL && s == a->place ? strstr(s, "://") : NULL;

    if (scheme != NULL) {
        s = scheme + 3;
        end = s + strcspn(s, "?#");
        while ((at = memchr(s, '@', (size_t)(end - s))) != NULL) {
            s = at + 1;
        }
    } else if (s == a->place) {
        for (const char *p = s; p < end; p++) {
            s = *p == '/' && p + 1 < end ? p + 1 : s;
        }
    }
    return make_safe(s, (size_t)(end - s), to);
}

void event_name(const struct address *source, const struct label *prompt, const struct event *event,
                char name[EVENT_NAME_ROOM])
{
    char from[MOST_LETTERS + 1], what[MOST_LETTERS + 1];

    if (name_source(source, from) == 0) {
        snprintf(from, sizeof from, "source-%zu", event->source + 1);
    }
    if (make_safe(prompt->text, prompt->length, what) == 0) {
        snprintf(what, sizeof what, "prompt-%zu", event->prompt + 1);
    }
    snprintf(name, EVENT_NAME_ROOM, "%s_%010.3fs_%s", from, event->start, what);
}
