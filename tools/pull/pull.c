/* pull.c - pull.h: list, choose, download, convert; what is no longer wanted is removed. */
#include "pull.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "../../src/base/base.h"
#include "../cli/say.h"
#include "../convert/convert.h"
#include "choose.h"
#include "download.h"

/* The public hub: the only address that stands in this program. */
static const char public_hub[] = "https://huggingface.co";

struct pull {
    const struct pull_request *request;
    char endpoint[1024];
    char folder[PATH_MAX], lock[PATH_MAX]; /* of the checkpoint's files */
    int lock_fd;
    struct http *http;
    struct hub_list list;
    struct chosen configs, weights;
    const struct hub_file *index; /* of several files of tensors; NULL: one */
};

/* ---- The folder ------------------------------------------------------------------------------ */

/* All folders of `path`, which begins with a slash. */
static int make_folders(const char *path)
{
    char part[PATH_MAX];

    for (size_t n = 1; n <= strlen(path); n++) {
        if (path[n] == '/' || path[n] == '\0') {
            snprintf(part, sizeof part, "%.*s", (int)n, path);
            if (mkdir(part, 0777) != 0 && errno != EEXIST) {
                return base_fail(CLIPC_ERROR_IO, "%s: cannot make this folder: %s", part,
                                 strerror(errno));
            }
        }
    }
    return CLIPC_OK;
}

/* Two that pull the same would write into one another's files. */
static int take_lock(struct pull *p)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct stat mine, there;

    for (;;) {
        p->lock_fd = open(p->lock, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (p->lock_fd < 0) {
            return base_fail(CLIPC_ERROR_IO, "%s: cannot write: %s", p->lock, strerror(errno));
        }
        if (fcntl(p->lock_fd, F_SETLK, &whole) != 0) {
            return errno == EACCES || errno == EAGAIN
                       ? base_fail(CLIPC_ERROR_IO, "%s: another clipc pull is at work on it",
                                   p->folder)
                       : CLIPC_OK; /* a file system without locks */
        }
        if (fstat(p->lock_fd, &mine) == 0 && stat(p->lock, &there) == 0 &&
            mine.st_ino == there.st_ino) {
            return CLIPC_OK;
        }
        close(p->lock_fd); /* of one who has just ended, and removed it */
    }
}

static void release_lock(struct pull *p)
{
    if (p->lock_fd >= 0) {
        unlink(p->lock);
        close(p->lock_fd);
    }
}

/* Only what was downloaded: the folder goes when nothing else is in it. */
static void remove_files(const struct pull *p)
{
    for (size_t i = 0; i < p->configs.n; i++) {
        download_remove(p->folder, p->configs.files[i]->name);
    }
    for (size_t i = 0; i < p->weights.n; i++) {
        download_remove(p->folder, p->weights.files[i]->name);
    }
    if (p->index != NULL) {
        download_remove(p->folder, p->index->name);
    }
    rmdir(p->folder);
}

/* ---- Files ----------------------------------------------------------------------------------- */

static int fetch(const struct pull *p, const struct hub_file *file, uint64_t most)
{
    if (file->size != HTTP_UNKNOWN && file->size > most) {
        return base_fail(CLIPC_ERROR_LIMIT, "%s: %llu bytes, at most %llu are taken", file->name,
                         (unsigned long long)file->size, (unsigned long long)most);
    }
    if (download_is_done(p->folder, file)) {
        return CLIPC_OK;
    }
    char *url = hub_url(p->endpoint, p->request->model.repository, p->list.revision, file->name);
    int status =
        url != NULL ? download_file(p->http, url, p->folder, file, most) : CLIPC_ERROR_MEMORY;

    free(url);
    return status;
}

/* The tensors, then the weight file made of them: is there room for both? */
static int check_room(const struct pull *p)
{
    uint64_t all = 0, missing = 0;
    struct statvfs disk;

    for (size_t i = 0; i < p->weights.n; i++) {
        const struct hub_file *file = p->weights.files[i];
        uint64_t begun = download_begun(p->folder, file);
        if (file->size == HTTP_UNKNOWN) {
            continue;
        }
        if (file->size > DOWNLOAD_MAX_WEIGHTS || all > DOWNLOAD_MAX_WEIGHTS - file->size) {
            return base_fail(CLIPC_ERROR_LIMIT, "%s: %llu bytes; of tensors at most %llu are taken",
                             file->name, (unsigned long long)file->size,
                             (unsigned long long)DOWNLOAD_MAX_WEIGHTS);
        }
        all += file->size;
        missing += begun < file->size ? file->size - begun : 0;
    }
    if (statvfs(p->folder, &disk) != 0) {
        return CLIPC_OK; /* the first byte that has no room will tell */
    }
    uint64_t room = (uint64_t)disk.f_bavail * disk.f_frsize;
    return missing + all <= room
               ? CLIPC_OK
               : base_fail(CLIPC_ERROR_IO,
                           "%s: %.1f MB are to be downloaded and %.1f to be converted, but the "
                           "disk has room for %.1f",
                           p->folder, (double)missing / 1e6, (double)all / 1e6, (double)room / 1e6);
}

