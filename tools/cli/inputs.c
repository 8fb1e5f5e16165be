#include "inputs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/base/base.h"
#include "../../src/image/image.h"
#include "cli.h"

/* A list of texts or paths larger than this is a mistake. */
#define MAX_LIST_BYTES ((size_t)1 << 30)
#define MAX_DEPTH      256 /* of folders in folders */

static int no_memory(void)
{
    cli_error("out of memory");
    return -1;
}

int inputs_add(struct inputs *inputs, enum input_kind kind, const char *data, size_t length,
               const char *error)
{
    if (inputs->n == inputs->room) {
        size_t room = inputs->room == 0 ? 16 : 2 * inputs->room;
        struct input *items = realloc(inputs->items, room * sizeof *items);
        if (items == NULL) {
            return no_memory();
        }
        inputs->items = items;
        inputs->room = room;
    }
    struct input *item = &inputs->items[inputs->n];
    item->kind = kind;
    item->length = length;
    item->data = malloc(length + 1);
    item->error = error != NULL ? strdup(error) : NULL;
    if (item->data == NULL || (error != NULL && item->error == NULL)) {
        free(item->data);
        free(item->error);
        return no_memory();
    }
    memcpy(item->data, data, length);
    item->data[length] = '\0';
    inputs->n++;
    return 0;
}

static int add_broken(struct inputs *inputs, const char *path, int error)
{
    char text[4200];

    snprintf(text, sizeof text, "%.4000s: %s", path, strerror(error));
    return inputs_add(inputs, INPUT_BROKEN, path, strlen(path), text);
}

static bool looks_like_image(const char *path)
{
    uint8_t bytes[IMAGE_PROBE_BYTES];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = fd < 0 ? -1 : read(fd, bytes, sizeof bytes);

    if (fd >= 0) {
        close(fd);
    }
    return n > 0 && image_probe(bytes, (size_t)n, NULL) != IMAGE_NONE;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void free_names(char **names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(names[i]);
    }
    free(names);
}

/* Names in `folder`, sorted; *n of them; NULL with errno when it cannot be read. */
static char **read_folder(const char *folder, size_t *n)
{
    DIR *dir = opendir(folder);
    char **names = NULL;
    size_t room = 0;
    struct dirent *entry;

    *n = 0;
    if (dir == NULL) {
        return NULL;
    }
    names = malloc(sizeof *names);
    while (names != NULL && (entry = readdir(dir)) != NULL) {
        char **larger = names;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        if (*n >= room) {
            larger = realloc(names, (room = 2 * room + 16) * sizeof *names);
        }
        names = larger != NULL ? larger : names;
        if (larger == NULL || (names[*n] = strdup(entry->d_name)) == NULL) {
            free_names(names, *n);
            names = NULL;
            break;
        }
        ++*n;
    }
    closedir(dir);
    if (names != NULL) {
        qsort(names, *n, sizeof *names, compare_names);
    } else {
        errno = ENOMEM;
    }
    return names;
}

/* The folders that the walk is in, innermost first. */
struct inside {
    const struct inside *outer;
    dev_t device;
    ino_t inode;
    int depth;
};

/* Is the folder one that the walk is in already?  A link to it would lead round and round. */
static bool is_inside(const struct inside *inside, const struct stat *st)
{
    while (inside != NULL && (inside->device != st->st_dev || inside->inode != st->st_ino)) {
        inside = inside->outer;
    }
    return inside != NULL;
}

static int walk(struct inputs *inputs, const char *folder, const struct stat *of,
                const struct inside *outer)
{
    struct inside here = {outer, of->st_dev, of->st_ino, outer != NULL ? outer->depth + 1 : 0};
    size_t n, length = strlen(folder);
    char **names = here.depth < MAX_DEPTH ? read_folder(folder, &n) : NULL;
    int status = 0;

    if (names == NULL) {
        return add_broken(inputs, folder, here.depth < MAX_DEPTH ? errno : ELOOP);
    }
    for (size_t i = 0; i < n && status == 0; i++) {
        size_t room = length + strlen(names[i]) + 2;
        char *path = malloc(room);
        struct stat st;
        if (path == NULL) {
            status = no_memory();
            break;
        }
        snprintf(path, room, "%s%s%s", folder, length > 0 && folder[length - 1] == '/' ? "" : "/",
                 names[i]);
        if (stat(path, &st) != 0) {
            status = 0; /* a dangling link is no image */
        } else if (S_ISDIR(st.st_mode)) {
            status = is_inside(&here, &st) ? 0 : walk(inputs, path, &st, &here);
        } else if (S_ISREG(st.st_mode) && looks_like_image(path)) {
            status = inputs_add(inputs, INPUT_IMAGE, path, strlen(path), NULL);
        }
        free(path);
    }
    free_names(names, n);
    return status;
}

/* Cut `data` at `separator`; a last piece without one counts when it is not empty. */
static int add_pieces(struct inputs *inputs, enum input_kind kind, const char *data, size_t size,
                      char separator)
{
    int status = 0;

    for (size_t i = 0; i < size && status == 0;) {
        const char *end = memchr(data + i, separator, size - i);
        size_t length = end != NULL ? (size_t)(end - data) - i : size - i, next = i + length + 1;
        if (separator == '\n' && length > 0 && data[i + length - 1] == '\r') {
            length--;
        }
        if (kind == INPUT_TEXT || length > 0) {
            status = inputs_add(inputs, kind, data + i, length, NULL);
        }
        i = next;
    }
    return status;
}

static int add_list(struct inputs *inputs, enum input_kind kind, const char *path, char separator)
{
    unsigned char *data;
    size_t size;

    if (base_read_file(path, MAX_LIST_BYTES, &data, &size) != CLIPC_OK) {
        return inputs_add(inputs, INPUT_BROKEN, path, strlen(path), base_errmsg());
    }
    int status = add_pieces(inputs, kind, (const char *)data, size, separator);
    base_free(data);
    return status;
}

int inputs_add_path(struct inputs *inputs, const char *path, bool zeros)
{
    struct stat st;

    if (strcmp(path, "-") == 0) {
        return add_list(inputs, INPUT_IMAGE, "-", zeros ? '\0' : '\n');
    }
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        size_t before = inputs->n;
        int status = walk(inputs, path, &st, NULL);
        if (status == 0 && inputs->n == before) {
            char text[4200];
            snprintf(text, sizeof text, "%.4000s: no image in this folder", path);
            status = inputs_add(inputs, INPUT_BROKEN, path, strlen(path), text);
        }
        return status;
    }
    return inputs_add(inputs, INPUT_IMAGE, path, strlen(path), NULL);
}

int inputs_add_lines(struct inputs *inputs, const char *path)
{
    return add_list(inputs, INPUT_TEXT, path, '\n');
}

void inputs_free(struct inputs *inputs)
{
    for (size_t i = 0; i < inputs->n; i++) {
        free(inputs->items[i].data);
        free(inputs->items[i].error);
    }
    free(inputs->items);
    memset(inputs, 0, sizeof *inputs);
}
