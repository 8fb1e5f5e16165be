/* watch.c - `clipc watch`: what do the frames of a film, a camera, a stream show? */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../cli/gather.h"
#include "../cli/load.h"
#include "../cli/value.h"
#include "../video/watch.h"
#include "verbs.h"
#include "watch_events.h"
#include "watch_files.h"

static const struct cli_verb verb = {
    "watch", "SOURCE... PROMPT... [options]",
    "Say of each frame of a video how well each prompt fits.  A source is a film, webcam\n"
    "(webcam:1, /dev/video0), rtsp://, http://, a pattern of pictures, a folder into which they\n"
    "come, or - with y4m, mjpeg or (--format, --size) raw frames; several are encoded together, "
    "and\n"
    "have names as in door=rtsp://camera/1.  Sources come first; what is no file, camera or "
    "address\n"
    "begins the prompts.  Of a film every frame is taken, of a live source the newest.  Films and\n"
    "streams take the program ffmpeg; y4m, mjpeg, raw frames and pictures do not.\n\n"
    "On a terminal a picture of bars changes with the frames; else (--jsonl, --json) each frame is "
    "a\n"
    "line of JSON: source, frame, timestamp, and in the order of the prompts "
    "their\n"
    "cosines, percent (cosines from LOW to HIGH of --range as 0 to 100) and softmax (which prompt\n"
    "fits best, all together 1); then the best prompt.  With --threshold the lines are events\n"
    "instead, one when a prompt comes and one when it is gone: start, end, peak, best_frame.\n"
    "--embed, --summary, --changes and --outliers need no prompts.\n\n"
    "  clipc watch film.mp4 \"an ace of spades playing card\" --fps 2\n"
    "  clipc watch webcam \"a person\" \"an empty room\" -m vit-b-32.clipc",
    CLI_MODEL | CLI_COMPUTE | CLI_JSON | CLI_JSONL};

struct options {
    const char *fps, *range, *size, *rate, *timeout, *similar;
    struct watch_events events;
    struct watch_files files;
    int every, format;
    const char *changes_options, *outliers_options;
    bool realtime, stats, changes, outliers;
};

struct arguments {
    struct readers_source *sources; /* [n_sources] */
    const char **templates;         /* [n_templates] */
    const char **on_event;          /* [n_on_event], a program and its arguments, then NULL */
    size_t n_on_event;
    size_t n_sources, n_templates;
    struct labels prompts;
};

/* ---- Values ---------------------------------------------------------------------------------- */

static int take_range(const struct cli *cli, const char *text, double *low, double *high)
{
    char *end;

    if (text == NULL) {
        return CLI_GO_ON;
    }
    *low = strtod(text, &end);
    const char *second = *end == ',' && end != text ? end + 1 : "";
    *high = strtod(second, &end);
    if (end == second || *end != '\0' || !isfinite(*low) || !isfinite(*high) || !(*low < *high)) {
        return cli_usage(cli, "--range wants LOW,HIGH, two cosines, the lower first; not '%s'",
                         text);
    }
    return CLI_GO_ON;
}

static int take_size(const struct cli *cli, const char *text, struct video_options *to)
{
    char *end;

    if (text == NULL) {
        return CLI_GO_ON;
    }
    unsigned long width = strtoul(text, &end, 10);
    const char *second = *end == 'x' ? end + 1 : "";
    unsigned long height = strtoul(second, &end, 10);
    if (text[0] < '0' || text[0] > '9' || second[0] < '0' || second[0] > '9' || *end != '\0' ||
        width < 1 || height < 1 || width > 65535 || height > 65535) {
        return cli_usage(cli, "--size wants WIDTHxHEIGHT, as 640x480; not '%s'", text);
    }
    to->width = (uint32_t)width;
    to->height = (uint32_t)height;
    return CLI_GO_ON;
}

