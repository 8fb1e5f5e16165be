/* base.c - the error sentence, checked sizes, memory, the clock. */
#include "base.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "utf8.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "weight files are mapped as they lie: little-endian machines only"
#endif

static _Thread_local char error_text[512];

/* Does a terminal, or the eye, obey this character instead of showing it? */
static bool steers(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) ||      /* C0, DEL, C1 */
           c == 0x61c || c == 0x200e || c == 0x200f || /* marks of direction, */
           (c >= 0x2028 && c <= 0x202e) ||             /* ends of lines, overrides, */
           (c >= 0x2066 && c <= 0x206f);               /* isolates */
}

/* `text` with '?' for what steers and for each part that is not UTF-8; never longer. */
static void make_harmless(const char *text, char *to)
{
    size_t n = strlen(text);

    for (size_t i = 0, used; i < n; i += used) {
        uint32_t c;
        int valid;
        used = utf8_read(text + i, n - i, &c, &valid);
        if (!valid || steers(c)) {
            *to++ = '?';
        } else {
            memcpy(to, text + i, used);
            to += used;
        }
    }
    *to = '\0';
}

int base_fail(int status, const char *format, ...)
{
    /* Formatted apart, because the arguments may quote the old sentence. */
    char text[sizeof error_text];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    make_harmless(text, error_text);
    return status;
}

const char *base_errmsg(void)
{
    return error_text;
}

void base_clear_error(void)
{
    error_text[0] = '\0';
}

bool base_mul(size_t a, size_t b, size_t *out)
{
    if (a != 0 && b > SIZE_MAX / a) {
        return false;
    }
    *out = a * b;
    return true;
}

bool base_add(size_t a, size_t b, size_t *out)
{
    if (b > SIZE_MAX - a) {
        return false;
    }
    *out = a + b;
    return true;
}

/* The address that calloc gave is kept in front of the aligned one.  calloc, not a cleared
 * aligned_alloc: the pages of a large piece stay the system's until they are used. */
void *base_alloc(size_t bytes)
{
    const size_t room = 64 + sizeof(void *);
    unsigned char *p = bytes > SIZE_MAX - room ? NULL : calloc(1, bytes + room);

    if (p == NULL) {
        return NULL;
    }
    unsigned char *aligned = p + room - (uintptr_t)(p + room) % 64;
    memcpy(aligned - sizeof p, &p, sizeof p);
    return aligned;
}

void base_free(void *p)
{
    if (p != NULL) {
        memcpy(&p, (unsigned char *)p - sizeof p, sizeof p);
        free(p);
    }
}

void base_return_memory(void)
{
#if defined(__GLIBC__)
    mallopt(M_MMAP_THRESHOLD, 256 << 10);
#endif
}

void *arena_take(struct arena *arena, size_t count, size_t element_bytes)
{
    size_t bytes, end;

    if (!base_mul(count, element_bytes, &bytes) || bytes > SIZE_MAX - 64 ||
        !base_add(arena->used, base_round_up(bytes, 64), &end)) {
        arena->overflow = true;
        return NULL;
    }
    void *p = arena->base == NULL ? NULL : arena->base + arena->used;
    arena->used = end;
    return p;
}

double base_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
