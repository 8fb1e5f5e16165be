/* fresh.c - names that are free, and stay so until the file has its own. */
#include "fresh.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/base/base.h"

enum { MOST_NUMBERS = 100000 };

int fresh_folder(const char *folder)
{
    struct stat st;

    if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
        return base_fail(CLIPC_ERROR_IO, "%s: cannot make this folder: %s", folder,
                         strerror(errno));
    }
    if (stat(folder, &st) != 0 || !S_ISDIR(st.st_mode)) {
        return base_fail(CLIPC_ERROR_IO, "%s: is no folder", folder);
    }
    return access(folder, W_OK | X_OK) == 0
               ? CLIPC_OK
               : base_fail(CLIPC_ERROR_IO, "%s: cannot write there: %s", folder, strerror(errno));
}

/* f->path becomes the first name from f->number on that nothing has. */
static int choose(struct fresh *f)
{
    size_t room = sizeof f->path - f->stem;
    struct stat st;

    for (; f->number <= MOST_NUMBERS; f->number++) {
        int n = f->number == 1 ? snprintf(f->path + f->stem, room, "%s", f->ending)
                               : snprintf(f->path + f->stem, room, "-%d%s", f->number, f->ending);
        if (n >= (int)room) {
            return base_fail(CLIPC_ERROR_LIMIT, "%.100s...: the name is too long", f->path);
        }
        if (lstat(f->path, &st) != 0 && errno == ENOENT) {
            return CLIPC_OK;
        }
    }
    return base_fail(CLIPC_ERROR_LIMIT, "%s: too many files of this name", f->path);
}

int fresh_open(struct fresh *f, const char *folder, const char *name, const char *ending)
{
    int n = snprintf(f->path, sizeof f->path, "%s/%s", folder, name);

    memset(&f->output, 0, sizeof f->output);
    if (n >= (int)sizeof f->path) {
        return base_fail(CLIPC_ERROR_LIMIT, "%.100s...: the name is too long", folder);
    }
    f->stem = (size_t)n;
    f->ending = ending;
    f->number = 1;
    int status = choose(f);
    return status == CLIPC_OK ? output_open(&f->output, f->path) : status;
}

int fresh_write(struct fresh *f, const void *bytes, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t part = write(f->output.fd, (const char *)bytes + done, n - done);
        if (part < 0 && errno != EINTR) {
            return output_error(&f->output, "write");
        }
        done += part > 0 ? (size_t)part : 0;
    }
    return CLIPC_OK;
}

/* Another clipc may have taken the name meanwhile: one after the other they look and rename. */
int fresh_finish(struct fresh *f)
{
    char folder[PATH_MAX];

    memcpy(folder, f->path, f->stem);
    folder[f->stem] = '\0';
    *strrchr(folder, '/') = '\0';
    int lock = open(folder[0] != '\0' ? folder : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock >= 0) {
        flock(lock, LOCK_EX);
    }
    int number = f->number, status = choose(f);
    if (status == CLIPC_OK && f->number != number) {
        status = output_move(&f->output, f->path);
    }
    if (status == CLIPC_OK) {
        status = output_finish(&f->output);
    }
    fresh_abort(f);
    if (lock >= 0) {
        close(lock);
    }
    return status;
}

void fresh_abort(struct fresh *f)
{
    output_abort(&f->output);
}
