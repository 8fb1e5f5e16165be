/* common.c - the options that several verbs share.  A verb lists the groups that change what it
 * does; a new common option is one line here and a field of struct cli. */
#include "common.h"

#include <string.h>

void common_options(struct cli *cli, int mask, struct cli_option out[COMMON_OPTIONS])
{
    const struct {
        int group;
        struct cli_option option;
    } all[] = {
        {CLI_MODEL,
         {"m|model", CLI_STRING, &cli->model_path, "FILE",
          "the model: a weight file, or the name of one that `clipc pull` got\n"
          "(else $CLIPC_MODEL, else the embedded model)"}},
        {CLI_THREADS,
         {"threads", CLI_INT, &cli->session.threads, "N",
          "worker threads (default: one for each CPU that may be used)"}},
        {CLI_BATCH,
         {"batch", CLI_INT, &cli->session.batch, "N",
          "images or texts computed at once (default 8)"}},
        {CLI_KERNELS,
         {"kernels", CLI_STRING, &cli->session.kernels, "SET",
          "a kernel set of those that `clipc info --build` lists\n"
          "(else $CLIPC_KERNELS, else the best)"}},
        {CLI_PRECISION,
         {"precision", CLI_CHOICE, &cli->session.precision, "exact|fast",
          "fast: 16-bit products where the kernel set has them"}},
        {CLI_IMAGES,
         {"preprocess", CLI_CHOICE, &cli->session.preprocess, "openai|hf",
          "whose order of resize, RGB and crop (default: the model's)"}},
        {CLI_IMAGES,
         {"exif", CLI_FLAG, &cli->exif, NULL,
          "turn photographs upright as EXIF says (the references do not)"}},
        {CLI_IMAGES,
         {"truncated", CLI_FLAG, &cli->truncated, NULL,
          "of a damaged image take what there is, gray elsewhere (else it is an error)"}},
        {CLI_IMAGES,
         {"max-pixels", CLI_INT, &cli->max_pixels, "N",
          "refuse larger images (default 178956970, Pillow's limit)"}},
        {CLI_FAST_DECODE,
         {"fast-decode", CLI_FLAG, &cli->fast_decode, NULL,
          "of a large JPEG compute half of the pixels a side, a quarter or an eighth, at least\n"
          "twice what the model sees: faster, and nearly the same vectors"}},
        {CLI_TEXTS,
         {"tokenizer", CLI_CHOICE, &cli->session.tokenizer, "openai|hf",
          "whose rules clean a text up, of CLIP's byte pairs (default: the model's)"}},
        {CLI_JSON, {"json", CLI_FLAG, &cli->json, NULL, "print one JSON array"}},
        {CLI_JSONL, {"jsonl", CLI_FLAG, &cli->jsonl, NULL, "print one JSON record a line"}},
    };
    size_t n = 0;

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (mask & all[i].group) {
            out[n++] = all[i].option;
        }
    }
    memset(&out[n], 0, sizeof out[n]);
}

bool option_has_name(const struct cli_option *option, const char *name, size_t length)
{
    for (const char *p = option->name; *p != '\0'; p += *p == '|') {
        size_t n = strcspn(p, "|");
        if (n == length && memcmp(p, name, n) == 0) {
            return true;
        }
        p += n;
    }
    return false;
}

/* "-m, --model FILE", at most `room` bytes. */
static void print_left(const struct cli_option *o, char *to, size_t room)
{
    size_t used = 0;

    for (const char *p = o->name; *p != '\0' && used < room; p += *p == '|') {
        int n = (int)strcspn(p, "|");
        used += (size_t)snprintf(to + used, room - used, "%s%s%.*s", used > 0 ? ", " : "",
                                 n == 1 ? "-" : "--", n, p);
        p += n;
    }
    if (used < room && o->argument != NULL) {
        snprintf(to + used, room - used, " %s", o->argument);
    }
}

static void print_options(const struct cli_option *options)
{
    for (const struct cli_option *o = options; o != NULL && o->name != NULL; o++) {
        char left[64];
        print_left(o, left, sizeof left);
        printf("  %-24s ", left);
        for (const char *p = o->help; *p != '\0'; p++) {
            putchar(*p);
            if (*p == '\n') {
                printf("%27s", "");
            }
        }
        putchar('\n');
    }
}

int print_help(const struct cli_verb *verb, const struct cli_option *options,
               const struct cli_option *common)
{
    printf("usage: clipc %s %s\n\n%s\n", verb->name, verb->usage, verb->text);
    if (options != NULL && options->name != NULL) {
        printf("\noptions:\n");
        print_options(options);
    }
    if (common->name != NULL) {
        printf("\ncommon options:\n");
        print_options(common);
    }
    return cli_close_stdout();
}
