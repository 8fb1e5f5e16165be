/* lines.c - lines from a descriptor, through a buffer of our own: stdio cannot say whether the next
 * line is there already. */
#include "lines.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/base/base.h"
#include "../../src/base/utf8.h"
#include "../../src/base/guard.h"
#include "../../src/token/unicode.h"
#include "say.h"

#define MAX_LINE ((size_t)16 << 20)

struct lines {
    const char *name; /* for messages */
    int fd;
    char separator;
    bool texts;        /* trim, refuse UTF-16 */
    bool begun, ended; /* the mark at the start was looked for; read() said the end */
    bool noted;        /* it was said that a text is not UTF-8 */
    int error;         /* errno of what went wrong, until it is said */
    bool there;        /* a line was taken and not given yet */
    const char *line;  /* [length], that line */
    size_t length;
    bool skipping;      /* inside a line that was too long */
    size_t number;      /* lines taken so far */
    size_t first, last; /* what is read and not taken yet: buffer[first .. last) */
    size_t searched;    /* no separator in buffer[first .. searched) */
    size_t room;
    char *buffer; /* [room + 1] */
};

int lines_open(const char *path, enum lines_kind kind, struct lines **out)
{
    struct lines *l = calloc(1, sizeof *l);

    *out = NULL;
    if (l == NULL || (l->buffer = malloc((l->room = 65536) + 1)) == NULL) {
        free(l);
        return base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", path);
    }
    bool standard = strcmp(path, "-") == 0;
    l->name = standard ? "standard input" : path;
    l->texts = kind == LINES_TEXTS;
    l->separator = kind == LINES_PATHS0 ? '\0' : '\n';
    l->fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    int status = l->fd < 0 || fstat(l->fd, &st) != 0
                     ? base_fail(CLIPC_ERROR_IO, "%s: %s", path, strerror(errno))
                     : guard_input(path, &st);
    if (status != CLIPC_OK) {
        lines_close(l);
        return status;
    }
    *out = l;
    return CLIPC_OK;
}

void lines_close(struct lines *l)
{
    if (l != NULL) {
        if (l->fd > STDIN_FILENO) {
            close(l->fd);
        }
        free(l->buffer);
        free(l);
    }
}

size_t lines_number(const struct lines *l)
{
    return l->number;
}

/* The list ends here; lines_next says why. */
static void give_up(struct lines *l, int error)
{
    l->ended = true;
    l->error = error;
    l->first = l->last = l->searched = 0;
}

/* One read() behind what is there; room for it is made. */
static void fill(struct lines *l)
{
    char *larger;
    ssize_t got;

    memmove(l->buffer, l->buffer + l->first, l->last - l->first);
    l->last -= l->first;
    l->searched -= l->first;
    l->first = 0;
    if (l->last == l->room) {
        larger = realloc(l->buffer, 2 * l->room + 1);
        if (larger == NULL) {
            give_up(l, ENOMEM);
            return;
        }
        l->buffer = larger;
        l->room *= 2;
    }
    do {
        got = read(l->fd, l->buffer + l->last, l->room - l->last);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        give_up(l, errno);
        return;
    }
    l->ended = got == 0;
    l->last += (size_t)got;
}

/* The separator that ends the first line, or NULL: it is not there (yet). */
static const char *find_end(struct lines *l)
{
    const char *end = memchr(l->buffer + l->searched, l->separator, l->last - l->searched);

    l->searched = end != NULL ? (size_t)(end - l->buffer) : l->last;
    return end;
}

/* Look for the mark; false when the bytes that decide (one read() need not bring all three) are not
 * there yet. */
static bool drop_mark(struct lines *l)
{
    const unsigned char *b = (const unsigned char *)l->buffer;

    if (l->last < 3 && !l->ended && memcmp(b, "\xef\xbb\xbf", l->last) == 0) {
        return false;
    }
    l->begun = true;
    if (l->separator == '\n') {
        l->first = l->searched = utf8_mark(l->buffer, l->last);
    }
    if (l->texts && l->last >= 2 &&
        ((b[0] == 0xff && b[1] == 0xfe) || (b[0] == 0xfe && b[1] == 0xff))) {
        give_up(l, EILSEQ);
    }
    return true;
}

/* Length of the white space character that s begins with, 0 if it begins with another. */
static size_t space_at(const char *s, size_t n)
{
    uint32_t c;
    size_t length = n > 0 ? utf8_read(s, n, &c, NULL) : 0;

    /* U+001C to U+001F are white space to Python, though not to Unicode. */
    return length > 0 && (unicode_is_space(c) || (c >= 0x1c && c <= 0x1f)) ? length : 0;
}

