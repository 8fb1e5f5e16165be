/* download.c - download.h: bytes to disk, each checked against what was announced before it is
 * written, all of them against the hash at the end. */
#include "download.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/base/base.h"
#include "../../weights/sha256.h"
#include "../cli/progress.h"
#include "../cli/say.h"

/* Who sends so much before it ends the connection is asked for more. */
#define ENOUGH_BYTES ((uint64_t)1 << 20)

struct download {
    const struct hub_file *file;
    uint64_t most, have, total; /* total: HTTP_UNKNOWN until a server says it */
    char sha256[65];            /* wanted; "": nobody says */
    int fd;
    char path[PATH_MAX], part[PATH_MAX], tag[PATH_MAX]; /* FILE, FILE.part, FILE.etag */
    struct progress progress;
};

static bool name_paths(struct download *d, const char *folder, const char *name)
{
    int n = snprintf(d->path, sizeof d->path, "%s/%s", folder, name);
    bool fits = n > 0 && n < PATH_MAX - 8;

    if (fits) {
        snprintf(d->part, sizeof d->part, "%.*s.part", n, d->path);
        snprintf(d->tag, sizeof d->tag, "%.*s.etag", n, d->path);
    }
    return fits;
}

static int failed(const struct download *d, const char *what)
{
    return base_fail(CLIPC_ERROR_IO, "%s: cannot %s: %s%s", d->part, what, strerror(errno),
                     errno == ENOSPC ? " (what has come stays: make room, and pull again)" : "");
}

/* ---- The version that a part is of ----------------------------------------------------------- */

static void read_tag(const struct download *d, char *etag, size_t room)
{
    FILE *f = fopen(d->tag, "r");
    size_t n = f != NULL ? fread(etag, 1, room - 1, f) : 0;

    etag[n] = '\0';
    if (strcspn(etag, "\r\n") != n) {
        etag[0] = '\0';
    }
    if (f != NULL) {
        fclose(f);
    }
}

/* Without one the part is begun anew next time, or judged by its hash: no reason to stop. */
static void write_tag(const struct download *d, const char *etag)
{
    FILE *f = etag[0] != '\0' ? fopen(d->tag, "w") : NULL;

    if (f == NULL || (fputs(etag, f), fclose(f) != 0)) {
        unlink(d->tag);
    }
}

/* ---- http_get's callbacks -------------------------------------------------------------------- */

static int empty(struct download *d)
{
    d->have = d->progress.had = 0;
    unlink(d->tag);
    return ftruncate(d->fd, 0) == 0 && lseek(d->fd, 0, SEEK_SET) == 0 ? CLIPC_OK
                                                                      : failed(d, "empty it");
}

static int prepare(void *arg, struct http_get *get)
{
    struct download *d = arg;

    read_tag(d, get->etag, sizeof get->etag);
    if (get->fresh || (get->etag[0] == '\0' && d->sha256[0] == '\0') ||
        (d->total != HTTP_UNKNOWN && d->have >= d->total)) {
        int status = empty(d);
        if (status != CLIPC_OK) {
            return status;
        }
        get->etag[0] = '\0';
    }
    get->from = d->have;
    return CLIPC_OK;
}

static int begin(void *arg, const struct http_reply *reply)
{
    struct download *d = arg;
    const char *name = d->file->name;
    int status = CLIPC_OK;

    if (d->sha256[0] == '\0') {
        hub_take_sha256(reply->linked_etag, d->sha256);
    }
    if (d->total == HTTP_UNKNOWN) {
        d->total = reply->linked_size != HTTP_UNKNOWN ? reply->linked_size : reply->total;
    }
    if (reply->total != HTTP_UNKNOWN && reply->total != d->total) {
        return base_fail(CLIPC_ERROR_FORMAT,
                         "%s: %llu bytes are announced, but %llu are listed or were before", name,
                         (unsigned long long)reply->total, (unsigned long long)d->total);
    }
    if (d->total == HTTP_UNKNOWN ? d->most > DOWNLOAD_MAX_OTHER : d->total > d->most) {
        return d->total == HTTP_UNKNOWN
                   ? base_fail(CLIPC_ERROR_LIMIT, "%s: nobody says how large it is", name)
                   : base_fail(CLIPC_ERROR_LIMIT, "%s: %llu bytes, at most %llu are taken", name,
                               (unsigned long long)d->total, (unsigned long long)d->most);
    }
    if (reply->status == 200) {
        status = empty(d);
        write_tag(d, reply->etag);
    }
    return status;
}

