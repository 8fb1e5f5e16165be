#define _GNU_SOURCE /* O_CLOEXEC and MADV_* on every libc */
#include "base.h"

#include <errno.h>
#include <fcntl.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "weight files are mapped as they lie: little-endian machines only"
#endif

static _Thread_local char error_text[512];

int base_fail(int status, const char *format, ...)
{
    /* Formatted apart, because the arguments may quote the old sentence. */
    char text[sizeof error_text];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    for (char *p = text; *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f) {
            *p = '?';
        }
    }
    memcpy(error_text, text, sizeof text);
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

static int open_regular(const char *path, int *fd, struct stat *st)
{
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0) {
        return base_fail(CLIPC_ERROR_IO, "%s: %s", path, strerror(errno));
    }
    if (fstat(*fd, st) != 0) {
        int status = base_fail(CLIPC_ERROR_IO, "%s: %s", path, strerror(errno));
        close(*fd);
        return status;
    }
    if (S_ISDIR(st->st_mode)) {
        close(*fd);
        return base_fail(CLIPC_ERROR_IO, "%s: is a directory, not a file", path);
    }
    return CLIPC_OK;
}

int base_map_file(const char *path, struct base_map *map)
{
    struct stat st;
    int fd, status = open_regular(path, &fd, &st);

    map->data = NULL;
    map->size = 0;
    if (status != CLIPC_OK) {
        return status;
    }
    if (!S_ISREG(st.st_mode)) {
        status = base_fail(CLIPC_ERROR_IO, "%s: not a regular file", path);
    } else if (st.st_size > 0) {
        void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
        if (p == MAP_FAILED) {
            status = base_fail(CLIPC_ERROR_IO, "%s: cannot map: %s", path, strerror(errno));
        } else {
            map->data = p;
            map->size = (size_t)st.st_size;
        }
    }
    close(fd);
    return status;
}

void base_unmap(struct base_map *map)
{
    if (map->data != NULL) {
        munmap((void *)(uintptr_t)map->data, map->size);
    }
    map->data = NULL;
    map->size = 0;
}

char *base_real_path(const char *path)
{
    return realpath(path, NULL);
}

/* Read `fd` to its end into a buffer that doubles; `hint` is a first guess of the size. */
static int read_all(int fd, const char *path, size_t hint, size_t max_bytes, unsigned char **data,
                    size_t *size)
{
    size_t room = hint + 1, used = 0;
    unsigned char *buffer = base_alloc(room + 1);

    while (buffer != NULL) {
        ssize_t got = read(fd, buffer + used, room - used);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            base_free(buffer);
            return base_fail(CLIPC_ERROR_IO, "%s: %s", path, strerror(errno));
        }
        used += (size_t)got;
        if (used > max_bytes) {
            base_free(buffer);
            return base_fail(CLIPC_ERROR_LIMIT, "%s: larger than the limit of %zu bytes", path,
                             max_bytes);
        }
        if (got == 0) {
            buffer[used] = 0;
            *data = buffer;
            *size = used;
            return CLIPC_OK;
        }
        if (used == room) {
            unsigned char *larger = base_alloc(2 * room + 1);
            if (larger != NULL) {
                memcpy(larger, buffer, used);
            }
            base_free(buffer);
            buffer = larger;
            room *= 2;
        }
    }
    return base_fail(CLIPC_ERROR_MEMORY, "%s: no memory for %zu bytes", path, room);
}

int base_read_file(const char *path, size_t max_bytes, unsigned char **data, size_t *size)
{
    struct stat st;
    int fd, status;

    if (strcmp(path, "-") == 0) {
        return read_all(STDIN_FILENO, "standard input", 65536, max_bytes, data, size);
    }
    status = open_regular(path, &fd, &st);
    if (status != CLIPC_OK) {
        return status;
    }
    size_t hint = S_ISREG(st.st_mode) && st.st_size > 0 ? (size_t)st.st_size : 65536;
    if (S_ISREG(st.st_mode) && hint > max_bytes) {
        status =
            base_fail(CLIPC_ERROR_LIMIT, "%s: %zu bytes, the limit is %zu", path, hint, max_bytes);
    } else {
        status = read_all(fd, path, hint, max_bytes, data, size);
    }
    close(fd);
    return status;
}

double base_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
