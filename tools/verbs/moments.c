/* moments.c - `clipc moments`: when does a video, whose vectors are stored, show what is said? */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../cli/bar.h"
#include "../cli/json_put.h"
#include "../cli/labels.h"
#include "../video/search.h"
#include "verbs.h"

static const struct cli_verb verb = {
    "moments", "FILE.npy PROMPT... [options]",
    "Say when a video shows what each prompt says, by the vectors of its frames that\n"
    "`clipc watch FILE --embed FILE.npy` stored: the video is not read again.  A moment has its\n"
    "first and last frame (start, end), its best frame, that frame's cosine (peak), and a score,\n"
    "the mean of its frames' cosines: the best moments come first.\n\n"
    "A moment is what stands out of the video itself.  The ground is what frames have without the\n"
    "prompt: the lower of the two groups into which the cosines fall, or their median where they\n"
    "do not.  A peak begins a moment when it is above the ground by 4 standard deviations of the\n"
    "ground and a tenth of the model's range of cosines, and above that range's low end; the\n"
    "frames around it that keep half of its height are the moment.  Two with less than --gap\n"
    "between them are one.  So no threshold is needed; with --threshold T moments are the frames\n"
    "of at least T.\n\n"
    "  clipc watch film.mp4 --embed film.npy -m vit-b-32.clipc\n"
    "  clipc moments film.npy \"a card on a table\" --top 5 -m vit-b-32.clipc",
    CLI_MODEL | CLI_SESSION | CLI_TEXTS | CLI_JSON | CLI_JSONL};

struct job {
    const struct cli *cli;
    const char *file;
    int top;    /* 0: all */
    bool share; /* the threshold is a percentage */
    struct moments_options rules;
    struct stored stored;
    struct labels prompts;
    const char **templates; /* [n_templates] */
    size_t n_templates;
    struct search *search;
    struct json_records records;
};

/* ---- Answers --------------------------------------------------------------------------------- */

static void put_json(struct job *job, size_t prompt, const struct moment *m)
{
    const struct label *name = &job->prompts.names[prompt];
    const struct stored_frame *frames = job->stored.frames;
    const struct stored_frame *first = &frames[m->first], *last = &frames[m->last],
                              *best = &frames[m->best];
    double peak =
        (double)clipc_cosine(job->stored.vectors + m->best * job->stored.dim,
                             job->prompts.vectors + prompt * job->stored.dim, job->stored.dim);

    json_records_next(&job->records);
    fputs("{\"prompt\": ", stdout);
    json_put_string(stdout, name->text, name->length);
    fputs(", \"source\": ", stdout);
    json_put_c_string(stdout, job->stored.sources[best->source]);
    fputs(", \"start\": ", stdout);
    json_put_float(stdout, first->time);
    fprintf(stdout, ", \"start_frame\": %llu, \"end\": ", (unsigned long long)first->number);
    json_put_float(stdout, last->time);
    fprintf(stdout, ", \"end_frame\": %llu, \"score\": ", (unsigned long long)last->number);
    json_put_float(stdout, m->score);
    fputs(", \"peak\": ", stdout);
    json_put_float(stdout, peak);
    fputs(", \"peak_timestamp\": ", stdout);
    json_put_float(stdout, best->time);
    fprintf(stdout, ", \"best_frame\": %llu", (unsigned long long)best->number);
    if (best->path != NULL) {
        fputs(", \"best_path\": ", stdout);
        json_put_c_string(stdout, best->path);
    }
    putchar('}');
    json_records_line(&job->records);
}

/* "12:03.40", minutes and seconds. */
static void put_time(double time)
{
    double hundredths = round(100 * time); /* no 60th second */
    long long minutes = (long long)(hundredths / 6000);

    printf("%4lld:%05.2f", minutes, hundredths / 100 - 60 * (double)minutes);
}

static void put_row(const struct job *job, const struct moment *m)
{
    const struct stored_frame *frames = job->stored.frames, *best = &frames[m->best];
    double range = job->rules.high - job->rules.low, score = m->score;

    put_time(frames[m->first].time);
    fputs(" -", stdout);
    put_time(frames[m->last].time);
    printf("  %7.4f  ", score);
    bar_put(stdout, range > 0 ? (score - job->rules.low) / range : score, 20);
    fputs("  best", stdout);
    put_time(best->time);
    printf("  frame %llu", (unsigned long long)best->number);
    if (job->stored.n_sources > 1) {
        fputs("  ", stdout);
        say(stdout, job->stored.sources[best->source]);
    }
    putchar('\n');
}

