/* info.c - `clipc info`: what a weight file, and this build, hold. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../../kernels/cpu.h"
#include "../../kernels/kernels.h"
#include "../../kernels/pack.h"
#include "../../src/base/cpus.h"
#include "../../src/token/unicode.h"
#include "../../weights/sha256.h"
#include "../../weights/weights.h"
#include "../cli/cli.h"
#include "verbs.h"
#include "config.h"
#include "../cli/json_put.h"
#include "../cli/probe.h"
#include "../convert/list.h"

static const struct cli_verb verb = {"info", "[FILE] [options]",
                                     "Show a weight file: its hyper-parameters, its size and where "
                                     "it comes from.  Without FILE: the\n"
                                     "embedded model, and what this build and this CPU can do.  Of "
                                     "a checkpoint (a folder or a file:\n"
                                     "safetensors, PyTorch) the tensors are listed.\n\n"
                                     "  clipc info model.clipc --verify\n"
                                     "  clipc info model.clipc --tensors\n"
                                     "  clipc info ViT-B-32.pt\n"
                                     "  clipc info ViT-B-32.pt --dump visual.proj proj.npy\n"
                                     "  clipc info --build",
                                     CLI_MODEL | CLI_JSON};

static const char *word(const char *const *words, size_t n, uint32_t i)
{
    return i < n ? words[i] : "?";
}
#define WORD(words, i) word(words, sizeof(words) / sizeof *(words), i)

static const char *const activations[] = {"-", "quick GELU", "erf GELU", "tanh GELU"};
static const char *const pools[] = {
    "-",        "class token",         "argmax id",      "first end token",
    "last row", "mean of the patches", "attention (MAP)"};
static const char *const resizes[] = {"-", "shortest side", "squash"};
static const char *const filters[] = {"-", "bicubic", "bilinear"};
static const char *const rules[] = {"-", "openai", "hf", "SentencePiece", "SigLIP"};
static const char *const tokenizers[] = {
    "none",     "byte-pair", "SentencePiece unigram", "SentencePiece BPE", "BPE of characters",
    "WordPiece"};
static const char *const layouts[] = {"rows", "panels", "vector"};

/* ---- The build ----------------------------------------------------------------------------- */

/* Each set is asked, for each type of weights, whether a layer would get another gemm when fast is
 * wanted. */
static void print_precision(void)
{
    printf("\n  precision   exact; fast differs from it in ");
    for (size_t i = 0, sets = 0; kernels_all[i] != NULL; i++) {
        const char *before = "";
        for (enum kernels_dtype d = KERNELS_F32; pack_dtype(d) != NULL; d++) {
            if (!kernels_all[i]->supported() || kernels_fast(kernels_all[i], d) == NULL) {
                continue;
            }
            if (*before == '\0') {
                printf("%s%s (", sets++ > 0 ? ", " : "", kernels_all[i]->name);
            }
            printf("%s%s", before, pack_dtype(d)->name);
            before = " ";
        }
        printf("%s", *before != '\0' ? ")" : "");
    }
    putchar('\n');
}

static void print_build(void)
{
    int supported;
    const char *name;

    printf("clipc %s\n", clipc_version());
    printf("  compiler    %s\n", CONFIG_COMPILER);
    printf("  images      %s\n", clipc_image_formats());
    printf("  libraries   stb_image %s, libjpeg-turbo %s, libwebp %s, OpenBLAS %s, jansson %s, "
           "libmicrohttpd %s, libcurl %s, libass %s\n",
           HAVE_STB ? "yes" : "no", HAVE_JPEG ? "yes" : "no", HAVE_WEBP ? "yes" : "no",
           HAVE_BLAS ? "yes (loaded when asked for)" : "no", HAVE_JANSSON ? "yes" : "no",
           HAVE_MHD ? "yes" : "no", HAVE_CURL ? "yes" : "no", HAVE_ASS ? "yes" : "no");
    printf("  unicode     %s\n", unicode_version);
    printf("  kernels    ");
    for (size_t i = 0; (name = clipc_kernels(i, &supported)) != NULL; i++) {
        printf(" %s%s", name, supported ? "" : " (not on this CPU)");
    }
    print_precision();
    const struct cpu *cpu = cpu_features();
    printf("  tiles       %s\n", !cpu->amx ? "none"
                                 : cpu_allow_tiles()
                                     ? "set amx has them, when it is asked for by name"
                                     : "refused by the system: set amx cannot be chosen");
    printf("  caches      %zu, %zu, %zu kB (0: not known)\n", cpu->l1 >> 10, cpu->l2 >> 10,
           cpu->l3 >> 10);
    printf("  threads     %d\n", cpus_available());
}

