/* picture.c - pictures to files through stb_image_write, the format by the name's ending. */
#include "picture.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/clipc.h"
#include "../../src/base/output.h"

#pragma GCC diagnostic ignored "-Wunused-function"
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#if __has_include(<stb/stb_image_write.h>)
#include <stb/stb_image_write.h>
#else
#include <stb_image_write.h>
#endif
/* What the writer has written so far. */
struct bytes {
    unsigned char *p;
    size_t n, room;
};

static void take(void *context, void *data, int n) /* stb_image_write's callback */
{
    struct bytes *b = context;

    if (b->n + (size_t)n > b->room) {
        b->room = 2 * (b->n + (size_t)n);
        b->p = realloc(b->p, b->room);
        if (b->p == NULL) {
            fputs("clipc-train: out of memory\n", stderr);
            exit(1);
        }
    }
    memcpy(b->p + b->n, data, (size_t)n);
    b->n += (size_t)n;
}

static bool ends_in(const char *path, const char *ending)
{
    size_t n = strlen(path), m = strlen(ending);

    return n > m && strcmp(path + n - m, ending) == 0;
}

static int encode(const char *path, const uint8_t *rgb, int width, int height, int quality,
                  struct bytes *b)
{
    if (ends_in(path, ".png")) {
        stbi_write_png_to_func(take, b, width, height, 3, rgb, 3 * width);
    } else if (ends_in(path, ".jpg")) {
        stbi_write_jpg_to_func(take, b, width, height, 3, rgb, quality);
    } else if (ends_in(path, ".ppm")) {
        char head[64];
        take(b, head, snprintf(head, sizeof head, "P6\n%d %d\n255\n", width, height));
        take(b, (void *)(uintptr_t)rgb, 3 * width * height);
    } else {
        fprintf(stderr, "clipc-train: %s: the name must end in .png, .jpg or .ppm\n", path);
        return -1;
    }
    return 0;
}

static int write_all(int fd, const unsigned char *p, size_t n)
{
    for (ssize_t done; n > 0; p += done, n -= (size_t)done) {
        done = write(fd, p, n);
        if (done < 0) {
            return -1;
        }
    }
    return 0;
}

int picture_write(const char *path, const uint8_t *rgb, int width, int height, int quality)
{
    struct bytes b = {NULL, 0, 0};
    struct output o;
    int code = encode(path, rgb, width, height, quality, &b);

    if (code == 0 && output_open(&o, path) != 0) {
        fprintf(stderr, "clipc-train: %s\n", clipc_errmsg());
        code = -1;
    } else if (code == 0) {
        if (write_all(o.fd, b.p, b.n) != 0) {
            output_error(&o, "write");
            code = -1;
        }
        code = code == 0 ? output_finish(&o) : code;
        if (code != 0) {
            fprintf(stderr, "clipc-train: %s\n", clipc_errmsg());
        }
        output_abort(&o);
    }
    free(b.p);
    return code == 0 ? 0 : -1;
}
