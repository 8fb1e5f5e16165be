/* summary.c - candidates with their pictures, and at the end the chosen ones. */
#include "summary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/base/base.h"
#include "../cli/target.h"
#include "dissimilar.h"
#include "picture.h"
#include "sheet.h"

struct candidate {
    size_t source;
    uint64_t number;
    double time;
    char *path; /* of a picture file, else NULL */
};

struct summary {
    const struct watch *watch;
    struct json_records *records;
    struct view *view;
    struct dissimilar *set;
    struct sheet *sheet;
    struct candidate *candidates; /* [DISSIMILAR_ROOM] */
    struct output output;
    int error; /* of the first frame that had no memory */
};

static void free_summary(struct summary *s)
{
    for (size_t i = 0; s->candidates != NULL && i < DISSIMILAR_ROOM(s->watch->summary); i++) {
        free(s->candidates[i].path);
    }
    free(s->candidates);
    dissimilar_free(s->set);
    sheet_free(s->sheet);
    free(s);
}

/* A name that was asked for is replaced; the one that stands for none is not. */
static int open_output(struct summary *s)
{
    const char *name = s->watch->summary_file;
    char usual[16];

    if (name != NULL) {
        return output_open(&s->output, name);
    }
    snprintf(usual, sizeof usual, "summary%s", picture_ending);
    return target_open(&s->output, usual);
}

int summary_new(const struct watch *w, size_t dim, struct json_records *records, struct view *view,
                struct summary **out)
{
    struct summary *s = w->summary > 0 ? calloc(1, sizeof *s) : NULL;

