/* folder.c - the walk over a folder: a stack of sorted name lists, and what counts as a picture. */
#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/base/base.h"
#include "../../src/image/image.h"

enum { MAX_DEPTH = 256 }; /* of folders in folders */

struct level {
    char *bytes;        /* the names, one behind the other */
    const char **names; /* [n], into bytes, sorted */
    size_t n, next;
    size_t length; /* of the folder's path */
    dev_t device;
    ino_t inode;
};

struct folder {
    struct level levels[MAX_DEPTH]; /* [depth], outermost first */
    size_t depth, left_out;
    char *path; /* [room] */
    size_t room;
};

/* ---- Names --------------------------------------------------------------------------------- */

enum name_kind { NAME_PICTURE, NAME_OTHER, NAME_OPEN /* no ending: says nothing */ };

static enum name_kind kind_of_name(const char *name)
{
    static const char *const endings[] = {
        "jpg", "jpeg", "jpe", "jfif", "png", "apng", "gif",  "bmp", "dib",  "webp", "pnm",
        "ppm", "pgm",  "pbm", "pam",  "pfm", "heic", "heif", "hif", "avif", "tif",  "tiff",
        "jxl", "jp2",  "j2k", "jxr",  "psd", "tga",  "dng",  "cr2", "cr3",  "nef",  "arw",
        "raf", "orf",  "rw2", "exr",  "hdr", "qoi",  "svg",  "ico"};
    const char *dot = strrchr(name, '.');

    if (strncmp(name, "._", 2) == 0) {
        return NAME_OTHER; /* a Mac's notes on the file of that name */
    }
    if (dot == NULL || dot == name || dot[1] == '\0') {
        return NAME_OPEN;
    }
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        if (strcasecmp(dot + 1, endings[i]) == 0) {
            return NAME_PICTURE;
        }
    }
    return NAME_OTHER;
}

/* Is the regular file a picture, or could it be one that may not be looked at? */
static bool is_picture(const char *path, const char *name)
{
    uint8_t bytes[IMAGE_PROBE_BYTES];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t got = 0;
    size_t n = 0;

    while (fd >= 0 && n < sizeof bytes && (got = read(fd, bytes + n, sizeof bytes - n)) > 0) {
        n += (size_t)got;
    }
    if (fd >= 0) {
        close(fd);
    }
    if (fd < 0 || got < 0) {
        return kind_of_name(name) != NAME_OTHER;
    }
    return kind_of_name(name) == NAME_PICTURE || image_probe(bytes, n, NULL) != IMAGE_NONE;
}

/* ---- Folders ------------------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names in `dir` into level->bytes, each with its 0; false with errno. */
static bool read_names(DIR *dir, struct level *level, size_t *used)
{
    struct dirent *entry;
    size_t room = 0;

    while (errno = 0, (entry = readdir(dir)) != NULL) {
        size_t length = strlen(entry->d_name) + 1;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        if (length > room - *used) {
            char *larger = realloc(level->bytes, room = 2 * room + 4096);
            if (larger == NULL) {
                errno = ENOMEM;
                return false;
            }
            level->bytes = larger;
        }
        memcpy(level->bytes + *used, entry->d_name, length);
        *used += length;
        level->n++;
    }
    return errno == 0;
}

static void free_level(struct level *level)
{
    free(level->bytes);
    free(level->names);
    memset(level, 0, sizeof *level);
}

/* Go into the folder f->path, [length]; st is of it. */
static int enter(struct folder *f, size_t length, const struct stat *st)
{
    struct level level = {.length = length, .device = st->st_dev, .inode = st->st_ino};
    size_t used = 0;
    DIR *dir;

    if (f->depth == MAX_DEPTH) {
        return base_fail(CLIPC_ERROR_LIMIT, "%.400s: more than %d folders deep", f->path,
                         MAX_DEPTH);
    }
    dir = opendir(f->path);
    bool good = dir != NULL && read_names(dir, &level, &used);
    level.names = good ? malloc((level.n + 1) * sizeof *level.names) : NULL;
    if (level.names == NULL) {
        int status = base_fail(CLIPC_ERROR_IO, "%.400s: %s", f->path, strerror(errno));
        free_level(&level);
        if (dir != NULL) {
            closedir(dir);
        }
        return status;
    }
    closedir(dir);
    for (size_t i = 0, at = 0; i < level.n; i++) {
        level.names[i] = level.bytes + at;
        at += strlen(level.names[i]) + 1;
    }
    qsort(level.names, level.n, sizeof *level.names, compare_names);
    f->levels[f->depth++] = level;
    return CLIPC_OK;
}

