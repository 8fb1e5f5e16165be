/* reply.c - bodies and headers of replies. */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "../cli/json_put.h"
#include "request.h"

static const char no_memory[] = "{\"message\":\"Internal error.\"}";

void reply_header(struct reply *r, const char *name, const char *format, ...)
{
    if (r->n_headers == REPLY_HEADERS) {
        return;
    }
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(r->headers[r->n_headers].value, sizeof r->headers[0].value, format, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof r->headers[0].value) {
        r->headers[r->n_headers++].name = name;
    }
}

void reply_free(struct reply *r)
{
    if (r->stream != NULL) {
        fclose(r->stream);
        r->stream = NULL;
    }
    if (!r->fixed) {
        free(r->body);
    }
    r->body = NULL;
    r->size = 0;
}

void reply_fixed(struct reply *r, int status, const char *type, const char *body, size_t size)
{
    reply_free(r);
    r->status = status;
    r->type = type;
    r->body = (char *)(size_t)body; /* never written or freed: `fixed` */
    r->size = size;
    r->fixed = true;
}

FILE *reply_begin(struct reply *r, int status, const char *type)
{
    reply_free(r);
    r->status = status;
    r->type = type;
    r->fixed = false;
    r->stream = open_memstream(&r->body, &r->size);
    if (r->stream == NULL) {
        reply_fixed(r, 500, "application/json", no_memory, sizeof no_memory - 1);
    }
    return r->stream;
}

void reply_end(struct reply *r)
{
    if (r->stream != NULL) {
        int failed = ferror(r->stream);
        failed |= fclose(r->stream);
        r->stream = NULL;
        if (failed) {
            reply_fixed(r, 500, "application/json", no_memory, sizeof no_memory - 1);
        }
    }
}

void reply_json(struct reply *r, int status, const char *format, ...)
{
    FILE *f = reply_begin(r, status, "application/json");

    if (f != NULL) {
        va_list ap;
        va_start(ap, format);
        vfprintf(f, format, ap);
        va_end(ap);
        reply_end(r);
    }
}

void reply_message(struct reply *r, int status, const char *format, ...)
{
    char sentence[700];
    va_list ap;

    va_start(ap, format);
    vsnprintf(sentence, sizeof sentence, format, ap);
    va_end(ap);
    FILE *f = reply_begin(r, status, "application/json");
    if (f != NULL) {
        fputs("{\"message\":", f);
        json_put_c_string(f, sentence);
        fputs("}", f);
        reply_end(r);
    }
}

void reply_double(FILE *f, double x)
{
    char text[40];

    if (!isfinite(x)) {
        fputs("null", f);
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, x);
        if (strtod(text, NULL) == x) {
            break;
        }
    }
    fputs(text, f);
    if (strpbrk(text, ".e") == NULL) {
        fputs(".0", f);
    }
}

void reply_floats(FILE *f, const float *x, size_t n)
{
    fputc('[', f);
    for (size_t i = 0; i < n; i++) {
        if (i > 0) {
            fputc(',', f);
        }
        reply_double(f, (double)x[i]);
    }
    fputc(']', f);
}
