/* say.c - words for people.  A terminal obeys what is in the text that it shows: an escape sequence
 * in a file's name can clear the screen, or type.  Everything from outside passes through here. */
#include "say.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/base/utf8.h"
#include "columns.h"

/* Does a terminal, or the eye, obey this character instead of seeing it? */
static bool commands(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) ||                          /* C0, DEL, C1 */
           c == 0x61c || c == 0x200e || c == 0x200f ||                     /* direction marks, */
           (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x206f) || /* overrides, isolates */
           c == 0x2028 || c == 0x2029;                                     /* ends of lines */
}

/* The next character of text: [n], n > 0, as it is shown; returns how many bytes it took. */
static size_t next_shown(const char *text, size_t n, uint32_t *c)
{
    size_t used = utf8_read(text, n, c, NULL);

    if (commands(*c)) {
        *c = '?';
    }
    return used;
}

void say_text(FILE *f, const char *text, size_t n)
{
    for (size_t i = 0; i < n;) {
        unsigned char bytes[4];
        uint32_t c;
        i += next_shown(text + i, n - i, &c);
        fwrite(bytes, 1, utf8_write(c, bytes), f);
    }
}

void say(FILE *f, const char *text)
{
    say_text(f, text, strlen(text));
}

size_t say_columns(const char *text, size_t n)
{
    size_t columns = 0;

    for (size_t i = 0; i < n;) {
        uint32_t c;
        i += next_shown(text + i, n - i, &c);
        columns += columns_of(c);
    }
    return columns;
}

void say_padded(FILE *f, const char *text, size_t n, size_t columns)
{
    say_text(f, text, n);
    for (size_t i = say_columns(text, n); i < columns; i++) {
        putc(' ', f);
    }
}

static void say_line(const char *format, va_list ap)
{
    char text[8192], *line = NULL;
    size_t size;
    FILE *f = open_memstream(&line, &size); /* one write a line: threads do not mix */

    vsnprintf(text, sizeof text, format, ap);
    if (f != NULL) {
        fputs("clipc: ", f);
        say(f, text);
        fputc('\n', f);
    }
    if (f != NULL && fclose(f) == 0) {
        fwrite(line, 1, size, stderr);
    }
    free(line);
}

int cli_error(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    say_line(format, ap);
    va_end(ap);
    return CLI_FAILED;
}

void cli_note(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    say_line(format, ap);
    va_end(ap);
}

int cli_close_stdout(void)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        return cli_error("standard output: %s", strerror(errno));
    }
    return CLI_DONE;
}