static void put_table(const struct job *job, size_t prompt, const struct moment *moments, size_t n)
{
    const struct label *name = &job->prompts.names[prompt];
    bool colour = isatty(STDOUT_FILENO);

    fputs(colour ? "\033[1m" : "", stdout);
    say_text(stdout, name->text, name->length);
    puts(colour ? "\033[0m" : "");
    for (size_t i = 0; i < n; i++) {
        put_row(job, &moments[i]);
    }
    puts(n == 0 ? "  nothing stands out\n" : "");
}

static int answer(struct job *job)
{
    bool json = job->cli->json || job->cli->jsonl;
    int code = CLI_DONE;

    if (json) {
        json_records_begin(&job->records, stdout, job->cli->jsonl);
    }
    for (size_t p = 0; code == CLI_DONE && p < job->prompts.n; p++) {
        const struct moment *moments;
        size_t n;
        if (search_run(job->search, job->prompts.vectors + p * job->prompts.dim, &moments, &n) !=
            CLIPC_OK) {
            code = cli_error("%s", clipc_errmsg());
            break;
        }
        n = job->top > 0 && (size_t)job->top < n ? (size_t)job->top : n;
        for (size_t i = 0; json && i < n; i++) {
            put_json(job, p, &moments[i]);
        }
        if (!json) {
            put_table(job, p, moments, n);
        }
    }
    if (json) {
        json_records_end(&job->records);
    }
    return code;
}

/* ---- The command line ------------------------------------------------------------------------ */

/* A number of at least `least`, or the text is NULL: *to stays. */
static int take_number(const struct cli *cli, const char *option, const char *text, double least,
                       double *to)
{
    char *end;
    double x = text != NULL ? strtod(text, &end) : 0;

    if (text == NULL) {
        return CLI_GO_ON;
    }
    if (end == text || *end != '\0' || !isfinite(x) || x < least) {
        return cli_usage(cli, "--%s wants a number of at least %g, not '%s'", option, least, text);
    }
    *to = x;
    return CLI_GO_ON;
}

/* "0.3", or "60%" of the model's range; or the text is NULL: NaN. */
static int take_threshold(const struct cli *cli, const char *text, double *to, bool *share)
{
    char *end;

    *to = text != NULL ? strtod(text, &end) : NAN;
    if (text != NULL &&
        (end == text || !isfinite(*to) || (*end != '\0' && strcmp(end, "%") != 0))) {
        return cli_usage(cli, "--threshold wants a cosine or a percentage (60%%), not '%s'", text);
    }
    *share = text != NULL && *end == '%';
    return CLI_GO_ON;
}

/* What was typed: the file, then prompts.  CLI_GO_ON, or the exit code after a message. */
static int sort_items(const struct cli *cli, struct job *job)
{
    int code = CLI_DONE;

    job->templates = calloc(cli->n_items + 1, sizeof *job->templates);
    if (job->templates == NULL) {
        return cli_error("out of memory");
    }
    for (size_t i = 0; i < cli->n_items && code == CLI_DONE; i++) {
        const struct cli_item *item = &cli->items[i];
        const char *name = item->option != NULL ? item->option->name : "";
        if (strcmp(name, "template") == 0) {
            job->templates[job->n_templates++] = item->value;
            if (strstr(item->value, "{}") == NULL) {
                code =
                    cli_usage(cli, "--template wants {} where the prompt goes: '%s'", item->value);
            }
        } else if (strcmp(name, "prompts") == 0) {
            code = labels_add_lines(&job->prompts, item->value);
        } else if (job->file == NULL) {
            job->file = item->value;
        } else {
            code = labels_add(&job->prompts, item->value, strlen(item->value));
        }
    }
    return code == CLI_DONE ? CLI_GO_ON : code;
}

