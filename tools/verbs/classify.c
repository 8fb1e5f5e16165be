/* classify.c - `clipc classify`: which label fits an image best? */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../cli/cli.h"
#include "verbs.h"
#include "../cli/bar.h"
#include "../cli/gather.h"
#include "../cli/labels.h"
#include "../cli/stream.h"
#include "../cli/json_put.h"

static const struct cli_verb verb = {
    "classify", "IMAGE LABEL... [options]",
    "Say how well each label fits the image, best first.  The percentages of all labels together "
    "are\n"
    "100 (softmax; a model with a sigmoid gives each label a probability of its own): they say "
    "which\n"
    "label fits best, not that it fits.  --scores shows cosines instead, as one label alone does.\n"
    "With --labels or --label every positional is an image: a file, a folder, or - for a list of\n"
    "files on stdin.  CLIP learned from captions, so a label in a sentence often fits better than "
    "a\n"
    "word: --template puts it into one, several are averaged.\n\n"
    "  clipc classify photo.jpg \"a photo of a cat\" \"a photo of a dog\" -m vit-b-32.clipc\n"
    "  clipc classify photo.jpg cat dog --template \"a photo of a {}\" -m vit-b-32.clipc\n"
    "  clipc classify photos/ --labels labels.txt --top 3 -m vit-b-32.clipc",
    CLI_MODEL | CLI_COMPUTE | CLI_FAST_DECODE | CLI_JSON | CLI_JSONL};

struct ranked {
    size_t label;
    double cosine, score;
};

struct job {
    const clipc_model *model;
    const struct labels *labels;
    struct json_records records;
    struct ranked *ranked; /* [labels] */
    bool json, scores, sigmoid, colour;
    bool cosines;       /* the table shows cosines: --scores, or one label alone */
    float low, high;    /* range of cosines worth showing, 0 and 0 if not known */
    size_t top, widest; /* columns of the widest label, for the table */
};

static int by_score(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    return x->cosine > y->cosine   ? -1
           : x->cosine < y->cosine ? 1
                                   : (x->label > y->label) - (x->label < y->label);
}

static void rank(struct job *job, const float *image)
{
    size_t n = job->labels->n, dim = job->labels->dim;
    double best = -INFINITY, sum = 0;

    for (size_t i = 0; i < n; i++) {
        struct ranked *r = &job->ranked[i];
        r->label = i;
        r->cosine = (double)clipc_cosine(image, job->labels->vectors + i * dim, dim);
        r->score = (double)clipc_logit(job->model, (float)r->cosine);
        best = fmax(best, r->score);
    }
    for (size_t i = 0; i < n; i++) {
        struct ranked *r = &job->ranked[i];
        r->score = job->sigmoid ? 1 / (1 + exp(-r->score)) : exp(r->score - best);
        sum += r->score;
    }
    for (size_t i = 0; i < n; i++) {
        struct ranked *r = &job->ranked[i];
        r->score = job->scores ? r->cosine : job->sigmoid ? r->score : r->score / sum;
    }
    qsort(job->ranked, n, sizeof *job->ranked, by_score);
}

static void print_json(struct job *job, const struct encoded *e)
{
    json_records_next(&job->records);
    fputs("{\"image\": ", stdout);
    json_put_string(stdout, e->input->data, e->input->length);
    fputs(", \"labels\": ", stdout);
    if (e->embedding == NULL) {
        fputs("null", stdout);
    }
    for (size_t i = 0; e->embedding != NULL && i < job->top; i++) {
        const struct ranked *r = &job->ranked[i];
        const struct label *name = &job->labels->names[r->label];
        fputs(i == 0 ? "[{\"label\": " : ", {\"label\": ", stdout);
        json_put_string(stdout, name->text, name->length);
        fputs(", \"score\": ", stdout);
        json_put_float(stdout, r->score);
        fputs(", \"cosine\": ", stdout);
        json_put_float(stdout, r->cosine);
        fputs(i + 1 == job->top ? "}]" : "}", stdout);
    }
    fputs(", \"error\": ", stdout);
    json_put_c_string(stdout, e->error);
    putchar('}');
    json_records_line(&job->records);
}

