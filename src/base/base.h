/* base.h - what every floor stands on: the error sentence, checked sizes, an arena, mapped files,
 * little-endian loads.  Nothing here knows of models. */
#ifndef CLIPC_BASE_H
#define CLIPC_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../clipc.h" /* enum clipc_status only */

/* Record this thread's sentence (printf-like, cut at 511 bytes) and return `status`.  It is UTF-8,
 * and nothing in it steers a terminal: control characters (C1 too, ends of lines, marks that turn
 * the direction of writing) and bytes that are not UTF-8 are shown as '?'. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
int base_fail(int status, const char *format, ...);
const char *base_errmsg(void);
void base_clear_error(void);

/* *out = a * b or a + b; false (and *out untouched) when that does not fit. */
bool base_mul(size_t a, size_t b, size_t *out);
bool base_add(size_t a, size_t b, size_t *out);

static inline size_t base_round_up(size_t n, size_t multiple)
{
    return (n + multiple - 1) / multiple * multiple;
}

/* Bytes aligned to 64 (zeroed), freed with base_free.  NULL when the system refuses; no message. */
void *base_alloc(size_t bytes);
void base_free(void *p);

/* For a program's start: free pieces of 256 KiB and more go back to the system at once.  Else glibc
 * keeps what every thread's largest picture took (90 MB where 30 are in use). */
void base_return_memory(void);

/* An arena: first pass with base == NULL counts, second pass points.  Pieces are 64-byte aligned.
 *     struct arena a = {0};  layout(&a);  a.base = base_alloc(a.used);  a.used = 0;  layout(&a);
 * Sizes that overflow set `overflow`; check it before allocating. */
struct arena {
    unsigned char *base;
    size_t used;
    bool overflow;
};
void *arena_take(struct arena *arena, size_t count, size_t element_bytes);

/* A whole file, mapped read-only.  Refuses folders and files that are not regular, at once. */
struct base_map {
    const unsigned char *data; /* page aligned; NULL when the file is empty */
    size_t size;
};
int base_map_file(const char *path, struct base_map *map);
void base_unmap(struct base_map *map);
/* Its pages need not stay in this process's memory; what is read again comes back from the
 * system's cache. */
void base_map_release(const struct base_map *map);

/* Let `size` bytes of a mapped file, from `data` on, be read into memory and mapped now, and not
 * page by page as they are wanted: where the system can, and the file has them. */
void base_map_fetch(const void *data, size_t size);

/* What `path` names when all links are followed; free() it; NULL when there is nothing. */
char *base_real_path(const char *path);

/* A whole file read into memory of base_alloc, one 0 byte behind the last; more than `max_bytes` is
 * CLIPC_ERROR_LIMIT.  A pipe is read to its end, however long its writer takes to come.
 * "-" is a file of that name. */
int base_read_file(const char *path, size_t max_bytes, unsigned char **data, size_t *size);

/* The same of standard input, which programs name "-". */
int base_read_stdin(size_t max_bytes, unsigned char **data, size_t *size);

/* Seconds of a monotonic clock. */
double base_seconds(void);

static inline uint16_t base_u16(const void *p)
{
    const unsigned char *b = p;
    return (uint16_t)(b[0] | b[1] << 8);
}
static inline uint32_t base_u32(const void *p)
{
    const unsigned char *b = p;
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}
static inline uint64_t base_u64(const void *p)
{
    const unsigned char *b = p;
    return (uint64_t)base_u32(b) | (uint64_t)base_u32(b + 4) << 32;
}

#endif
