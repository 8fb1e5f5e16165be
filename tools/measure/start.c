/* start.c - what a user waits for who calls the program once: this program anew, from its start to
 * one picture's vector.  Called before anything large is in this process's memory, because a
 * child's largest size counts from where its parent's was. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/base/base.h"
#include "bench.h"

enum { STARTS = 7 };

/* A grey picture of the model's size as a file that has no name, or NULL. */
static FILE *picture(int size)
{
    FILE *f = tmpfile();

    if (f == NULL) {
        return NULL;
    }
    fprintf(f, "P6\n%d %d\n255\n", size, size);
    for (int i = 0; i < 3 * size * size; i++) {
        putc(i % 251, f);
    }
    if (fflush(f) != 0 || ferror(f)) {
        fclose(f);
        return NULL;
    }
    return f;
}

static void become(const char **arguments, int in)
{
    int null = open("/dev/null", O_WRONLY);

    if (null >= 0 && lseek(in, 0, SEEK_SET) == 0 && dup2(in, 0) == 0 && dup2(null, 1) == 1) {
        execv("/proc/self/exe", (char *const *)(size_t)arguments); /* it writes to none of them */
    }
    _exit(127);
}

/* Seconds of one run, *cpu: those of its threads, *resident: bytes at most; negative when it
 * failed. */
static double run_once(const char **arguments, FILE *in, double *cpu, double *resident)
{
    struct rusage usage;
    int status = 0;
    double start = base_seconds();
    pid_t child = fork();

    if (child == 0) {
        become(arguments, fileno(in));
    }
    while (child > 0 && wait4(child, &status, 0, &usage) < 0 && errno == EINTR) {
    }
    double took = base_seconds() - start;
    if (child < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return -1;
    }
    *cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
    *resident = 1024 * (double)usage.ru_maxrss;
    return took;
}

static int run_set(struct bench *bench, const char *set, const char *path, FILE *in)
{
    struct bench_row row = bench_row_new("start", "image");
    char threads[16];
    const char *arguments[] = {"clipc",     "embed", "--image", "-",  "--threads", threads,
                               "--kernels", set,     "-m",      path, NULL};
    double times[STARTS], cpu[STARTS];

    snprintf(threads, sizeof threads, "%d", bench->cli->session.threads);
    arguments[path != NULL ? 10 : 8] = NULL; /* else the embedded model */
    for (size_t i = 0; i < STARTS; i++) {
        times[i] = run_once(arguments, in, &cpu[i], &row.memory);
        if (times[i] < 0) {
            cli_note("bench: a second clipc could not be run: no figures of its start");
            return CLI_DONE;
        }
    }
    row.set = set;
    row.batch = 1;
    bench_times(&row, times, STARTS);
    row.cpu = 1e3 * roof_median(cpu, STARTS);
    bench_put(bench, &row);
    if (!bench->cli->json) {
        printf(
            "  from a process's start to one picture's vector, %s: %.1f ms, %.1f of CPU; %.1f MB "
            "resident at most, the weight file's pages among them\n",
            set, row.ms, row.cpu, 1e-6 * row.memory);
    }
    return CLI_DONE;
}

int bench_start(struct bench *bench, const clipc_model *model, const char *path)
{
    struct clipc_model_info info = {.size = sizeof info};
    FILE *in;
    int code = CLI_DONE;

    clipc_model_info(model, &info);
    in = info.image_size > 0 ? picture(info.image_size) : NULL;
    fflush(stdout);
    for (size_t s = 0; in != NULL && code == CLI_DONE && s < bench->n; s++) {
        code = run_set(bench, bench->sets[s].name, path, in);
    }
    if (in != NULL) {
        fclose(in);
    }
    return code;
}
