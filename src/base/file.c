/* file.c - files read whole, or mapped. */
#define _GNU_SOURCE /* O_CLOEXEC on every libc */
#include "base.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guard.h"

/* `flags`: O_NONBLOCK where a pipe is refused: open() waits for somebody to write to it. */
static int open_input(const char *path, int flags, int *fd, struct stat *st)
{
    int status = CLIPC_OK;

    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | flags);
    if (*fd < 0) {
        return base_fail(CLIPC_ERROR_IO, "%s: %s", path, strerror(errno));
    }
    if (fstat(*fd, st) != 0) {
        status = base_fail(CLIPC_ERROR_IO, "%s: %s", path, strerror(errno));
    } else if (S_ISDIR(st->st_mode)) {
        status = base_fail(CLIPC_ERROR_IO, "%s: is a directory, not a file", path);
    } else {
        status = guard_input(path, st);
    }
    if (status != CLIPC_OK) {
        close(*fd);
    }
    return status;
}

int base_map_file(const char *path, struct base_map *map)
{
    struct stat st;
    int fd, status = open_input(path, O_NONBLOCK, &fd, &st);

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

void base_map_release(const struct base_map *map)
{
    if (map->data != NULL) { /* shared and only read: nothing is lost */
        madvise((void *)(uintptr_t)map->data, map->size, MADV_DONTNEED);
    }
}

void base_map_fetch(const void *data, size_t size)
{
#ifdef MADV_POPULATE_READ /* Linux 5.14 */
    size_t page = (size_t)sysconf(_SC_PAGESIZE), before = (uintptr_t)data % page;

    madvise((unsigned char *)(uintptr_t)data - before, size + before, MADV_POPULATE_READ);
#else
    (void)data;
    (void)size;
#endif
}

char *base_real_path(const char *path)
{
    return realpath(path, NULL);
}

/* read(), waiting for what is still to come. */
static ssize_t read_some(int fd, void *to, size_t room)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    for (;;) {
        ssize_t got = read(fd, to, room);
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            poll(&p, 1, -1);
        } else if (got >= 0 || errno != EINTR) {
            return got;
        }
    }
}

/* Read `fd` to its end into a buffer that doubles; `hint` is a first guess of the size. */
static int read_all(int fd, const char *path, size_t hint, size_t max_bytes, unsigned char **data,
                    size_t *size)
{
    size_t room = hint + 1, used = 0;
    unsigned char *buffer = base_alloc(room + 1);

    while (buffer != NULL) {
        ssize_t got = read_some(fd, buffer + used, room - used);
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

int base_read_stdin(size_t max_bytes, unsigned char **data, size_t *size)
{
    return read_all(STDIN_FILENO, "standard input", 65536, max_bytes, data, size);
}

int base_read_file(const char *path, size_t max_bytes, unsigned char **data, size_t *size)
{
    struct stat st;
    int fd, status = open_input(path, 0, &fd, &st);

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
