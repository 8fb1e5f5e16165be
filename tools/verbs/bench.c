/* bench.c - `clipc bench`: how fast is this machine, kernel by kernel, and encode by encode? */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../kernels/cpu.h"
#include "../../kernels/pack.h"
#include "../convert/convert.h"
#include "../measure/bench.h"
#include "../video/form_file.h"
#include "config.h"
#include "verbs.h"

static const struct cli_verb verb = {
    "bench", "[options]",
    "Time this machine: whole encodes, one forward pass by part, and single layers, for each "
    "kernel\n"
    "set of its CPU.  GFLOP/s count a multiply-add as two operations.  A layer's share of the "
    "peak\n"
    "is of what its own instruction did in this run with nothing to load or store (blas: the best\n"
    "float set's), its share of memory of what plain reading gave; `limit` says which of the two\n"
    "is nearer.  On one thread layers count CPU time, on several the clock; figures are "
    "medians.\n\n"
    "  clipc bench -m vit-b-32.clipc\n"
    "  clipc bench --synthetic vit-b-32 --against blas --csv bench.csv\n"
    "  clipc bench --layers --shape vit-l-14 --dtype f32 --threads 1 --svg roofline.svg",
    CLI_MODEL | CLI_SESSION | CLI_JSON};

enum { BATCH_MOST = 4096 }; /* a session's own limit */

struct request {
    bool whole, layers, timeline, scalar;
    const char *synthetic, *csv, *svg;
};

/* ---- The machine --------------------------------------------------------------------------- */

static void read_cpu_name(char *name, size_t room)
{
    char line[256];
    FILE *f = fopen("/proc/cpuinfo", "r");

    snprintf(name, room, "unknown CPU");
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) == 0 && colon != NULL) {
            snprintf(name, room, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
            break;
        }
    }
    if (f != NULL) {
        fclose(f);
    }
}

static void put_machine(struct bench *bench, const char *name)
{
    const struct cpu *cpu = cpu_features();
    struct bench_row row = bench_row_new("machine", name);
    const struct kernels_linear wide = {
        .in = 1024, .out = 1024, .in_padded = 1024, .out_padded = 1024, .dtype = KERNELS_F32};

    roofs_noise(&bench->roofs, kernels_choose(&bench->sets[0].k, &wide, KERNELS_EXACT));
    row.compiler = CONFIG_COMPILER;
    row.spread = bench->roofs.noise;
    bench_put(bench, &row);
    if (!bench->cli->json) {
        printf("clipc %s, %s\n", clipc_version(), CONFIG_COMPILER);
        say(stdout, name);
        printf(", caches %zu, %zu, %zu kB; clock noise: medians of one loop are up to %.1f %% "
               "apart\n",
               cpu->l1 >> 10, cpu->l2 >> 10, cpu->l3 >> 10, 100 * bench->roofs.noise);
    }
}

/* ---- What is measured ---------------------------------------------------------------------- */

/* The sets that were asked for, and the one they are held against, in the order of the list. */
static bool find_sets(struct bench *bench, const struct request *r)
{
    const char *only = bench->cli->session.kernels, *against = bench->against;
    bool found = against == NULL;

    for (size_t i = 0; kernels_all[i] != NULL && bench->n < BENCH_SETS; i++) {
        struct bench_set *set = &bench->sets[bench->n];
        const char *name = kernels_all[i]->name;
        bool second = against != NULL && strcmp(against, name) == 0;
        bool wanted = only != NULL ? strcmp(only, name) == 0
                                   : kernels_all[i]->load == NULL &&
                                         (r->scalar || strcmp(name, "scalar") != 0);
        if ((wanted || second) && kernels_find(name, &set->k)) {
            set->name = name;
            set->own = kernels_all[i];
            found |= second;
            bench->n++;
        }
    }
    return found && bench->n > 0;
}

/* A model of random weights in a file that has no name any more: *path, "/dev/fd/N", opens it. */
static int make_synthetic(const struct request *r, int dtype, char *path, size_t room)
{
#if HAVE_JANSSON
    const char *folder = getenv("TMPDIR");
    char file[4096], made[4096];
    int status = CLIPC_ERROR_ARGUMENT, fd = -1;

    snprintf(made, sizeof made, "%s/clipc-bench-XXXXXX", folder != NULL ? folder : "/tmp");
    if (mkdtemp(made) == NULL) {
        return cli_error("bench: %s: no folder for the weights can be made there; TMPDIR names "
                         "another place",
                         made);
    }
    snprintf(file, sizeof file, "%.4000s/random.clipc", made);
    struct convert_request request = {
        .shape = r->synthetic,
        .seed = 1,
        .out = file,
        .dtype =
            (enum format_dtype)(pack_dtype((enum kernels_dtype)dtype) != NULL ? dtype : FORMAT_F16),
        .goldens = CONVERT_GOLDENS_NEVER};
    status = convert_run(&request);
    fd = status == CLIPC_OK ? open(file, O_RDONLY) : -1;
    unlink(file);
    rmdir(made);
    if (fd < 0) {
        return cli_error("%s", status == CLIPC_OK ? "bench: the weights cannot be opened"
                                                  : clipc_errmsg());
    }
    snprintf(path, room, "/dev/fd/%d", fd);
    return CLI_DONE;
#else
    (void)r, (void)dtype, (void)path, (void)room;
    return cli_error("bench: --synthetic: this build has no JSON reader; install libjansson-dev "
                     "and build again");
#endif
}

