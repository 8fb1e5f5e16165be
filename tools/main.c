/* main.c - the command: a table of verbs. */
#include <stdio.h>
#include <string.h>

#include "../src/base/base.h"
#include "cli/cli.h"
#include "cli/nearest.h"
#include "cli/signals.h"
#include "verbs/verbs.h"

static const struct {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
} verbs[] = {
    {"classify", "which of these labels fits the image best?", cmd_classify},
    {"embed", "images and texts to vectors (.npy, JSON)", cmd_embed},
    {"compare", "the cosine of two images or texts", cmd_compare},
    {"convert", "a checkpoint to a weight file", cmd_convert},
    {"pull", "a model of a hub to a weight file in the cache", cmd_pull},
    {"info", "what a weight file, and this build, hold", cmd_info},
    {"tokenize", "texts to token ids", cmd_tokenize},
    {"preprocess", "an image to the pixels that the model sees", cmd_preprocess},
    {"trace", "every intermediate activation of one image or text", cmd_trace},
    {"watch", "which prompts fit the frames of a video, a camera, a stream?", cmd_watch},
    {"moments", "when does a video, watched before, show what a text says?", cmd_moments},
    {"serve", "the same over HTTP, as Roboflow Inference answers", cmd_serve},
    {"verify", "are a file's vectors those of another implementation?", cmd_verify},
    {"selftest", "is every kernel set of this CPU exact?", cmd_selftest},
    {"bench", "how fast is this machine, kernel by kernel?", cmd_bench},
};

enum { N_VERBS = sizeof verbs / sizeof verbs[0] };

static int help(void)
{
    printf("clipc %s - CLIP in plain C\n\nusage: clipc VERB [options] ...\n\n", clipc_version());
    for (size_t i = 0; i < N_VERBS; i++) {
        printf("  %-12s %s\n", verbs[i].name, verbs[i].summary);
    }
    printf("  %-12s %s\n  %-12s %s\n", "help", "this list; help VERB: all about one of them",
           "version", "the version of clipc");
    printf("\nTry:\n"
           "  clipc classify photo.jpg \"a photo of a cat\" \"a photo of a dog\" -m MODEL.clipc\n");
    return cli_close_stdout();
}

static int run(size_t verb, int argc, char **argv)
{
    int code = verbs[verb].run(argc, argv), closed = cli_close_stdout();

    return code != CLI_DONE ? code : closed;
}

/* The place of the verb `name`; N_VERBS after a message that suggests the nearest. */
static size_t find_verb(const char *name)
{
    struct nearest best = {.typed = name};

    for (size_t i = 0; i < N_VERBS; i++) {
        if (strcmp(name, verbs[i].name) == 0) {
            return i;
        }
        nearest_try(&best, verbs[i].name);
    }
    nearest_try(&best, "help");
    nearest_try(&best, "version");
    if (best.name != NULL) {
        cli_error("'%s' is not a verb (did you mean %s?); see clipc --help", name, best.name);
    } else {
        cli_error("'%s' is not a verb; see clipc --help", name);
    }
    return N_VERBS;
}

static int help_of(char *name)
{
    if (strcmp(name, "help") == 0 || strcmp(name, "version") == 0) {
        return help();
    }
    char option[] = "--help", *argv[] = {name, option, NULL};
    size_t verb = find_verb(name);

    return verb < N_VERBS ? run(verb, 2, argv) : CLI_USAGE;
}

int main(int argc, char **argv)
{
    const char *first = argc > 1 ? argv[1] : "";

    base_return_memory();
    signals_clean_up();
    if (argc < 2) {
        fprintf(stderr, "usage: clipc VERB [options] ...; see clipc --help\n");
        return CLI_USAGE;
    }
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0 || strcmp(first, "help") == 0) {
        return argc > 2 && argv[2][0] != '-' ? help_of(argv[2]) : help();
    }
    if (strcmp(first, "--version") == 0 || strcmp(first, "version") == 0) {
        printf("clipc %s\n", clipc_version());
        return cli_close_stdout();
    }
    if (first[0] == '-') {
        cli_error("'%s': the verb comes first, as in clipc classify; see clipc --help", first);
        return CLI_USAGE;
    }
    size_t verb = find_verb(first);
    return verb < N_VERBS ? run(verb, argc - 1, argv + 1) : CLI_USAGE;
}