static int fetch_weights(struct pull *p)
{
    bool index = false;
    const struct hub_file *file = choose_weights(&p->list, p->folder, &index);
    char path[PATH_MAX];
    int status = CLIPC_OK;

    if (file == NULL) {
        return base_fail(CLIPC_ERROR_UNSUPPORTED,
                         "%s: none of its files is one of tensors that `clipc convert` reads "
                         "(model.safetensors, pytorch_model.bin, open_clip_model.safetensors, ...)",
                         p->request->model.repository);
    }
    if (index) {
        p->index = file;
        status = fetch(p, file, DOWNLOAD_MAX_OTHER);
        if (status == CLIPC_OK &&
            snprintf(path, sizeof path, "%s/%s", p->folder, file->name) >= PATH_MAX) {
            status = base_fail(CLIPC_ERROR_IO, "%s: the name is too long", p->folder);
        }
        if (status == CLIPC_OK) {
            status = choose_shards(&p->list, path, &p->weights);
        }
    } else {
        p->weights.files[p->weights.n++] = file;
    }
    if (status == CLIPC_OK) {
        status = check_room(p);
    }
    for (size_t i = 0; i < p->weights.n && status == CLIPC_OK; i++) {
        status = fetch(p, p->weights.files[i], DOWNLOAD_MAX_WEIGHTS);
    }
    return status;
}

static int fetch_all(struct pull *p)
{
    const struct pulled_name *model = &p->request->model;
    int status = hub_list(p->http, p->endpoint, model->repository, model->revision, &p->list);

    if (status == CLIPC_OK) {
        choose_configs(&p->list, &p->configs);
    }
    for (size_t i = 0; i < p->configs.n && status == CLIPC_OK; i++) {
        status = fetch(p, p->configs.files[i], DOWNLOAD_MAX_OTHER);
    }
    return status == CLIPC_OK ? fetch_weights(p) : status;
}

/* ---- All of it ------------------------------------------------------------------------------- */

static int convert(const struct pull *p, const char *out)
{
    const struct convert_request request = {.source = p->folder, .out = out};
    int status = convert_run(&request);

    if (status != CLIPC_OK) {
        cli_note("what was downloaded stays in %s", p->folder);
    }
    return status;
}

static int work(struct pull *p, const char *out)
{
    const struct pull_request *r = p->request;
    const struct http_options options = {p->endpoint, r->token, r->ca_file, r->seconds};
    int status = http_new(&options, &p->http);

    if (status != CLIPC_OK || (status = make_folders(p->folder)) != CLIPC_OK) {
        return status;
    }
    status = take_lock(p);
    if (status == CLIPC_OK) {
        status = fetch_all(p);
    }
    if (status == CLIPC_OK) {
        status = convert(p, out);
    }
    release_lock(p);
    if (status == CLIPC_OK && !r->keep) {
        remove_files(p);
    } else if (status != CLIPC_OK) {
        rmdir(p->folder); /* nothing has come */
    }
    return status;
}

int pull_run(const struct pull_request *request, char out[PATH_MAX])
{
    struct pull *p = calloc(1, sizeof *p);
    const char *endpoint = request->endpoint != NULL ? request->endpoint : public_hub;
    size_t n = strlen(endpoint);
    int status = CLIPC_OK;

    while (n > 0 && endpoint[n - 1] == '/') {
        n--;
    }
    if (p == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "pull: out of memory");
    }
    p->request = request;
    p->lock_fd = -1;
    if (n >= sizeof p->endpoint) {
        status = base_fail(CLIPC_ERROR_ARGUMENT, "--endpoint: too long for an address");
    } else if (!pulled_path(&request->model, ".clipc", out) ||
               !pulled_path(&request->model, "", p->folder) ||
               !pulled_path(&request->model, ".lock", p->lock)) {
        status = base_fail(CLIPC_ERROR_IO, "no folder for it: set $XDG_CACHE_HOME or $HOME");
    } else if (access(out, F_OK) == 0 && !request->anew) {
        cli_note("%s is there already (--anew downloads it again)", request->model.repository);
    } else {
        memcpy(p->endpoint, endpoint, n);
        status = work(p, out);
    }
    http_free(p->http);
    hub_list_free(&p->list);
    free(p);
    return status;
}
