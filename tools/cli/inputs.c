/* inputs.c - the arguments one by one, and what each holds: at most one list, folder or array is
 * open at a time. */
#include "inputs.h"

#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/base/base.h"
#include "folder.h"
#include "lines.h"
#include "npy.h"

struct inputs {
    struct source *sources; /* [n] */
    size_t n, next;
    bool zeros;
    size_t image_size, left_out, total;
    /* What the last source opened, until its end. */
    struct lines *lines;
    struct folder *folder;
    size_t found; /* inputs that the folder gave */
    struct npy array;
    size_t row, rows; /* of the array; row < rows: it is open */
};

void input_free(struct input *input)
{
    free(input->data);
    free(input->error);
    free(input->name);
    memset(input, 0, sizeof *input);
}

static bool is_folder(const char *path)
{
    struct stat st;

    return strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int inputs_new(const struct source *sources, size_t n, bool zeros, size_t image_size,
               struct inputs **out)
{
    struct inputs *in = calloc(1, sizeof *in);
    bool known = true;

    *out = NULL;
    if (in == NULL || (in->sources = malloc((n + 1) * sizeof *sources)) == NULL) {
        free(in);
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        const struct source *s = in->sources + i;
        in->sources[i] = sources[i];
        known = known &&
                (s->kind == SOURCE_TEXT || s->kind == SOURCE_BYTES ||
                 (s->kind == SOURCE_PATH && strcmp(s->value, "-") != 0 && !is_folder(s->value)));
    }
    in->n = n;
    in->zeros = zeros;
    in->image_size = image_size;
    in->total = known ? n : 0;
    *out = in;
    return 0;
}

void inputs_free(struct inputs *in)
{
    if (in != NULL) {
        lines_close(in->lines);
        folder_close(in->folder);
        npy_free(&in->array);
        free(in->sources);
        free(in);
    }
}

size_t inputs_total(const struct inputs *in)
{
    return in->total;
}

size_t inputs_left_out(const struct inputs *in)
{
    return in->left_out + (in->folder != NULL ? folder_left_out(in->folder) : 0);
}

static int give(struct input *input, enum input_kind kind, const void *data, size_t length)
{
    *input = (struct input){.kind = kind, .length = length, .data = malloc(length + 1)};
    if (input->data == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    memcpy(input->data, data, length);
    input->data[length] = '\0';
    return 1;
}

/* With the sentence of the last failure. */
static int give_broken(struct input *input, const char *path)
{
    char *error = strdup(clipc_errmsg());
    int status = give(input, INPUT_BROKEN, path, strlen(path));

    input->error = error;
    return status == 1 && error == NULL ? base_fail(CLIPC_ERROR_MEMORY, "out of memory") : status;
}

/* ---- Arrays -------------------------------------------------------------------------------- */

static int open_array(struct inputs *in, const struct source *s, struct input *input)
{
    struct npy *a = &in->array;
    size_t side = in->image_size;
    int status = npy_read(s->value, a);
    bool pixels = s->kind == SOURCE_PIXELS;

    if (status == CLIPC_OK && pixels && side == 0) {
        status = base_fail(CLIPC_ERROR_UNSUPPORTED, "%s: this model has no image tower", s->value);
    } else if (status == CLIPC_OK && pixels &&
               (a->floats == NULL || a->n_dims != 4 || a->shape[1] != 3 || a->shape[2] != side ||
                a->shape[3] != side)) {
        status = base_fail(CLIPC_ERROR_FORMAT, "%s: want float32 [n, 3, %zu, %zu]", s->value, side,
                           side);
    } else if (status == CLIPC_OK && !pixels && (a->whole == NULL || a->n_dims != 2)) {
        status = base_fail(CLIPC_ERROR_FORMAT, "%s: want whole numbers [n, length]", s->value);
    } else if (status == CLIPC_OK && a->shape[0] != 0 && a->count == 0) {
        status = base_fail(CLIPC_ERROR_FORMAT, "%s: rows of nothing", s->value);
    }
    if (status != CLIPC_OK || a->shape[0] == 0) {
        npy_free(a);
        return status != CLIPC_OK ? give_broken(input, s->value) : 0;
    }
    in->row = 0;
    in->rows = a->shape[0];
    return 0;
}

static int next_row(struct inputs *in, struct input *input)
{
    const char *path = in->sources[in->next - 1].value;
    size_t n = in->array.count / in->rows, at = in->row++ * n;
    int status;

    if (in->array.floats != NULL) {
        status = give(input, INPUT_PIXELS, in->array.floats + at, n * sizeof(float));
    } else {
        status = give(input, INPUT_TOKENS, in->array.whole + at, n * sizeof(int32_t));
        for (size_t i = 0; status == 1 && i < n; i++) {
            int64_t id = in->array.whole[at + i];
            int32_t as = id < 0 || id > INT32_MAX ? -1 : (int32_t)id;
            memcpy(input->data + i * sizeof as, &as, sizeof as);
        }
    }
    if (status == 1) {
        size_t room = strlen(path) + 32;
        input->name = malloc(room);
        if (input->name == NULL) {
            return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
        }
        snprintf(input->name, room, "%s[%zu]", path, in->row - 1);
    }
    if (in->row == in->rows) {
        npy_free(&in->array);
        in->row = in->rows = 0;
    }
    return status;
}

/* ---- Lists and folders --------------------------------------------------------------------- */

static int next_line(struct inputs *in, struct input *input)
{
    const struct source *s = &in->sources[in->next - 1];
    const char *line;
    size_t length;
    int got = lines_next(in->lines, &line, &length);

    if (got == 0) {
        lines_close(in->lines);
        in->lines = NULL;
        return 0;
    }
    return got < 0 ? give_broken(input, s->value)
                   : give(input, s->kind == SOURCE_TEXTS ? INPUT_TEXT : INPUT_IMAGE, line, length);
}

static int next_file(struct inputs *in, struct input *input)
{
    const char *path, *folder = in->sources[in->next - 1].value;
    int got = folder_next(in->folder, &path);

    if (got != 0) {
        in->found++;
        return got < 0 ? give_broken(input, path) : give(input, INPUT_IMAGE, path, strlen(path));
    }
    in->left_out += folder_left_out(in->folder);
    folder_close(in->folder);
    in->folder = NULL;
    if (in->found == 0) {
        base_fail(CLIPC_ERROR_FORMAT, "%s: no image in this folder", folder);
        return give_broken(input, folder);
    }
    return 0;
}

static int open_list(struct inputs *in, const char *path, enum lines_kind kind, struct input *input)
{
    return lines_open(path, kind, &in->lines) == CLIPC_OK ? 0 : give_broken(input, path);
}

/* Begin source s: its only input, or 0 when what is open now gives them. */
static int open_source(struct inputs *in, const struct source *s, struct input *input)
{
    switch (s->kind) {
    case SOURCE_BYTES:
        return give(input, INPUT_STDIN, "-", 1);
    case SOURCE_TEXT:
        return give(input, INPUT_TEXT, s->value, strlen(s->value));
    case SOURCE_TEXTS:
        return open_list(in, s->value, LINES_TEXTS, input);
    case SOURCE_PIXELS:
    case SOURCE_TOKENS:
        return open_array(in, s, input);
    case SOURCE_PATH:
        break;
    }
    if (strcmp(s->value, "-") == 0) {
        return open_list(in, s->value, in->zeros ? LINES_PATHS0 : LINES_PATHS, input);
    }
    if (!is_folder(s->value)) {
        return give(input, INPUT_IMAGE, s->value, strlen(s->value));
    }
    in->found = 0;
    return folder_open(s->value, &in->folder) == CLIPC_OK ? 0 : give_broken(input, s->value);
}

int inputs_next(struct inputs *in, struct input *input)
{
    int got = 0;

    memset(input, 0, sizeof *input);
    while (got == 0) {
        if (in->lines != NULL) {
            got = next_line(in, input);
        } else if (in->folder != NULL) {
            got = next_file(in, input);
        } else if (in->row < in->rows) {
            got = next_row(in, input);
        } else if (in->next < in->n) {
            in->next++;
            got = open_source(in, &in->sources[in->next - 1], input);
        } else {
            return 0;
        }
    }
    if (got < 0) {
        input_free(input);
    }
    return got;
}

bool inputs_ready(struct inputs *in)
{
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};

    if (in->lines != NULL) {
        return lines_ready(in->lines);
    }
    if (in->folder == NULL && in->row == in->rows && in->next < in->n &&
        in->sources[in->next].kind != SOURCE_TEXT &&
        strcmp(in->sources[in->next].value, "-") == 0) {
        return poll(&p, 1, 0) > 0;
    }
    return true;
}
