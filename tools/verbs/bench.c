/* bench.c - `clipc bench`: how fast is this machine, kernel by kernel, and encode by encode?
 * Sets take turns within each round, so that what else the machine does hits all of them alike;
 * figures are medians. */
#include <stdlib.h>
#include <string.h>

#include "../measure/bench.h"
#include "verbs.h"
#include "config.h"

static const struct cli_verb verb = {
    "bench", "[options]",
    "Time the kernels at the model's shapes, then whole encodes, for each kernel set of this CPU.\n"
    "GFLOP/s count a multiply-add as two operations; the share is of what this core's units did "
    "in\n"
    "this run with nothing to load or store (for blas: of the best of our sets).\n\n"
    "  clipc bench -m vit-b-32.clipc\n"
    "  clipc bench --whole --threads 1",
    CLI_MODEL | CLI_SESSION | CLI_JSON};

static void print_machine(void)
{
    char line[256], name[200] = "unknown CPU";
    FILE *f = fopen("/proc/cpuinfo", "r");

    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) == 0 && colon != NULL) {
            snprintf(name, sizeof name, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
            break;
        }
    }
    if (f != NULL) {
        fclose(f);
    }
    printf("clipc %s, %s, ", clipc_version(), CONFIG_COMPILER);
    say(stdout, name);
    putchar('\n');
}

int cmd_bench(int argc, char **argv)
{
    bool whole = false, scalar = false;
    const struct cli_option options[] = {
        {"whole", CLI_FLAG, &whole, NULL, "only whole encodes, no single kernels"},
        {"scalar", CLI_FLAG, &scalar, NULL, "the scalar set too (it takes long)"},
        {NULL, CLI_FLAG, NULL, NULL, NULL}};
    struct cli cli;
    struct bench job = {.cli = &cli};
    int code = cli_parse(&cli, &verb, options, argc, argv);

    if (code != CLI_GO_ON) {
        return code;
    }
    for (size_t i = 0; kernels_all[i] != NULL && job.n < BENCH_SETS; i++) {
        struct bench_set *set = &job.sets[job.n];
        const char *name = kernels_all[i]->name, *only = cli.session.kernels;
        if ((only != NULL ? strcmp(only, name) == 0 : scalar || strcmp(name, "scalar") != 0) &&
            kernels_find(name, &set->k)) {
            set->name = name;
            job.n++;
        }
    }
    if (job.n == 0) {
        code = cli_error("no such kernel set on this CPU; clipc info --build lists them");
    } else {
        if (cli.json) {
            json_records_begin(&job.records, stdout, 0);
        } else {
            print_machine();
        }
        if (!whole) {
            bench_kernels(&job);
        }
        code = bench_whole(&job);
        if (cli.json) {
            json_records_end(&job.records);
        }
    }
    cli_free(&cli);
    return code;
}
