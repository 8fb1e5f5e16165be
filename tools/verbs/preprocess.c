/* preprocess.c - `clipc preprocess`: the pixels that the image tower sees. */
#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "../cli/cli.h"
#include "verbs.h"
#include "../cli/gather.h"
#include "../cli/load.h"
#include "../cli/npy.h"

static const struct cli_verb verb = {
    "preprocess", "IMAGE --npy OUT [options]",
    "Write what the model would see of an image: --stage crop is bytes [N, N, 3] after resize and "
    "crop,\n"
    "--stage pixels (the default) float32 [3, N, N] after normalisation.\n\n"
    "  clipc preprocess cat.jpg --npy cat.npy --stage crop",
    CLI_MODEL | CLI_IMAGES | CLI_FAST_DECODE};

static int crop_of(const struct cli *cli, const clipc_model *model, const char *path, size_t size,
                   unsigned char *crop)
{
    struct clipc_image image = {0};
    int status = load_image(cli, path, (int)size, &image);

    if (status == CLIPC_OK) {
        status = clipc_preprocess_crop(model, &image, cli->session.preprocess, (int)size, crop);
    }
    clipc_image_free(&image);
    return status;
}

static int write_result(const struct cli *cli, const clipc_model *model, bool crop, size_t size,
                        const char *out)
{
    size_t shape[3] = {crop ? size : 3, size, crop ? 3 : size};
    void *data = malloc(3 * size * size * (crop ? 1 : sizeof(float)));
    const char *path = cli->items[0].value;

    if (data == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    int status = crop ? crop_of(cli, model, path, size, data)
                      : load_pixels(cli, model, path, (int)size, data);
    if (status == CLIPC_OK) {
        status = npy_write(out, crop ? NPY_U1 : NPY_F4, shape, 3, data);
    }
    free(data);
    return status;
}

int cmd_preprocess(int argc, char **argv)
{
    const char *out = NULL;
    int stage = 0, size = 0;
    const struct cli_option options[] = {
        {"npy", CLI_OUTPUT, &out, "OUT", "the file to write (- is stdout)"},
        {"stage", CLI_CHOICE, &stage, "crop|pixels", "how far to go (default pixels)"},
        {"size", CLI_INT, &size, "N", "side of the square (default: the model's)"},
        GATHER_IMAGE,
        {NULL, CLI_FLAG, NULL, NULL, NULL}};
    struct cli cli;
    struct clipc_model_info info = {.size = sizeof info};
    int code = cli_parse(&cli, &verb, options, argc, argv);

    if (code != CLI_GO_ON) {
        return code;
    }
    if (cli.n_items != 1 || out == NULL) {
        code = cli_usage(&cli, "wants one IMAGE and --npy OUT");
    } else if (size > CLIPC_MAX_IMAGE_SIZE) {
        code = cli_usage(&cli, "--size is at most %d", CLIPC_MAX_IMAGE_SIZE);
    } else {
        clipc_model *model = cli_open_model(&cli);
        code = CLI_FAILED;
        if (model != NULL) {
            clipc_model_info(model, &info);
            int status = write_result(&cli, model, stage == 1,
                                      (size_t)(size != 0 ? size : info.image_size), out);
            code = status == CLIPC_OK ? CLI_DONE : cli_error("%s", clipc_errmsg());
        }
        clipc_close(model);
    }
    cli_free(&cli);
    return code;
}