static void trim(const char **text, size_t *length)
{
    for (size_t n; (n = space_at(*text, *length)) > 0;) {
        *text += n;
        *length -= n;
    }
    for (size_t n = 1; n <= 3 && n <= *length;) { /* no white space beyond U+FFFF */
        if (space_at(*text + *length - n, n) == n) {
            *length -= n;
            n = 1;
        } else {
            n++;
        }
    }
}

void lines_typed(const char **text, size_t *length)
{
    size_t mark = utf8_mark(*text, *length);

    *text += mark;
    *length -= mark;
    trim(text, length);
}

/* Once for each list: a text of another encoding gives a vector, but not of what was meant. */
static void note_encoding(struct lines *l, const char *text, size_t length)
{
    for (size_t i = 0; i < length && !l->noted;) {
        uint32_t c;
        int valid;
        i += utf8_read(text + i, length - i, &c, &valid);
        if (!valid) {
            cli_note("%s: line %zu is not UTF-8 (saved as Latin-1?): what is no character is taken "
                     "for U+FFFD",
                     l->name, l->number);
            l->noted = true;
        }
    }
}

/* Take the line that ends at `end` (NULL: at the end of the list) out of the buffer. */
static void take(struct lines *l, const char *end)
{
    const char *line = l->buffer + l->first;
    size_t length = (end != NULL ? (size_t)(end - l->buffer) : l->last) - l->first;

    l->first += length + (end != NULL);
    l->searched = l->first;
    l->number++;
    if (l->separator == '\n' && length > 0 && line[length - 1] == '\r') {
        length--;
    }
    if (l->texts) {
        trim(&line, &length);
        note_encoding(l, line, length);
    }
    l->buffer[(size_t)(line - l->buffer) + length] = '\0';
    l->line = line;
    l->length = length;
    l->there = length > 0 && !l->skipping;
    l->skipping = false;
}

/* The line that begins the buffer, or whose rest does, is too long: said once, then left out. */
static void skip(struct lines *l)
{
    l->error = l->skipping ? 0 : EMSGSIZE;
    l->skipping = true;
}

/* Go on until a line is there, an error or the end; without `wait` only as far as it has come.
 * False when that is not far enough. */
static bool advance(struct lines *l, bool wait)
{
    struct pollfd p = {.fd = l->fd, .events = POLLIN};

    while (!l->there && l->error == 0) {
        const char *end = l->begun || drop_mark(l) ? find_end(l) : NULL;
        size_t length = (end != NULL ? (size_t)(end - l->buffer) : l->last) - l->first;
        bool whole = end != NULL || (l->begun && l->ended && l->first < l->last);
        if (whole && (length <= MAX_LINE || l->skipping)) {
            take(l, end);
        } else if (length > MAX_LINE) {
            skip(l);
            l->first = l->searched = whole ? l->first : l->last;
        } else if (l->ended) {
            break;
        } else if (wait || poll(&p, 1, 0) > 0) {
            fill(l);
        } else {
            return false;
        }
    }
    return true;
}

/* The sentence of l->error, once. */
static int say_error(struct lines *l)
{
    int error = l->error;

    l->error = 0;
    switch (error) {
    case EMSGSIZE:
        return base_fail(CLIPC_ERROR_LIMIT, "%s: line %zu is longer than %zu MiB", l->name,
                         l->number + 1, MAX_LINE >> 20);
    case EILSEQ:
        return base_fail(CLIPC_ERROR_UNSUPPORTED, "%s: is in UTF-16; save it as UTF-8", l->name);
    case ENOMEM:
        return base_fail(CLIPC_ERROR_MEMORY, "%s: no memory for line %zu", l->name, l->number + 1);
    case EISDIR:
        return base_fail(CLIPC_ERROR_IO, "%s: is a directory, not a list", l->name);
    default:
        return base_fail(CLIPC_ERROR_IO, "%s: %s", l->name, strerror(error));
    }
}

int lines_next(struct lines *l, const char **line, size_t *length)
{
    advance(l, true);
    if (l->there) {
        l->there = false;
        *line = l->line;
        *length = l->length;
        return 1;
    }
    return l->error != 0 ? say_error(l) : 0;
}

bool lines_ready(struct lines *l)
{
    return advance(l, false);
}
