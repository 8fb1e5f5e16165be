/* source.c - what every kind of source shares: provenance, and the check of values. */
#include "source.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../weights/sha256.h"

int source_note(struct source *s, const char *format, ...)
{
    char line[1024];
    va_list ap;

    va_start(ap, format);
    vsnprintf(line, sizeof line, format, ap);
    va_end(ap);
    size_t have = s->provenance != NULL ? strlen(s->provenance) : 0;
    char *text = realloc(s->provenance, have + strlen(line) + 2);
    if (text == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    s->provenance = text;
    sprintf(text + have, "%s\n", line);
    return CLIPC_OK;
}

int source_note_file(struct source *s, const char *path)
{
    const char *name = strrchr(path, '/');
    char hex[65];
    int status = sha256_file(path, hex);

    return status == CLIPC_OK
               ? source_note(s, "source: %.400s, sha256 %s", name != NULL ? name + 1 : path, hex)
               : status;
}

void source_close(struct source *s)
{
    if (s->close != NULL) {
        s->close(s);
    }
    vocab_free(&s->vocab);
    files_free(&s->files);
    free(s->provenance);
    memset(s, 0, sizeof *s);
}

int source_check_finite(const char *path, const char *name, const float *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(values[i])) {
            return base_fail(
                CLIPC_ERROR_FORMAT,
                "%s: tensor '%s' holds %s: such a model gives no vectors; its training "
                "or its conversion failed",
                path, name, isnan(values[i]) ? "a NaN" : "an infinity");
        }
    }
    return CLIPC_OK;
}