static int check(const struct cli *cli, const struct job *job)
{
    if (cli->json && cli->jsonl) {
        return cli_usage(cli, "--json or --jsonl, not both");
    }
    if (job->file == NULL) {
        return cli_usage(cli, "no file: FILE.npy, as clipc watch --embed FILE.npy leaves it");
    }
    if (job->prompts.n == 0) {
        return cli_usage(cli, "no prompts: write them behind the file, or use --prompts");
    }
    char *lines = stored_lines(job->file);
    if (lines == NULL) {
        return cli_usage(cli, "%s", clipc_errmsg());
    }
    free(lines);
    return CLI_GO_ON;
}

/* The range that the model shows, and what is said in shares of it. */
static int take_range(struct job *job, const clipc_model *model)
{
    struct clipc_model_info info = {.size = sizeof info};
    struct moments_options *o = &job->rules;

    clipc_model_info(model, &info);
    o->low = (double)info.display_low;
    o->high = (double)info.display_high;
    if (job->share && !(o->low < o->high)) {
        return cli_error("--threshold in percent: this model has no range of cosines for that");
    }
    if (job->share) {
        o->threshold = o->low + o->threshold / 100 * (o->high - o->low);
    }
    return CLI_DONE;
}

static int run(struct job *job, const clipc_model *model, clipc_session *session)
{
    struct stored *s = &job->stored;
    int code = take_range(job, model);

    if (code == CLI_DONE && stored_read(job->file, model, s) != CLIPC_OK) {
        code = cli_error("%s", clipc_errmsg());
    }
    if (code != CLI_DONE) {
        return code;
    }
    if (search_new(s, &job->rules, &job->search) != CLIPC_OK) {
        return cli_error("%s", clipc_errmsg());
    }
    labels_note(&job->prompts, job->cli, model, job->templates, job->n_templates);
    code = labels_encode(&job->prompts, model, session, job->templates, job->n_templates);
    return code == CLI_DONE ? answer(job) : code;
}

static void free_job(struct job *job)
{
    search_free(job->search);
    stored_free(&job->stored);
    labels_free(&job->prompts);
    free(job->templates);
}

static int open_and_run(const struct cli *cli, struct job *job)
{
    clipc_model *model = cli_open_model(cli);
    clipc_session *session = model != NULL ? cli_open_session(cli, model) : NULL;
    int code = session != NULL ? run(job, model, session) : CLI_FAILED;

    clipc_session_free(session);
    clipc_close(model);
    return code;
}

int cmd_moments(int argc, char **argv)
{
    const char *threshold = NULL, *gap = NULL, *min_duration = NULL;
    struct cli cli;
    struct job job = {.cli = &cli, .rules = {.gap = MOMENTS_GAP}};
    const struct cli_option options[] = {
        {"prompts", CLI_ITEM, NULL, "FILE", "a prompt for each line of FILE"},
        {"template", CLI_ITEM, NULL, "T", "text with {} for the prompt (repeatable: averaged)"},
        {"top", CLI_INT, &job.top, "K", "show only the K best moments of each prompt"},
        {"threshold", CLI_STRING, &threshold, "T",
         "moments are frames of at least T (a cosine, or 60% of the model's range)"},
        {"smooth", CLI_INT, &job.rules.smooth, "N",
         "compare the mean of N frames, each in the middle of its own (default 1)"},
        {"gap", CLI_STRING, &gap, "S",
         "two moments with less than S seconds between them are one (default 0.5)"},
        {"min-duration", CLI_STRING, &min_duration, "S", "a shorter moment is none (seconds)"},
        {NULL, CLI_FLAG, NULL, NULL, NULL}};
    int code = cli_parse(&cli, &verb, options, argc, argv);

    if (code != CLI_GO_ON) {
        return code;
    }
    code = take_threshold(&cli, threshold, &job.rules.threshold, &job.share);
    if (code == CLI_GO_ON) {
        code = take_number(&cli, "gap", gap, 0, &job.rules.gap);
    }
    if (code == CLI_GO_ON) {
        code = take_number(&cli, "min-duration", min_duration, 0, &job.rules.min_duration);
    }
    if (code == CLI_GO_ON) {
        code = sort_items(&cli, &job);
    }
    if (code == CLI_GO_ON) {
        code = check(&cli, &job);
    }
    if (code == CLI_GO_ON) {
        code = open_and_run(&cli, &job);
    }
    free_job(&job);
    cli_free(&cli);
    return code;
}
