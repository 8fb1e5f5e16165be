/* main.c - the command: a table of verbs. */
#include <stdio.h>
#include <string.h>

#include "../src/base/base.h"
#include "cli/cli.h"
#include "verbs/verbs.h"

static const struct {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
} verbs[] = {
    {"classify", "which of these labels fits the image best?", cmd_classify},
    {"embed", "images and texts to vectors (.npy, JSON)", cmd_embed},
    {"compare", "the cosine of two images or texts", cmd_compare},
    {"convert", "a checkpoint to a weight file", cmd_convert},
    {"info", "what a weight file, and this build, hold", cmd_info},
    {"tokenize", "texts to token ids", cmd_tokenize},
    {"preprocess", "an image to the pixels that the model sees", cmd_preprocess},
    {"trace", "every intermediate activation of one image or text", cmd_trace},
    {"selftest", "is every kernel set of this CPU exact?", cmd_selftest},
    {"bench", "how fast is this machine, kernel by kernel?", cmd_bench},
};

static int help(void)
{
    printf("clipc %s - CLIP in plain C\n\nusage: clipc VERB [options] ...\n\n", clipc_version());
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        printf("  %-12s %s\n", verbs[i].name, verbs[i].summary);
    }
    printf("\nclipc VERB --help tells more of each.  Try:\n"
           "  clipc classify photo.jpg \"a photo of a cat\" \"a photo of a dog\" -m MODEL.clipc\n");
    return cli_close_stdout();
}

int main(int argc, char **argv)
{
    base_return_memory();
    if (argc < 2) {
        fprintf(stderr, "usage: clipc VERB [options] ...; see clipc --help\n");
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        return help();
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("clipc %s\n", clipc_version());
        return cli_close_stdout();
    }
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(argv[1], verbs[i].name) == 0) {
            int code = verbs[i].run(argc - 1, argv + 1);
            int closed = cli_close_stdout();
            return code != CLI_DONE ? code : closed;
        }
    }
    cli_error("'%s' is no verb; see clipc --help", argv[1]);
    return CLI_USAGE;
}
