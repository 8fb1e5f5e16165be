/* folder_file.c - opens part after part of a path from one folder on, so that neither ".." nor a
 * link, nor one that is put there in the meantime, leads out of it. */
#include "folder_file.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/base/base.h"

static const char not_there[] = "there is no such picture in the folder of --allow-file";

/* What of `name` lies behind the folder's own path; `name` itself when it is not a whole path; NULL
 * when it is one of another folder. */
static const char *below(const char *folder, const char *name)
{
    size_t n = strlen(folder);

    while (n > 0 && folder[n - 1] == '/') {
        n--;
    }
    return name[0] != '/'                                                ? name
           : strncmp(folder, name, n) == 0 && (name[n] == '/' || n == 0) ? name + n
                                                                         : NULL;
}

/* The descriptor of `path` below `folder`, which is closed; -1: there is none, or no way to it. */
static int walk(int folder, const char *path)
{
    char part[256];

    while (folder >= 0 && path[strspn(path, "/")] != '\0') {
        path += strspn(path, "/");
        size_t n = strcspn(path, "/");
        bool last = path[n + strspn(path + n, "/")] == '\0';
        int next = -1;
        if (n < sizeof part && !(n == 2 && memcmp(path, "..", 2) == 0)) {
            snprintf(part, sizeof part, "%.*s", (int)n, path);
            /* Without waiting: a pipe's name would hold this thread for ever. */
            next = openat(folder, part,
                          O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY |
                              (last ? 0 : O_DIRECTORY));
        }
        close(folder);
        folder = next;
        path += n;
    }
    return folder;
}

static int read_all(int fd, unsigned char *data, size_t size)
{
    for (size_t at = 0; at < size;) {
        ssize_t n = read(fd, data + at, size - at);
        if (n <= 0) {
            return base_fail(CLIPC_ERROR_IO, "the file cannot be read");
        }
        at += (size_t)n;
    }
    return CLIPC_OK;
}

int folder_file_read(const char *folder, const char *name, size_t max_bytes, unsigned char **data,
                     size_t *size)
{
    const char *path = below(folder, name);
    struct stat info;
    int status = CLIPC_OK;
    int fd = path == NULL ? -1 : walk(open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), path);

    *data = NULL;
    if (fd < 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        status = base_fail(CLIPC_ERROR_IO, not_there);
    } else if ((size_t)info.st_size > max_bytes) {
        status = base_fail(CLIPC_ERROR_LIMIT, "the file is larger than this server takes "
                                              "(--max-body)");
    } else if ((*data = base_alloc((size_t)info.st_size + 1)) == NULL) {
        status = base_fail(CLIPC_ERROR_MEMORY, "no memory for this picture now: try again");
    } else {
        *size = (size_t)info.st_size;
        status = read_all(fd, *data, *size);
    }
    if (fd >= 0) {
        close(fd);
    }
    if (status != CLIPC_OK) {
        base_free(*data);
        *data = NULL;
    }
    return status;
}