static int measure_model(struct bench *bench, const struct request *r)
{
    bool all = !r->whole && !r->layers && !r->timeline;
    char path[32];
    int code = r->synthetic != NULL ? make_synthetic(r, bench->dtype, path, sizeof path) : CLI_DONE;

    if (code != CLI_DONE) {
        return code;
    }
    if (r->synthetic != NULL) {
        bench->cli->model_path = path;
    }
    clipc_model *model = cli_open_model(bench->cli);
    if (model == NULL) {
        return CLI_FAILED;
    }
    if (all || r->whole) {
        code = bench_start(bench, model, bench->cli->model_path);
        code = code == CLI_DONE ? bench_whole(bench, model) : code;
    }
    if (code == CLI_DONE && (all || r->timeline)) {
        code = bench_timeline(bench, model);
    }
    clipc_close(model);
    return code;
}

static int measure(struct bench *bench, const struct request *r, FILE *svg)
{
    char name[200];
    int code = CLI_DONE;

    read_cpu_name(name, sizeof name);
    if (bench->cli->json) {
        json_records_begin(&bench->records, stdout, 0);
    }
    if (bench->csv != NULL) {
        bench_csv_head(bench->csv);
    }
    put_machine(bench, name);
    if (r->whole || r->timeline || !r->layers) {
        code = measure_model(bench, r);
    }
    if (code == CLI_DONE && (r->layers || (!r->whole && !r->timeline))) {
        code = bench_layers(bench);
    }
    if (bench->cli->json) {
        json_records_end(&bench->records);
    }
    if (code == CLI_DONE && svg != NULL) {
        roofline_svg(svg, bench, name);
    }
    free(bench->layers);
    return code;
}

/* Files are opened first: nobody waits a minute to hear that one cannot be written. */
static int with_files(struct bench *bench, const struct request *r)
{
    struct form_file csv = {0}, svg = {0};
    bool has_csv = r->csv != NULL, has_svg = r->svg != NULL;
    int code;

    if (has_csv && form_file_open(&csv, r->csv) != CLIPC_OK) {
        return cli_error("%s", clipc_errmsg());
    }
    if (has_svg && form_file_open(&svg, r->svg) != CLIPC_OK) {
        code = cli_error("%s", clipc_errmsg());
        has_svg = false;
    } else {
        bench->csv = csv.f;
        code = measure(bench, r, svg.f);
    }
    if (has_csv && code != CLI_DONE) {
        form_file_abandon(&csv);
    } else if (has_csv && form_file_end(&csv) != CLIPC_OK) {
        code = cli_error("%s", clipc_errmsg());
    }
    if (has_svg && code != CLI_DONE) {
        form_file_abandon(&svg);
    } else if (has_svg && form_file_end(&svg) != CLIPC_OK) {
        code = cli_error("%s", clipc_errmsg());
    }
    return code;
}

int cmd_bench(int argc, char **argv)
{
    struct cli cli;
    struct bench bench = {.cli = &cli};
    struct request r = {0};
    const struct cli_option options[] = {
        {"whole", CLI_FLAG, &r.whole, NULL, "whole encodes: latency, throughput, start, memory"},
        {"timeline", CLI_FLAG, &r.timeline, NULL, "one forward pass by part"},
        {"layers", CLI_FLAG, &r.layers, NULL, "single layers (without these three: all of it)"},
        {"shape", CLI_CHOICE, &bench.shape, SHAPES_NAMES "|all",
         "whose layers, in batches of 1 and 8 (all: of every model, of 32 too, for\n"
         "many minutes)"},
        {"dtype", CLI_CHOICE, &bench.dtype, "f32|f16|bf16|q8|all",
         "the layers' type of weights (default f16 and q8), and that of --synthetic"},
        {"scalar", CLI_FLAG, &r.scalar, NULL, "the scalar set too (it takes long)"},
        {"against", CLI_STRING, &bench.against, "SET",
         "time this set too, and say how many times faster than it the others are"},
        {"synthetic", CLI_STRING, &r.synthetic, "SHAPE",
         "random weights (f16, or --dtype) of a shape that `clipc convert` knows"},
        {"csv", CLI_OUTPUT, &r.csv, "FILE", "every figure as a line of CSV"},
        {"svg", CLI_OUTPUT, &r.svg, "FILE", "the layers as a roofline (and so --layers)"},
        {NULL, CLI_FLAG, NULL, NULL, NULL}};
    int code = cli_parse(&cli, &verb, options, argc, argv);

    if (code != CLI_GO_ON) {
        return code;
    }
    const char *usual = getenv("CLIPC_MODEL");
    r.layers |= r.svg != NULL && (r.whole || r.timeline);
    if (r.synthetic != NULL && cli.model_path != NULL &&
        (usual == NULL || strcmp(usual, cli.model_path) != 0)) {
        code = cli_usage(&cli, "wants -m FILE or --synthetic SHAPE, not both");
    } else if (r.csv != NULL && r.svg != NULL && strcmp(r.csv, r.svg) == 0) {
        code = cli_usage(&cli, "--csv and --svg name the same file");
    } else if (cli.session.batch > BATCH_MOST) {
        code = cli_error("bench: a batch of %d: want %d at most", cli.session.batch, BATCH_MOST);
    } else if (!find_sets(&bench, &r)) {
        code = cli_error("bench: no such kernel set on this CPU; clipc info --build lists them");
    } else {
        code = with_files(&bench, &r);
    }
    cli_free(&cli);
    return code;
}