static void print_build_json(void)
{
    int supported;
    const char *name;

    printf("[{\"version\": \"%s\", \"compiler\": ", clipc_version());
    json_put_c_string(stdout, CONFIG_COMPILER);
    printf(", \"formats\": \"%s\", \"stb\": %d, \"jpeg\": %d, \"webp\": %d, \"blas\": %d, "
           "\"jansson\": %d, \"libmicrohttpd\": %d, \"libcurl\": %d, \"libass\": %d, "
           "\"unicode\": \"%s\", \"threads\": %d, \"kernels\": {",
           clipc_image_formats(), HAVE_STB, HAVE_JPEG, HAVE_WEBP, HAVE_BLAS, HAVE_JANSSON, HAVE_MHD,
           HAVE_CURL, HAVE_ASS, unicode_version, cpus_available());
    for (size_t i = 0; (name = clipc_kernels(i, &supported)) != NULL; i++) {
        printf("%s\"%s\": %s", i == 0 ? "" : ", ", name, supported ? "true" : "false");
    }
    printf("}}]\n");
}

/* ---- The file ------------------------------------------------------------------------------ */

static void print_tower(const struct weights *w, const char *label, const char *name,
                        const struct format_tower *t)
{
    if (t->layers == 0) {
        printf("  %-11s none\n", label);
        return;
    }
    printf(
        "  %-11s width %u, %u layers, %u heads of %u, MLP %u, %s, LN eps %g, %u positions, pooled "
        "by %s, %s\n",
        label, t->width, t->layers, t->heads, t->width / t->heads, t->mlp_width,
        WORD(activations, t->activation), (double)t->ln_eps, t->positions, WORD(pools, t->pool),
        weights_dtype_name(weights_tower_dtype(w, name)));
}

static void print_provenance(const struct weights *w)
{
    const struct format_record *r = weights_find(w, "provenance");
    const char *p = r != NULL ? weights_data(w, r) : "";
    size_t n = r != NULL ? r->bytes : 0;

    for (size_t i = 0; i < n;) {
        const char *end = memchr(p + i, '\n', n - i);
        size_t length = end != NULL ? (size_t)(end - p) - i : n - i;
        printf("  ");
        say_text(stdout, p + i, length);
        putchar('\n');
        i += length + 1;
    }
}

static void print_tensors(const struct weights *w)
{
    for (uint32_t i = 0; i < w->header.record_count; i++) {
        const struct format_record *r = weights_record(w, i);
        printf("  ");
        say_padded(stdout, r->name, strlen(r->name), 28);
        printf(" %-4s %-6s %6u x %-6u %12llu bytes at %llu\n", weights_dtype_name(r->dtype),
               WORD(layouts, r->layout), r->rows, r->cols, (unsigned long long)r->bytes,
               (unsigned long long)r->offset);
    }
}

static void print_tokenizer(const struct format_header *h)
{
    if (h->text.flags & FORMAT_PAD_TO_CONTEXT) {
        printf(", padded to the context with %u", h->pad_id);
    }
    printf("; tokenizer %s", WORD(tokenizers, h->tokenizer));
    if (h->tokenizer != FORMAT_TOKENIZER_NONE) {
        printf(", rules of %s", WORD(rules, h->tokenizer_rules));
    }
    if (h->tokenizer_flags & FORMAT_CLEAN_FLAGS) {
        printf(" behind OpenCLIP's cleaning%s%s",
               h->tokenizer_flags & FORMAT_LOWER_TEXT ? ", lower-case" : "",
               h->tokenizer_flags & FORMAT_DROP_PUNCTUATION ? ", without punctuation" : "");
    }
    putchar('\n');
}