/* What holds for every source. */
static int take_options(const struct cli *cli, const struct options *o, struct watch *w,
                        struct readers_source *common)
{
    static const enum video_format formats[] = {VIDEO_ANY, VIDEO_Y4M, VIDEO_MJPEG,
                                                VIDEO_RAW, VIDEO_BGR, VIDEO_GRAY};
    struct video_options *video = &common->video;

    video->format = formats[o->format];
    video->image = load_options(cli, 0);
    video->patience = 30;
    common->every = o->every;
    common->realtime = o->realtime;
    int code = value_above_zero(cli, "fps", o->fps, &common->fps);
    if (code == CLI_GO_ON) {
        code = value_above_zero(cli, "rate", o->rate, &video->rate);
    }
    if (code == CLI_GO_ON) {
        code = value_above_zero(cli, "timeout", o->timeout, &video->patience);
    }
    if (code == CLI_GO_ON) {
        code = value_above_zero(cli, "skip-similar", o->similar, &w->skip_similar);
    }
    if (code == CLI_GO_ON) {
        code = take_size(cli, o->size, video);
    }
    if (code == CLI_GO_ON) {
        code = take_range(cli, o->range, &w->low, &w->high);
    }
    if (code == CLI_GO_ON && o->every > 0 && o->fps != NULL) {
        code = cli_usage(cli, "--every and --fps: one of them");
    }
    if (code == CLI_GO_ON && video->format >= VIDEO_RAW && video->width == 0) {
        code = cli_usage(cli, "raw frames do not say how large they are: --size WIDTHxHEIGHT");
    }
    return code;
}

static int take_statistics(const struct cli *cli, const struct options *o,
                           struct statistics_options *to)
{
    to->changes = o->changes || o->changes_options != NULL;
    to->outliers = o->outliers || o->outliers_options != NULL;
    if (statistics_read_changes(o->changes_options, &to->changes_options) != CLIPC_OK) {
        return cli_usage(cli, "--changes-options: %s", clipc_errmsg());
    }
    if (statistics_read_outliers(o->outliers_options, &to->outliers_options) != CLIPC_OK) {
        return cli_usage(cli, "--outliers-options: %s", clipc_errmsg());
    }
    return CLI_GO_ON;
}

/* ---- Sources and prompts --------------------------------------------------------------------- */

/* Is this positional a source?  The first one is; then those that name something that is there, or
 * look like a file's name, until the first that does not. */
static bool is_source(const struct cli_item *item, size_t n_sources)
{
    return n_sources == 0 || address_look(item->value).kind != ADDRESS_NOTHING ||
           !gather_is_text(item);
}

/* CLI_GO_ON, or the exit code after a message. */
static int sort_items(const struct cli *cli, struct arguments *a)
{
    bool prompted = false, prompting = false;
    int code = CLI_DONE;

    a->sources = calloc(cli->n_items + 1, sizeof *a->sources);
    a->templates = calloc(cli->n_items + 1, sizeof *a->templates);
    a->on_event = calloc(cli->n_items + 1, sizeof *a->on_event);
    if (a->sources == NULL || a->templates == NULL || a->on_event == NULL) {
        return cli_error("out of memory");
    }
    for (size_t i = 0; i < cli->n_items; i++) {
        const char *name = cli->items[i].option != NULL ? cli->items[i].option->name : "";
        prompted |= strncmp(name, "prompt", 6) == 0;
    }
    for (size_t i = 0; i < cli->n_items && code == CLI_DONE; i++) {
        const struct cli_item *item = &cli->items[i];
        const char *name = item->option != NULL ? item->option->name : "";
        prompting =
            prompting || (item->option == NULL && !prompted && !is_source(item, a->n_sources));
        if (strcmp(name, "template") == 0) {
            a->templates[a->n_templates++] = item->value;
        } else if (strcmp(name, "on-event") == 0) {
            a->on_event[a->n_on_event++] = item->value;
        } else if (strcmp(name, "prompts") == 0) {
            code = labels_add_lines(&a->prompts, item->value);
        } else if (item->option != NULL || prompting) {
            code = labels_add(&a->prompts, item->value, strlen(item->value));
        } else {
            a->sources[a->n_sources++].address = address_look(item->value);
        }
    }
    return code == CLI_DONE ? CLI_GO_ON : code;
}