static int take(void *arg, const char *bytes, size_t n)
{
    struct download *d = arg;
    uint64_t limit = d->total != HTTP_UNKNOWN ? d->total : d->most;

    if (n > limit - d->have) {
        return base_fail(CLIPC_ERROR_FORMAT, "%s: it sends more than %llu bytes", d->file->name,
                         (unsigned long long)limit);
    }
    while (n > 0) {
        ssize_t wrote = write(d->fd, bytes, n);
        if (wrote < 0 && errno != EINTR) {
            return failed(d, "write");
        }
        if (wrote > 0) {
            bytes += wrote;
            n -= (size_t)wrote;
            d->have += (uint64_t)wrote;
        }
    }
    progress_bytes(&d->progress, d->file->name, d->have, d->total);
    return CLIPC_OK;
}

/* ---- The whole file -------------------------------------------------------------------------- */

bool download_is_done(const char *folder, const struct hub_file *file)
{
    struct download d;
    struct stat st;
    char hex[65];

    return file->sha256[0] != '\0' && name_paths(&d, folder, file->name) &&
           stat(d.path, &st) == 0 &&
           (file->size == HTTP_UNKNOWN || (uint64_t)st.st_size == file->size) &&
           sha256_file(d.path, hex) == CLIPC_OK && strcmp(hex, file->sha256) == 0;
}

uint64_t download_begun(const char *folder, const struct hub_file *file)
{
    struct download d;
    struct stat st;

    return name_paths(&d, folder, file->name) && (stat(d.path, &st) == 0 || stat(d.part, &st) == 0)
               ? (uint64_t)st.st_size
               : 0;
}

/* Until d->have is d->total.  The transfer itself may end early and well: a body that its server
 * ends by closing the connection. */
static int fetch(struct http *http, const char *url, struct download *d)
{
    struct http_get get = {.url = url, .prepare = prepare, .begin = begin, .take = take, .arg = d};

    for (int tries = 0; tries < 5 && (tries == 0 || d->have < d->total); tries++) {
        uint64_t before = d->have;
        int status = http_fetch(http, &get);
        if (status != CLIPC_OK || d->total == HTTP_UNKNOWN) {
            return status;
        }
        tries -= d->have > before && d->have - before >= ENOUGH_BYTES;
    }
    return d->have == d->total
               ? CLIPC_OK
               : base_fail(CLIPC_ERROR_IO, "only %llu bytes of %llu come",
                           (unsigned long long)d->have, (unsigned long long)d->total);
}

/* All bytes are there: are they right?  *again: they are not, and are gone. */
static int check(struct download *d, bool *again)
{
    char hex[65];
    int status = d->sha256[0] != '\0' ? sha256_file(d->part, hex) : CLIPC_OK;

    *again = false;
    if (status != CLIPC_OK || d->sha256[0] == '\0' || strcmp(hex, d->sha256) == 0) {
        return status;
    }
    *again = true;
    status = empty(d);
    return status != CLIPC_OK ? status
                              : base_fail(CLIPC_ERROR_FORMAT, "its SHA-256 is %s, the hub says %s",
                                          hex, d->sha256);
}

static int fetch_all(struct http *http, const char *url, struct download *d)
{
    bool again = false;
    int status;

    for (int tries = 1;; tries++) {
        status = d->sha256[0] != '\0' && d->have > 0 && d->have == d->total
                     ? CLIPC_OK /* an earlier call had only to check it */
                     : fetch(http, url, d);
        progress_clear(&d->progress);
        again = false;
        if (status == CLIPC_OK) {
            status = check(d, &again);
        }
        if (again && tries == 2) {
            unlink(d->part);
        }
        if (!again || tries == 2) {
            return status;
        }
        cli_note("%s: %s; fetched anew", d->file->name, base_errmsg());
    }
}

int download_file(struct http *http, const char *url, const char *folder,
                  const struct hub_file *file, uint64_t most)
{
    struct download d = {.file = file, .most = most, .total = file->size};
    char why[512];
    struct stat st;

    strcpy(d.sha256, file->sha256);
    if (!name_paths(&d, folder, file->name)) {
        return base_fail(CLIPC_ERROR_IO, "%s/%s: the name is too long", folder, file->name);
    }
    d.fd = open(d.part, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (d.fd < 0 || fstat(d.fd, &st) != 0 || lseek(d.fd, 0, SEEK_END) < 0) {
        int status = failed(&d, "write");
        if (d.fd >= 0) {
            close(d.fd);
        }
        return status;
    }
    d.have = (uint64_t)st.st_size;
    d.progress = progress_begin("MB");
    d.progress.had = d.have;
    int status = fetch_all(http, url, &d);
    if (status != CLIPC_OK) {
        snprintf(why, sizeof why, "%s", base_errmsg());
        base_fail(status, "%s: %s", file->name, why);
    } else if (fsync(d.fd) != 0 || rename(d.part, d.path) != 0) {
        status = failed(&d, "finish");
    } else {
        unlink(d.tag);
    }
    close(d.fd);
    return status;
}

void download_remove(const char *folder, const char *name)
{
    struct download d;

    if (name_paths(&d, folder, name)) {
        unlink(d.path);
        unlink(d.part);
        unlink(d.tag);
    }
}
