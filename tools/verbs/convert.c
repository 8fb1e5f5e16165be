/* convert.c - the verb `convert`: its options.  The work is in tools/convert, which a build without
 * a JSON reader does not have. */
#include <stdlib.h>

#include "../../src/base/base.h"
#include "../cli/cli.h"
#include "../cli/pulled.h"
#include "../convert/convert.h"
#include "config.h"
#include "verbs.h"

static const struct cli_verb verb = {
    "convert", "SOURCE -o FILE [options]",
    "Turn a checkpoint into a weight file that clipc maps and runs.  SOURCE is one of\n\n"
    "  a HuggingFace CLIPModel or SiglipModel folder, or one file of tensors in it:\n"
    "    model.safetensors, pytorch_model.bin or their shards; with config.json,\n"
    "    preprocessor_config.json; vocab.json and merges.txt, tokenizer.json or spiece.model;\n"
    "    one tower with its projection will do\n"
    "  an OpenCLIP folder (open_clip_config.json), or a file or epoch_N.pt in it; without the\n"
    "    config, --arch names the architecture; of SigLIP and CLIPA the files of the tokenizer\n"
    "    that the config names (tokenizer.json, tokenizer_config.json; vocab.txt)\n"
    "  OpenAI's ViT-B-32.pt and its like, or a state dict that torch.save wrote, with --vocab\n"
    "  a weight file whose dtype is to change, or the name of a model that `clipc pull` got\n\n"
    "Nothing is rounded twice; no pickle is ever run; FILE appears only when it is complete.\n\n"
    "How to get such a model, and what to do with it (`clipc pull NAME` does both):\n\n"
    "  hf download openai/clip-vit-base-patch32 --local-dir clip-vit-base-patch32\n"
    "  git clone https://huggingface.co/openai/clip-vit-base-patch32   (with git-lfs)\n"
    "  clipc convert clip-vit-base-patch32/ -o vit-b-32.clipc\n"
    "  clipc convert ViT-B-32.pt --vocab bpe_simple_vocab_16e6.txt.gz -o vit-b-32.clipc\n"
    "  clipc convert epoch_32.pt --arch ViT-B-32 --vocab merges.txt -o mine.clipc\n"
    "  clipc convert --synthetic vit-b-32 -o random.clipc --dtype f16",
    0};

/* "0.15,0.4" into the request; false when it is not two rising cosines. */
static bool read_display(const char *text, struct convert_request *r)
{
    char *end;

    r->display_low = strtof(text, &end);
    if (end == text || *end != ',') {
        return false;
    }
    text = end + 1;
    r->display_high = strtof(text, &end);
    return end != text && *end == '\0' && r->display_low >= -1 &&
           r->display_low < r->display_high && r->display_high <= 1;
}

static int run(const struct convert_request *request)
{
#if HAVE_JANSSON
    return convert_run(request) == CLIPC_OK ? CLI_DONE : cli_error("%s", clipc_errmsg());
#else
    (void)request;
    return cli_error("convert: this build has no JSON reader; install libjansson-dev and build "
                     "again");
#endif
}

int cmd_convert(int argc, char **argv)
{
    struct convert_request r = {0};
    const char *display = NULL;
    int seed = 1, dtype = 0;
    bool goldens = false, no_goldens = false;
    const struct cli_option options[] = {
        {"o|output", CLI_OUTPUT, &r.out, "FILE", "the weight file to write"},
        {"dtype", CLI_CHOICE, &dtype, "f32|f16|bf16|q8",
         "how to store linear layers (default: as the source); q8: int8, those of the blocks"},
        {"verbose", CLI_FLAG, &r.verbose, NULL, "with q8: say for each layer how far off it is"},
        {"vocab", CLI_STRING, &r.vocab, "PATH",
         "vocabulary: a folder, merges.txt, tokenizer.json, spiece.model,\n"
         "vocab.txt or bpe_simple_vocab_16e6.txt.gz"},
        {"arch", CLI_STRING, &r.arch, "NAME",
         "OpenCLIP's name for weights without a config: ViT-B-32, ViT-B-32-quickgelu, ..."},
        {"name", CLI_STRING, &r.name, "NAME", "the model's name, for people"},
        {"display", CLI_STRING, &display, "LOW,HIGH",
         "range of cosines worth showing (OpenAI's: 0.15,0.4)"},
        {"synthetic", CLI_STRING, &r.shape, "SHAPE",
         "random weights: vit-b-32, vit-b-16, vit-l-14 or vit-l-14-336"},
        {"seed", CLI_INT, &seed, "N", "for --synthetic (default 1)"},
        {"goldens", CLI_FLAG, &goldens, NULL,
         "store self-test vectors even if computing them takes long"},
        {"no-goldens", CLI_FLAG, &no_goldens, NULL, "store none"},
        {NULL, CLI_FLAG, NULL, NULL, NULL}};
    struct cli cli;
    int code = cli_parse(&cli, &verb, options, argc, argv);

    if (code != CLI_GO_ON) {
        return code;
    }
    if (cli.n_items > 0) {
        r.source = pulled_find(cli.items[0].value, cli.pulled) ? cli.pulled : cli.items[0].value;
    }
    r.seed = (uint64_t)seed;
    r.goldens = no_goldens ? CONVERT_GOLDENS_NEVER
                : goldens  ? CONVERT_GOLDENS_ALWAYS
                           : CONVERT_GOLDENS_CHEAP;
    r.dtype = (enum format_dtype)dtype; /* in the order of the choices; 0: as the source */
    if (r.out == NULL || cli.n_items > 1 || (r.source == NULL) == (r.shape == NULL)) {
        code = cli_usage(&cli, "wants one SOURCE (or --synthetic SHAPE) and -o FILE");
    } else if (display != NULL && !read_display(display, &r)) {
        code =
            cli_usage(&cli, "--display is LOW,HIGH with -1 <= LOW < HIGH <= 1, not '%s'", display);
    } else {
        code = run(&r);
    }
    cli_free(&cli);
    return code;
}
