#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base.h"

int output_error(const struct output *o, const char *what)
{
    return base_fail(CLIPC_ERROR_IO, "%s: cannot %s: %s", o->path, what, strerror(errno));
}

static void end(struct output *o)
{
    if (o->fd >= 0) {
        close(o->fd);
    }
    base_free(o->path);
    base_free(o->temporary);
    memset(o, 0, sizeof *o);
    o->fd = -1;
}

bool output_is_special(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

static bool is_regular(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

int output_open(struct output *o, const char *path)
{
    char *real = base_real_path(path); /* NULL: nothing there yet */
    const char *name = real != NULL ? real : path;
    size_t length = strlen(name);

    memset(o, 0, sizeof *o);
    o->fd = -1;
    if (real != NULL && !is_regular(real)) {
        free(real);
        return base_fail(CLIPC_ERROR_IO, "%s: there is something that is no regular file", path);
    }
    o->path = base_alloc(length + 1);
    o->temporary = base_alloc(length + 16);
    if (o->path == NULL || o->temporary == NULL) {
        end(o);
        free(real);
        return base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", path);
    }
    memcpy(o->path, name, length);
    free(real);
    snprintf(o->temporary, length + 16, "%s.part.XXXXXX", o->path);
    o->fd = mkstemp(o->temporary);
    if (o->fd < 0) {
        int status = output_error(o, "create a file there");
        end(o);
        return status;
    }
    return CLIPC_OK;
}

/* Best effort: that the new name itself is on the disk. */
static void sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char folder[4096] = ".";

    if (slash != NULL && (size_t)(slash - path) + 1 < sizeof folder) {
        memcpy(folder, path, (size_t)(slash - path) + 1);
        folder[slash - path + 1] = '\0';
    }
    int fd = open(folder, O_RDONLY);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

int output_finish(struct output *o)
{
    mode_t mask = umask(0);

    umask(mask);
    if (fchmod(o->fd, 0666 & ~mask) != 0 || fsync(o->fd) != 0 ||
        rename(o->temporary, o->path) != 0) {
        int status = output_error(o, "write");
        output_abort(o);
        return status;
    }
    sync_folder(o->path);
    end(o);
    return CLIPC_OK;
}

void output_abort(struct output *o)
{
    if (o->temporary != NULL) {
        unlink(o->temporary);
        end(o);
    }
}
