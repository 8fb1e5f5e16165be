#include "inputs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../src/base.h"
#include "../src/image.h"
#include "cli.h"

/* A list of texts or paths larger than this is a mistake. */
#define MAX_LIST_BYTES ((size_t)1 << 30)
#define MAX_DEPTH      64 /* of folders in folders: beyond it there is a loop of mounts or links */

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
    uint8_t bytes[16];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = fd < 0 ? -1 : read(fd, bytes, sizeof bytes);

    if (fd >= 0) {
        close(fd);
    }
    return n > 0 && image_probe(bytes, (size_t)n);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
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
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        if (*n >= room) {
            char **larger = realloc(names, (room = 2 * room + 16) * sizeof *names);
            if (larger == NULL) {
                break;
            }
            names = larger;
        }
        if ((names[*n] = strdup(entry->d_name)) == NULL) {
            break;
        }
        ++*n;
    }
    closedir(dir);
    if (names != NULL) {
        qsort(names, *n, sizeof *names, compare_names);
    }
    return names;
}

static int walk(struct inputs *inputs, const char *folder, int depth)
{
    size_t n, length = strlen(folder);
    char **names = depth < MAX_DEPTH ? read_folder(folder, &n) : NULL;
    int status = 0;

    if (names == NULL) {
        return add_broken(inputs, folder, depth < MAX_DEPTH ? errno : ELOOP);
    }
    for (size_t i = 0; i < n; i++) {
        size_t room = length + strlen(names[i]) + 2;
        char *path = malloc(room);
        struct stat st;
        if (path == NULL) {
            status = no_memory();
        } else if (status == 0) {
            snprintf(path, room, "%s%s%s", folder,
                     length > 0 && folder[length - 1] == '/' ? "" : "/", names[i]);
            if (stat(path, &st) != 0) {
                status = 0; /* a dangling link is no image */
            } else if (S_ISDIR(st.st_mode)) {
                status = walk(inputs, path, depth + 1);
            } else if (S_ISREG(st.st_mode) && looks_like_image(path)) {
                status = inputs_add(inputs, INPUT_IMAGE, path, strlen(path), NULL);
            }
        }
        free(path);
        free(names[i]);
    }
    free(names);
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
        int status = walk(inputs, path, 0);
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
