/* json_put.c - JSON on stdout: strings, numbers, and the frame around records. */
#include "json_put.h"

#include <math.h>
#include <string.h>

#include "../../src/base/utf8.h"

void json_put_string(FILE *f, const char *text, size_t length)
{
    putc('"', f);
    for (size_t i = 0, n; i < length; i += n) {
        uint32_t c;
        int valid;
        n = utf8_read(text + i, length - i, &c, &valid);
        if (c == '"' || c == '\\') {
            fprintf(f, "\\%c", (char)c);
        } else if (!valid || c < 0x20 || (c >= 0x7f && c < 0xa0)) {
            fprintf(f, "\\u%04x", (unsigned)c);
        } else {
            fwrite(text + i, 1, n, f);
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
    if (r->n++ > 0 && !r->lines) {
        fputs(",\n ", r->f);
    }
}

void json_records_line(struct json_records *r)
{
    if (r->lines) {
        putc('\n', r->f);
    }
}

void json_records_end(struct json_records *r)
{
    if (!r->lines) {
        fputs("]\n", r->f);
    }
}