    *out = NULL;
    if (w->summary == 0) {
        return CLIPC_OK;
    }
    if (s == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    *s = (struct summary){.watch = w, .records = records, .view = view};
    s->candidates = calloc(DISSIMILAR_ROOM(w->summary), sizeof *s->candidates);
    int status = s->candidates != NULL ? dissimilar_new(w->summary, dim, &s->set)
                                       : base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    if (status == CLIPC_OK) {
        status = sheet_new(w->summary, DISSIMILAR_ROOM(w->summary), &s->sheet);
    }
    if (status == CLIPC_OK) {
        status = open_output(s);
    }
    if (status != CLIPC_OK) {
        free_summary(s);
        return status;
    }
    *out = s;
    return CLIPC_OK;
}

void summary_frame(struct summary *s, const struct shown *shown)
{
    const struct pipeline_answer *a = shown->answer;
    long slot = s->error == CLIPC_OK ? dissimilar_offer(s->set, a->embedding) : -1;

    if (slot < 0) {
        return;
    }
    struct candidate *c = &s->candidates[slot];
    free(c->path);
    *c = (struct candidate){.source = a->source, .number = a->number, .time = a->time};
    if (a->path != NULL && (c->path = strdup(a->path)) == NULL) {
        s->error = CLIPC_ERROR_MEMORY;
    } else {
        s->error = sheet_keep(s->sheet, (size_t)slot, a->image);
    }
}

/* ---- The end --------------------------------------------------------------------------------- */

struct chosen {
    struct candidate *candidate;
    struct dissimilar_choice choice;
};

static int by_time(const void *a, const void *b)
{
    const struct candidate *x = ((const struct chosen *)a)->candidate;
    const struct candidate *y = ((const struct chosen *)b)->candidate;

    return x->source != y->source ? (x->source > y->source) - (x->source < y->source)
                                  : (x->number > y->number) - (x->number < y->number);
}

static void tell(struct summary *s, const struct chosen *c, size_t place)
{
    const struct address *source = &s->watch->sources[c->candidate->source].address;

    if (!s->watch->cli->json && !s->watch->cli->jsonl && isatty(STDOUT_FILENO)) {
        printf("%3zu  %.2f s, frame %llu  ", place, c->candidate->time,
               (unsigned long long)c->candidate->number);
        say_text(stdout, source->name, source->name_length);
        putchar('\n');
        return;
    }
    json_records_next(s->records);
    printf("{\"summary\": %zu, \"source\": ", place);
    json_put_string(stdout, source->name, source->name_length);
    printf(", \"frame\": %llu, \"timestamp\": ", (unsigned long long)c->candidate->number);
    json_put_float(stdout, c->candidate->time);
    if (c->candidate->path != NULL) {
        fputs(", \"path\": ", stdout);
        json_put_c_string(stdout, c->candidate->path);
    }
    fputs(", \"nearest\": ", stdout);
    json_put_float(stdout, c->choice.nearest);
    putchar('}');
    json_records_line(s->records);
}

/* Does the file's name ask for PNG? */
static bool wants_png(const char *path)
{
    size_t n = path != NULL ? strlen(path) : 0;

    return n >= 4 && strcmp(path + n - 4, ".png") == 0;
}

/* "1:02.40", minutes and seconds, and of several sources whose. */
static void label(const struct summary *s, const struct candidate *c, char *to, size_t room)
{
    const struct address *source = &s->watch->sources[c->source].address;
    double time = round(100 * c->time) / 100; /* no 60th second */
    long long minutes = (long long)(time / 60);
    int n = snprintf(to, room, "%lld:%05.2f", minutes, time - 60 * (double)minutes);

    if (s->watch->n_sources > 1) {
        snprintf(to + n, room - (size_t)n, "  %.*s", (int)source->name_length, source->name);
    }
}

static int draw(struct summary *s, const struct chosen *chosen, size_t n, struct clipc_image *image)
{
    enum { LABEL = 256 };
    size_t *slots = calloc(n, sizeof *slots);
    const char **labels = calloc(n, sizeof *labels);
    char *texts = calloc(n, LABEL);
    bool room = slots != NULL && labels != NULL && texts != NULL;

    for (size_t i = 0; room && i < n; i++) {
        slots[i] = chosen[i].choice.slot;
        labels[i] = texts + i * LABEL;
        label(s, chosen[i].candidate, texts + i * LABEL, LABEL);
    }
    int status = room ? sheet_make(s->sheet, slots, labels, n, image)
                      : base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    free(slots);
    free(labels);
    free(texts);
    return status;
}

static int write_sheet(struct summary *s, const struct chosen *chosen, size_t n)
{
    struct clipc_image image;
    unsigned char *bytes = NULL;
    size_t size = 0;
    int status = draw(s, chosen, n, &image);

    if (status != CLIPC_OK) {
        return status;
    }
    status = wants_png(s->watch->summary_file) ? picture_png(&image, &bytes, &size)
                                               : picture_encode(&image, &bytes, &size);
    free(image.data);
    for (size_t done = 0; status == CLIPC_OK && done < size;) {
        ssize_t part = write(s->output.fd, bytes + done, size - done);
        if (part < 0) {
            status = output_error(&s->output, "write");
        } else {
            done += (size_t)part;
        }
    }
    free(bytes);
    return status == CLIPC_OK ? output_finish(&s->output) : status;
}

static int finish(struct summary *s, struct dissimilar_choice *choices, struct chosen *chosen)
{
    double cover;
    size_t n = dissimilar_choose(s->set, choices, &cover);

    for (size_t i = 0; i < n; i++) {
        chosen[i] = (struct chosen){&s->candidates[choices[i].slot], choices[i]};
    }
    if (n == 0) {
        cli_note("--summary: no frame, so no sheet");
        return CLIPC_OK;
    }
    qsort(chosen, n, sizeof *chosen, by_time);
    int status = write_sheet(s, chosen, n);
    if (s->view != NULL) {
        view_pause(s->view);
    }
    for (size_t i = 0; status == CLIPC_OK && i < n; i++) {
        tell(s, &chosen[i], i + 1);
    }
    fflush(stdout);
    if (status == CLIPC_OK && n < s->watch->summary) {
        cli_note("--summary: the frames have %zu different vectors only", n);
    }
    if (status == CLIPC_OK && s->watch->stats) {
        cli_note("summary: every frame has a cosine of at least %.3f with one of its %zu", cover,
                 n);
    }
    return status;
}

int summary_end(struct summary *s)
{
    if (s == NULL) {
        return CLI_DONE;
    }
    size_t n = s->watch->summary;
    struct dissimilar_choice *choices = calloc(n, sizeof *choices);
    struct chosen *chosen = calloc(n, sizeof *chosen);
    int status = s->error == CLIPC_OK && choices != NULL && chosen != NULL
                     ? finish(s, choices, chosen)
                     : base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    int code = status == CLIPC_OK ? CLI_DONE : cli_error("--summary: %s", clipc_errmsg());

    output_abort(&s->output);
    free(choices);
    free(chosen);
    free_summary(s);
    return code;
}

void summary_abandon(struct summary *s)
{
    if (s != NULL) {
        output_abort(&s->output);
        free_summary(s);
    }
}
