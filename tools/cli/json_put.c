#include "json_put.h"

#include <math.h>
#include <string.h>

/* Length of the well-formed UTF-8 sequence at s (RFC 3629), 0 when there is none. */
static size_t utf8_length(const unsigned char *s, size_t left)
{
    unsigned char low = 0x80, high = 0xbf;
    size_t n = s[0] < 0x80   ? 1
               : s[0] < 0xc2 ? 0
               : s[0] < 0xe0 ? 2
               : s[0] < 0xf0 ? 3
               : s[0] < 0xf5 ? 4
                             : 0;

    if (n == 0 || n > left) {
        return 0;
    }
    if (n > 1) {
        low = s[0] == 0xe0 ? 0xa0 : s[0] == 0xf0 ? 0x90 : 0x80;
        high = s[0] == 0xed ? 0x9f : s[0] == 0xf4 ? 0x8f : 0xbf;
        if (s[1] < low || s[1] > high) {
            return 0;
        }
    }
    for (size_t i = 2; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return n;
}

void json_put_string(FILE *f, const char *text, size_t length)
{
    const unsigned char *s = (const unsigned char *)text;

    putc('"', f);
    for (size_t i = 0; i < length;) {
        size_t n = utf8_length(s + i, length - i);
        if (n == 0) {
            fputs("\\ufffd", f);
            i++;
        } else if (n > 1) {
            fwrite(s + i, 1, n, f);
            i += n;
        } else {
            unsigned char c = s[i++];
            if (c == '"' || c == '\\') {
                fprintf(f, "\\%c", c);
            } else if (c < 0x20 || c == 0x7f) {
                fprintf(f, "\\u%04x", c);
            } else {
                putc(c, f);
            }
        }
    }
    putc('"', f);
}

void json_put_c_string(FILE *f, const char *text)
{
    if (text == NULL) {
        fputs("null", f);
    } else {
        json_put_string(f, text, strlen(text));
    }
}

void json_put_float(FILE *f, double x)
{
    if (isfinite(x)) {
        fprintf(f, "%.9g", x);
    } else {
        fputs("null", f);
    }
}

void json_put_floats(FILE *f, const float *x, size_t n)
{
    if (x == NULL) {
        fputs("null", f);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        fputs(i == 0 ? "[" : ", ", f);
        json_put_float(f, (double)x[i]);
    }
    fputs(n == 0 ? "[]" : "]", f);
}

void json_records_begin(struct json_records *r, FILE *f, int lines)
{
    r->f = f;
    r->lines = lines;
    r->n = 0;
    if (!lines) {
        putc('[', f);
    }
}

void json_records_next(struct json_records *r)
{
    if (r->n++ > 0) {
        fputs(r->lines ? "\n" : ",\n ", r->f);
    }
}

void json_records_end(struct json_records *r)
{
    if (!r->lines) {
        fputs("]\n", r->f);
    } else if (r->n > 0) {
        putc('\n', r->f);
    }
}
