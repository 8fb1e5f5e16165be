/* source.c - what every kind of source shares: provenance, and the check of values. */
#include "source.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../weights/sha256.h"

#define HASHED_AT_ONCE ((size_t)16 << 20)

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
    struct base_map map;
    struct sha256 hash;
    unsigned char digest[32];
    char hex[65];
    const char *name = strrchr(path, '/');
    int status = base_map_file(path, &map);

    if (status == CLIPC_OK) {
        sha256_begin(&hash);
        for (size_t at = 0, part; at < map.size; at += part) {
            part = map.size - at < HASHED_AT_ONCE ? map.size - at : HASHED_AT_ONCE;
            sha256_add(&hash, map.data + at, part);
            base_map_release(&map);
        }
        sha256_end(&hash, digest);
        sha256_hex(digest, hex);
        base_unmap(&map);
        status = source_note(s, "source: %.400s, sha256 %s", name != NULL ? name + 1 : path, hex);
    }
    return status;
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