static void print_table(const struct job *job, const struct encoded *e)
{
    const char *bold = job->colour ? "\033[1m" : "", *plain = job->colour ? "\033[0m" : "";

    if (e->embedding == NULL) {
        return; /* said on stderr */
    }
    fputs(bold, stdout);
    say_text(stdout, e->input->data, e->input->length);
    printf("%s  (%.1f ms)\n", plain, 1e3 * e->seconds);
    for (size_t i = 0; i < job->top; i++) {
        const struct ranked *r = &job->ranked[i];
        const struct label *name = &job->labels->names[r->label];
        printf("  %s", i == 0 ? bold : "");
        say_padded(stdout, name->text, name->length, job->widest);
        printf("%s ", i == 0 ? plain : "");
        if (job->cosines) {
            double range = (double)(job->high - job->low);
            printf(" %7.4f  ", r->cosine);
            bar_put(stdout, range > 0 ? (r->cosine - (double)job->low) / range : r->cosine, 30);
        } else {
            printf(" %6.2f %%  ", 100 * r->score);
            bar_put(stdout, r->score, 30);
        }
        putchar('\n');
    }
    putchar('\n');
}

static int emit(void *arg, const struct encoded *e)
{
    struct job *job = arg;

    if (e->embedding != NULL) {
        rank(job, e->embedding);
    }
    if (job->json) {
        print_json(job, e);
    } else {
        print_table(job, e);
    }
    return 0;
}

struct options {
    int top;
    bool scores, zeros;
};

/* The items of the command line, sorted. */
struct arguments {
    struct source *images;  /* [n_images] */
    const char **templates; /* [n_templates] */
    size_t n_images, n_templates;
    struct labels labels;
};

/* CLI_DONE, or CLI_FAILED after a message. */
static int sort_items(const struct cli *cli, struct arguments *a)
{
    bool labelled = false, imaged = false;
    int code = CLI_DONE;

    a->images = calloc(cli->n_items + 1, sizeof *a->images);
    a->templates = calloc(cli->n_items + 1, sizeof *a->templates);
    if (a->images == NULL || a->templates == NULL) {
        return cli_error("out of memory");
    }
    for (size_t i = 0; i < cli->n_items; i++) {
        const char *name = cli->items[i].option != NULL ? cli->items[i].option->name : "";
        labelled |= strcmp(name, "label") == 0 || strcmp(name, "labels") == 0;
        imaged |= strcmp(name, "image") == 0;
    }
    for (size_t i = 0, positionals = 0; i < cli->n_items && code == CLI_DONE; i++) {
        const struct cli_item *item = &cli->items[i];
        const char *name = item->option != NULL ? item->option->name : "";
        if (strcmp(name, "template") == 0) {
            a->templates[a->n_templates++] = item->value;
        } else if (strcmp(name, "labels") == 0) {
            code = labels_add_lines(&a->labels, item->value);
        } else if (strcmp(name, "label") == 0 ||
                   (item->option == NULL && !labelled && (imaged || positionals > 0))) {
            code = labels_add(&a->labels, item->value, strlen(item->value));
        } else {
            a->images[a->n_images++] = gather_source(item);
        }
        positionals += item->option == NULL;
    }
    return code;
}

static void free_arguments(struct arguments *a)
{
    free(a->images);
    free(a->templates);
    labels_free(&a->labels);
}

/* Probabilities are shared out among the labels: one alone has all of it, whatever it says. */
static void note_alone(const struct job *job)
{
    if (job->low < job->high) {
        cli_note(
            "one label alone would always have 100 %%; shown is its cosine, with this model from "
            "about %.2f (nothing in common) to %.2f (a fit)",
            (double)job->low, (double)job->high);
    } else {
        cli_note("one label alone would always have 100 %%; shown is its cosine, from -1 to 1");
    }
}

/* The likeliest mistake: labels first. */
static void note_order(const struct cli *cli)
{
    if (cli->n_items > 1 && gather_is_text(&cli->items[0]) &&
        cli->items[cli->n_items - 1].option == NULL &&
        access(cli->items[cli->n_items - 1].value, F_OK) == 0) {
        cli_note("'%s' is not a file; the image comes first, then its labels", cli->items[0].value);
    }
}