static void print_file(const struct weights *w, const char *name, bool tensors)
{
    const struct format_header *h = &w->header;
    char hex[65];

    sha256_hex(h->sha256, hex);
    say(stdout, name);
    printf(": ");
    say(stdout, h->name);
    printf(", %.1f MB, %u tensors\n", (double)w->size / 1e6, h->record_count);
    printf("  embedding   %u floats; logit scale %.4f, bias %g\n", h->embed_dim,
           (double)h->logit_scale, (double)h->logit_bias);
    print_tower(w, "image tower", "vision", &h->vision);
    if (h->vision.layers != 0) {
        printf("  images      %u x %u, patches of %u; %s, %s, order of %s; mean %g %g %g, std %g "
               "%g %g\n",
               h->image_size, h->image_size, h->patch_size, WORD(resizes, h->resize),
               WORD(filters, h->filter), WORD(rules, h->preprocess), (double)h->mean[0],
               (double)h->mean[1], (double)h->mean[2], (double)h->std[0], (double)h->std[1],
               (double)h->std[2]);
    }
    print_tower(w, "text tower", "text", &h->text);
    if (h->text.layers != 0) {
        printf("  text        %u tokens, ", h->vocab_size);
        if (h->text.flags & FORMAT_NO_START_TOKEN) {
            printf("no start, end %u", h->eot_id);
        } else {
            printf("start %u, end %u", h->sot_id, (unsigned)weights_end_id(h));
        }
        print_tokenizer(h);
    }
    if (h->display_low < h->display_high) {
        printf("  cosines     worth showing from %g to %g\n", (double)h->display_low,
               (double)h->display_high);
    }
    printf("  sha256      %s\n", hex);
    print_provenance(w);
    if (tensors) {
        print_tensors(w);
    }
}

static void print_tower_json(const struct weights *w, const char *name,
                             const struct format_tower *t)
{
    printf(", \"%s\": {\"width\": %u, \"layers\": %u, \"heads\": %u, \"mlp_width\": %u, "
           "\"positions\": %u, "
           "\"activation\": \"%s\", \"ln_eps\": %.9g, \"dtype\": \"%s\"}",
           name, t->width, t->layers, t->heads, t->mlp_width, t->positions,
           WORD(activations, t->activation), (double)t->ln_eps,
           weights_dtype_name(weights_tower_dtype(w, name)));
}

static void print_tensors_json(const struct weights *w)
{
    printf(", \"tensors\": [");
    for (uint32_t i = 0; i < w->header.record_count; i++) {
        const struct format_record *r = weights_record(w, i);
        printf("%s{\"name\": ", i == 0 ? "" : ",\n ");
        json_put_c_string(stdout, r->name);
        printf(", \"dtype\": \"%s\", \"layout\": \"%s\", \"shape\": [%u, %u], \"offset\": %llu, "
               "\"bytes\": %llu}",
               weights_dtype_name(r->dtype), WORD(layouts, r->layout), r->rows, r->cols,
               (unsigned long long)r->offset, (unsigned long long)r->bytes);
    }
    putchar(']');
}

static void print_file_json(const struct weights *w, const char *name, int verified)
{
    const struct format_header *h = &w->header;
    char hex[65];

    sha256_hex(h->sha256, hex);
    printf("[{\"file\": ");
    json_put_c_string(stdout, name);
    printf(", \"name\": ");
    json_put_c_string(stdout, h->name);
    printf(", \"bytes\": %zu, \"embed_dim\": %u, \"logit_scale\": %.9g, \"logit_bias\": %.9g, "
           "\"display\": [%.9g, %.9g], "
           "\"image_size\": %u, \"patch_size\": %u, \"vocab_size\": %u, "
           "\"tokenizer\": \"%s\", \"sha256\": \"%s\"",
           w->size, h->embed_dim, (double)h->logit_scale, (double)h->logit_bias,
           (double)h->display_low, (double)h->display_high, h->image_size, h->patch_size,
           h->vocab_size, WORD(tokenizers, h->tokenizer), hex);
    print_tower_json(w, "vision", &h->vision);
    print_tower_json(w, "text", &h->text);
    if (verified >= 0) {
        printf(", \"verified\": %s", verified ? "true" : "false");
    }
    print_tensors_json(w);
    printf("}]\n");
}