/* What goes without prompts; all else is about them. */
static int check_promptless(const struct cli *cli, const struct options *o,
                            const struct arguments *a, const struct statistics_options *statistics)
{
    const char *wants = a->n_templates > 0            ? "--template"
                        : o->files.csv != NULL        ? "--csv"
                        : o->files.srt != NULL        ? "--srt"
                        : o->files.film != NULL       ? "-o"
                        : o->files.show               ? "--show"
                        : o->files.svg != NULL        ? "--svg"
                        : o->events.threshold != NULL ? "--threshold"
                                                      : NULL;

    if (o->files.embed == NULL && o->files.summary == 0 && !statistics->changes &&
        !statistics->outliers) {
        return cli_usage(cli, "no prompts: write them behind the sources, or use --prompts");
    }
    return wants != NULL ? cli_usage(cli, "%s wants prompts", wants) : CLI_GO_ON;
}

static int check(const struct cli *cli, const struct options *o, const struct arguments *a,
                 const struct watch *w)
{
    size_t stdins = 0;

    for (size_t i = 0; i < a->n_sources; i++) {
        const struct address *s = &a->sources[i].address;
        stdins += s->kind == ADDRESS_STDIN;
        if (s->kind == ADDRESS_NOTHING) {
            return cli_error("%s: no such file, and no webcam or address", s->place);
        }
    }
    for (size_t i = 0; i < a->n_templates; i++) {
        if (strstr(a->templates[i], "{}") == NULL) {
            return cli_usage(cli, "--template wants {} where the prompt goes: '%s'",
                             a->templates[i]);
        }
    }
    if (stdins > 1) {
        return cli_usage(cli, "standard input can be one source only");
    }
    if (a->n_sources == 0) {
        return cli_usage(cli, "no source: a file, webcam, an address or -");
    }
    return a->prompts.n == 0 ? check_promptless(cli, o, a, &w->statistics) : CLI_GO_ON;
}

static void free_arguments(struct arguments *a)
{
    free(a->sources);
    free(a->templates);
    free(a->on_event);
    labels_free(&a->prompts);
}

/* What the options and the positionals ask for. */
static int watch_as_asked(const struct cli *cli, const struct options *o)
{
    struct arguments a = {0};
    struct readers_source common = {0};
    struct watch w = {.cli = cli, .prompts = &a.prompts};
    int code = take_options(cli, o, &w, &common);

    if (code == CLI_GO_ON) {
        code = take_statistics(cli, o, &w.statistics);
    }
    if (code == CLI_GO_ON) {
        code = sort_items(cli, &a);
    }
    if (code == CLI_GO_ON) {
        code = check(cli, o, &a, &w);
    }
    if (code == CLI_GO_ON) {
        for (size_t i = 0; i < a.n_sources; i++) {
            struct address address = a.sources[i].address;
            a.sources[i] = common;
            a.sources[i].address = address;
        }
        w.sources = a.sources;
        w.n_sources = a.n_sources;
        w.templates = a.templates;
        w.n_templates = a.n_templates;
        w.on_event = a.n_on_event > 0 ? a.on_event : NULL;
        w.stats = o->stats;
        code = watch_files_take(cli, &o->files, &w);
    }
    if (code == CLI_GO_ON) {
        code = watch_events_take(cli, &o->events, &w);
    }
    if (code == CLI_GO_ON) {
        code = watch_run(&w);
    }
    free_arguments(&a);
    return code;
}

