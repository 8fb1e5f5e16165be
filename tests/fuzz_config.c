/* fuzz_config.c - any bytes as the JSON files beside a checkpoint: config.json with the image
 * processor's file, HuggingFace's, or OpenCLIP's config.  Refused with a sentence, or what is taken
 * is a header that a weight file may have.  The first byte says whose and how many bytes are the
 * first file's. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../tools/convert/hf_config.h"
#include "../tools/convert/open_clip.h"

static char folder[64];

static void clear(void)
{
    char path[128];

    snprintf(path, sizeof path, "%s/config.json", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/preprocessor_config.json", folder);
    unlink(path);
    rmdir(folder);
}

static void write_file(const char *name, const uint8_t *bytes, size_t n)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    if (f == NULL || fwrite(bytes, 1, n, f) != n || fclose(f) != 0) {
        abort();
    }
}

/* Numbers that everything behind divides by, multiplies and allocates with. */
static void must_be_sound(const struct format_header *h)
{
    const struct format_tower *towers[] = {&h->vision, &h->text};

    if (h->embed_dim < 1 || h->embed_dim > CLIPC_MAX_DIM) {
        abort();
    }
    for (int i = 0; i < 2; i++) {
        const struct format_tower *t = towers[i];
        if (t->layers != 0 && (t->width < 1 || t->heads < 1 || t->positions < 1)) {
            abort();
        }
    }
    if (h->vision.layers != 0 &&
        (h->patch_size < 1 || h->image_size < 1 || h->image_size > CLIPC_MAX_IMAGE_SIZE ||
         !(h->std[0] > 0) || !(h->std[1] > 0) || !(h->std[2] > 0))) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct source s = {0};
    int status;

    if (folder[0] == '\0') {
        strcpy(folder, "/tmp/clipc-fuzz-XXXXXX");
        if (mkdtemp(folder) == NULL || atexit(clear) != 0) {
            abort();
        }
    }
    if (size < 1) {
        return 0;
    }
    uint8_t first = *data++;
    size--;
    base_clear_error();
    if (first & 1) {
        struct layout_input in = {.folder = folder};
        json_t *root = json_parse("fuzz", (const char *)data, size);
        status = root != NULL ? open_clip_take_config("fuzz", root, &in, false, &s)
                              : CLIPC_ERROR_FORMAT;
        json_decref(root);
    } else {
        size_t cut = size * (first >> 1) / 127;
        write_file("config.json", data, cut);
        write_file("preprocessor_config.json", data + cut, size - cut);
        status = hf_config_read(folder, &s);
    }
    if (status == CLIPC_OK) {
        must_be_sound(&s.header);
    } else if (base_errmsg()[0] == '\0') {
        abort();
    }
    source_close(&s);
    return 0;
}