static int show_file(const struct cli *cli, const char *path, bool verify, bool tensors)
{
    struct weights w;
    size_t size;
    const void *demo = demo_model(&size);
    int status, verified = -1;

    if (path == NULL && size == 0) {
        printf("\nno embedded model; name a weight file\n");
        return CLI_DONE;
    }
    status = path != NULL ? weights_open(path, &w) : weights_open_memory(demo, size, &w);
    if (status != CLIPC_OK) {
        return path != NULL ? cli_not_opened(path) : cli_error("%s", clipc_errmsg());
    }
    if (verify) {
        status = weights_verify(&w);
        verified = status == CLIPC_OK;
    }
    if (cli->json) {
        print_file_json(&w, path != NULL ? path : "embedded", verified);
    } else {
        print_file(&w, path != NULL ? path : "embedded model", tensors);
        if (verified == 1) {
            printf("  verified    the content matches its SHA-256\n");
        }
    }
    weights_close(&w);
    return status == CLIPC_OK
               ? CLI_DONE
               : cli_error("%s: %s", path != NULL ? path : "embedded model", clipc_errmsg());
}

/* ---- A checkpoint ---------------------------------------------------------------------------- */

/* What convert would read, and weights_open would not. */
static bool is_checkpoint(const char *path)
{
    struct probe p = {PROBE_OTHER, NULL, NULL};
    struct stat st;

    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        return true;
    }
    return probe_file(path, &p) == CLIPC_OK &&
           (p.kind == PROBE_SAFETENSORS || p.kind == PROBE_TORCH);
}

static int show_checkpoint(const char *path, bool json, const char *dump, const char *out)
{
#if HAVE_JANSSON
    int status = dump != NULL ? list_dump(path, dump, out) : list_print(path, json);

    return status == CLIPC_OK ? CLI_DONE : cli_error("%s", clipc_errmsg());
#else
    (void)json;
    (void)dump;
    (void)out;
    return cli_error("%s: this build has no JSON reader; install libjansson-dev and build again",
                     path);
#endif
}

int cmd_info(int argc, char **argv)
{
    bool verify = false, build = false, tensors = false;
    const char *dump = NULL;
    const struct cli_option options[] = {
        {"tensors", CLI_FLAG, &tensors, NULL,
         "list every tensor: type, layout, shape, place (--json always does)"},
        {"verify", CLI_FLAG, &verify, NULL, "also check the content against its SHA-256"},
        {"dump", CLI_STRING, &dump, "NAME",
         "write a checkpoint's tensor as NumPy's array: the second argument names the file"},
        {"build", CLI_FLAG, &build, NULL, "what this build and this CPU can do"},
        {NULL, CLI_FLAG, NULL, NULL, NULL}};
    struct cli cli;
    int code = cli_parse(&cli, &verb, options, argc, argv);

    if (code != CLI_GO_ON) {
        return code;
    }
    if (cli.n_items > 0) {
        cli_name_model(&cli, cli.items[0].value);
    }
    const char *path = cli.model_path;
    const char *out = cli.n_items > 1 ? cli.items[1].value : NULL;
    if (dump != NULL && cli.n_items != 2) {
        code = cli_usage(&cli, "--dump wants a CHECKPOINT and the file to write: info CHECKPOINT "
                               "--dump NAME OUT.npy");
    } else if (cli.n_items > (dump != NULL ? 2 : 1)) {
        code = cli_usage(&cli, "wants one FILE");
    } else if (path != NULL && !build && (dump != NULL || is_checkpoint(path))) {
        code = show_checkpoint(path, cli.json, dump, out);
    } else if (build && cli.json) {
        print_build_json();
        code = CLI_DONE;
    } else if (build) {
        print_build();
        code = CLI_DONE;
    } else {
        if (path == NULL && !cli.json) {
            print_build();
        }
        code = show_file(&cli, path, verify, tensors);
    }
    cli_free(&cli);
    return code;
}