int cmd_watch(int argc, char **argv)
{
    struct options o = {0};
    const struct cli_option options[] = {
        {"prompt", CLI_ITEM, NULL, "P", "a prompt (repeatable); then all positionals are sources"},
        {"prompts", CLI_ITEM, NULL, "FILE", "a prompt for each line of FILE"},
        {"template", CLI_ITEM, NULL, "T", "text with {} for the prompt (repeatable: averaged)"},
        {"range", CLI_STRING, &o.range, "LOW,HIGH",
         "cosines shown as 0 and 100 percent (default: the model's)"},
        {"every", CLI_INT, &o.every, "N", "look at one frame of N"},
        {"fps", CLI_STRING, &o.fps, "N", "look at N frames a second"},
        {"realtime", CLI_FLAG, &o.realtime, NULL,
         "play a file at its own speed; drop the frames that come too fast"},
        {"skip-similar", CLI_STRING, &o.similar, "T",
         "leave the network out where the picture that it would see differs from\nthe last one by "
         "less than T on average (of 255)"},
        {"format", CLI_CHOICE, &o.format, "y4m|mjpeg|raw|bgr|gray",
         "what a file or - holds, where its start does not tell (raw: RGB)"},
        {"size", CLI_STRING, &o.size, "WxH", "of raw frames; what a webcam is asked for"},
        {"rate", CLI_STRING, &o.rate, "N",
         "frames a second where the source does not say (default 25)"},
        {"timeout", CLI_STRING, &o.timeout, "S",
         "end a stream, a decoder or an encoder that does nothing for S seconds (default 30)"},
        {"changes", CLI_FLAG, &o.changes, NULL,
         "say of each frame whether its vector changes more, or less, than until now:\n"
         "what Roboflow's block identify_changes says"},
        {"changes-options", CLI_STRING, &o.changes_options, "SETTINGS",
         "settings of that, by default strategy=ema,threshold_percentile=0.2,warmup=3,\n"
         "smoothing_factor=0.1,window_size=10; strategies are ema, sma and window"},
        {"outliers", CLI_FLAG, &o.outliers, NULL,
         "say of each frame whether it is unlike the latest ones: what Roboflow's block\n"
         "identify_outliers says"},
        {"outliers-options", CLI_STRING, &o.outliers_options, "SETTINGS",
         "settings of that, by default threshold_percentile=0.05,warmup=3,window_size=32"},
        WATCH_EVENTS_OPTIONS(&o.events),
        {"o|output", CLI_OUTPUT, &o.files.film, "FILE",
         "a film (.mp4, .m4v, .mov, .mkv; without sound) of the frames, the best prompts\n"
         "and their percent drawn on them"},
        {"show", CLI_FLAG, &o.files.show, NULL, "the same in a window; closing it ends the watch"},
        {"csv", CLI_OUTPUT, &o.files.csv, "FILE",
         "a row for each frame, a column for each prompt's cosine"},
        {"srt", CLI_OUTPUT, &o.files.srt, "FILE", "subtitles: the best prompts and their percent"},
        {"svg", CLI_OUTPUT, &o.files.svg, "FILE", "a picture: each prompt's cosine over time"},
        {"embed", CLI_OUTPUT, &o.files.embed, "FILE.npy",
         "each frame's vector, float32 [n, dim], and in FILE.jsonl which frame it is of:\n"
         "for clipc moments"},
        {"summary", CLI_INT, &o.files.summary, "N",
         "the N frames that are least alike, as one picture"},
        {"summary-file", CLI_OUTPUT, &o.files.summary_file, "FILE",
         "that picture, .jpg or .png (default summary.jpg, where there is none yet)"},
        {"stats", CLI_FLAG, &o.stats, NULL, "say at the end how fast it was, and why"},
        {NULL, CLI_FLAG, NULL, NULL, NULL}};
    struct cli cli;
    int code = cli_parse(&cli, &verb, options, argc, argv);

    if (code != CLI_GO_ON) {
        return code;
    }
    code = watch_as_asked(&cli, &o);
    cli_free(&cli);
    return code;
}