/* Is the folder one that the walk is in already?  A link to it would lead round and round. */
static bool is_inside(const struct folder *f, const struct stat *st)
{
    size_t i = 0;

    while (i < f->depth &&
           (f->levels[i].device != st->st_dev || f->levels[i].inode != st->st_ino)) {
        i++;
    }
    return i < f->depth;
}

/* f->path becomes `name` in the folder of `level`. */
static bool set_path(struct folder *f, const struct level *level, const char *name)
{
    size_t need = level->length + strlen(name) + 2;

    if (need > f->room) {
        char *larger = realloc(f->path, 2 * need);
        if (larger == NULL) {
            return false;
        }
        f->path = larger;
        f->room = 2 * need;
    }
    snprintf(f->path + level->length, need - level->length, "%s%s",
             level->length > 0 && f->path[level->length - 1] == '/' ? "" : "/", name);
    return true;
}

int folder_open(const char *path, struct folder **out)
{
    struct folder *f = calloc(1, sizeof *f);
    struct stat st;
    int status;

    *out = NULL;
    if (f == NULL || (f->path = strdup(path)) == NULL) {
        free(f);
        return base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", path);
    }
    f->room = strlen(path) + 1;
    status = stat(path, &st) == 0 ? enter(f, f->room - 1, &st)
                                  : base_fail(CLIPC_ERROR_IO, "%s: %s", path, strerror(errno));
    if (status != CLIPC_OK) {
        folder_close(f);
        return status;
    }
    *out = f;
    return CLIPC_OK;
}

/* What is at f->path, called `name`: as folder_next, but 0 when the walk goes on. */
static int look_at(struct folder *f, const char *name)
{
    struct stat st;

    if (stat(f->path, &st) != 0) {
        bool absent = errno == ENOENT || errno == ELOOP; /* a link to nothing, or gone meanwhile */
        if (absent ? kind_of_name(name) == NAME_PICTURE : kind_of_name(name) != NAME_OTHER) {
            return base_fail(CLIPC_ERROR_IO, "%.400s: %s", f->path, strerror(errno));
        }
        f->left_out++;
        return 0;
    }
    if (S_ISDIR(st.st_mode)) {
        return is_inside(f, &st) ? 0 : enter(f, strlen(f->path), &st);
    }
    if (S_ISREG(st.st_mode) && is_picture(f->path, name)) {
        return 1;
    }
    if (!S_ISREG(st.st_mode) && kind_of_name(name) == NAME_PICTURE) {
        return base_fail(CLIPC_ERROR_IO, "%.400s: is no regular file, and not opened", f->path);
    }
    f->left_out++;
    return 0;
}

int folder_next(struct folder *f, const char **path)
{
    int found = 0;

    while (found == 0 && f->depth > 0) {
        struct level *level = &f->levels[f->depth - 1];
        if (level->next == level->n) {
            free_level(level);
            f->depth--;
        } else if (set_path(f, level, level->names[level->next])) {
            found = look_at(f, level->names[level->next++]);
        } else {
            level->next++;
            found = base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", f->path);
        }
    }
    *path = f->path;
    return found;
}

size_t folder_left_out(const struct folder *f)
{
    return f->left_out;
}

void folder_close(struct folder *f)
{
    if (f != NULL) {
        while (f->depth > 0) {
            free_level(&f->levels[--f->depth]);
        }
        free(f->path);
        free(f);
    }
}