static int run(const struct cli *cli, const struct options *o, struct inputs *images,
               struct arguments *a)
{
    struct labels *labels = &a->labels;
    struct stream *stream = stream_open(cli);
    struct clipc_model_info info = {.size = sizeof info};
    struct job job = {.labels = labels,
                      .json = cli->json || cli->jsonl,
                      .scores = o->scores,
                      .colour = isatty(STDOUT_FILENO)};
    int code = CLI_FAILED;

    if (stream == NULL) {
        return CLI_FAILED;
    }
    job.model = stream_model(stream);
    clipc_model_info(job.model, &info);
    job.sigmoid = info.score == CLIPC_SCORE_SIGMOID;
    job.low = info.display_low;
    job.high = info.display_high;
    job.cosines = o->scores || (labels->n == 1 && !job.sigmoid);
    if (job.cosines && !o->scores && !job.json) {
        note_alone(&job);
    }
    job.top = o->top > 0 && (size_t)o->top < labels->n ? (size_t)o->top : labels->n;
    for (size_t i = 0; i < labels->n; i++) {
        size_t n = say_columns(labels->names[i].text, labels->names[i].length);
        job.widest = n > job.widest && n <= 60 ? n : job.widest;
    }
    labels_note(labels, cli, job.model, a->templates, a->n_templates);
    job.ranked = calloc(labels->n, sizeof *job.ranked);
    if (job.ranked == NULL) {
        cli_error("out of memory");
    } else if (labels_encode(labels, job.model, stream_session(stream), a->templates,
                             a->n_templates) == CLI_DONE) {
        if (job.json) {
            json_records_begin(&job.records, stdout, cli->jsonl);
        }
        code = stream_run(stream, images, emit, &job);
        if (job.json) {
            json_records_end(&job.records);
        }
    }
    free(job.ranked);
    stream_close(stream);
    return code;
}

/* The first template that has no place for the label, or NULL. */
static const char *without_place(const char *const *templates, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strstr(templates[i], "{}") == NULL) {
            return templates[i];
        }
    }
    return NULL;
}

int cmd_classify(int argc, char **argv)
{
    struct options o = {0};
    const struct cli_option options[] = {
        {"label", CLI_ITEM, NULL, "L", "a label (repeatable)"},
        {"labels", CLI_ITEM, NULL, "FILE", "a label for each line of FILE"},
        {"template", CLI_ITEM, NULL, "T", "text with {} for the label (repeatable: averaged)"},
        {"top", CLI_INT, &o.top, "K", "show only the K best"},
        {"scores", CLI_FLAG, &o.scores, NULL, "cosines instead of probabilities"},
        GATHER_IMAGE,
        GATHER_ZEROS(&o.zeros),
        {NULL, CLI_FLAG, NULL, NULL, NULL}};
    struct cli cli;
    struct arguments a = {0};
    struct inputs *images = NULL;
    int code = cli_parse(&cli, &verb, options, argc, argv);

    if (code != CLI_GO_ON) {
        return code;
    }
    code = gather_check_stdin(&cli);
    if (code == CLI_GO_ON && sort_items(&cli, &a) != CLI_DONE) {
        code = CLI_FAILED;
    }
    if (code != CLI_GO_ON) {
        ; /* said */
    } else if (without_place(a.templates, a.n_templates) != NULL) {
        code = cli_usage(&cli, "--template wants {} where the label goes: '%s'",
                         without_place(a.templates, a.n_templates));
    } else if (a.labels.n == 0) {
        code = cli_usage(&cli, "no labels: write them behind the image, or use --label, --labels");
    } else if (a.n_images == 0) {
        code = cli_usage(&cli, "no image");
    } else if (inputs_new(a.images, a.n_images, o.zeros, 0, &images) != 0) {
        code = cli_error("out of memory");
    } else {
        note_order(&cli);
        code = run(&cli, &o, images, &a);
    }
    inputs_free(images);
    free_arguments(&a);
    cli_free(&cli);
    return code;
}
