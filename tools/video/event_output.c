/* event_output.c - events as lines of JSON, as sentences, as the standard input of a program. */
#include "event_output.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "best_frames.h"
#include "clips.h"
#include "notify.h"
#include "webhook.h"

/* What is to be told, when its film is there. */
struct told {
    struct event event;
    char *frame;       /* its picture; NULL: none */
    struct clip *clip; /* its film on the way; NULL: none */
    struct told *next;
};

struct event_output {
    const struct watch *watch;
    struct json_records *records;
    struct view *view;
    struct events *events;
    struct notify *notify;     /* NULL: not wanted */
    struct webhook *webhook;   /* the same */
    struct best_frames *best;  /* the same */
    struct clips *clips;       /* the same */
    const struct shown *shown; /* the frame at hand; NULL: the end */
    struct told *first, **last;
};

/* A sentence for people, below the bars so far. */
static void say_event(struct event_output *o, const struct address *source, const struct event *e,
                      const struct event_files *files)
{
    const struct label *prompt = &o->watch->prompts->names[e->prompt];

    view_pause(o->view);
    say_text(stdout, source->name, source->name_length);
    fputs(": ", stdout);
    say_text(stdout, prompt->text, prompt->length);
    if (e->kind == EVENT_END) {
        printf(": from %.2f s to %.2f s, best %.3f at %.2f s", e->start, e->end, e->peak,
               e->peak_time);
        const char *kept[] = {files->frame, files->clip};
        for (int i = 0; i < 2; i++) {
            fputs(kept[i] != NULL ? ", " : "", stdout);
            say(stdout, kept[i] != NULL ? kept[i] : "");
        }
        putchar('\n');
    } else {
        printf(": since %.2f s\n", e->start);
    }
}

static void put_event(struct event_output *o, const struct event *e,
                      const struct event_files *files)
{
    const struct address *source = &o->watch->sources[e->source].address;
    char *json = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&json, &n);

    if (f == NULL) {
        cli_error("out of memory for an event");
        return;
    }
    record_put_event(f, source->name, source->name_length, o->watch->prompts, e, files);
    putc('\n', f);
    fclose(f);
    if (o->view != NULL) {
        say_event(o, source, e, files);
    } else {
        json_records_next(o->records);
        fwrite(json, 1, n - 1, stdout);
        json_records_line(o->records);
    }
    if (o->notify != NULL) {
        notify_event(o->notify, json, n);
    }
    if (o->webhook != NULL) {
        webhook_event(o->webhook, json, n);
    }
    free(json);
}

/* Those whose films are there, in the order in which they were told; `all`: waits for them. */
static void put_events(struct event_output *o, bool all)
{
    struct told *t;

    while ((t = o->first) != NULL) {
        if (t->clip != NULL && all) {
            clips_wait(o->clips, t->clip);
        }
        if (t->clip != NULL && !clips_is_done(o->clips, t->clip)) {
            break;
        }
        struct event_files files = {.frames = o->best != NULL,
                                    .clips = o->clips != NULL,
                                    .frame = t->frame,
                                    .clip = t->clip != NULL ? t->clip->path : NULL};
        put_event(o, &t->event, &files);
        o->first = t->next;
        o->last = o->first == NULL ? &o->first : o->last;
        free(t->frame);
        clip_free(t->clip);
        free(t);
    }
}

/* An event began or ended. */
static void take_event(struct event_output *o, const struct event *e)
{
    struct told *t = calloc(1, sizeof *t);

    if (t == NULL) {
        cli_error("out of memory for an event");
        return;
    }
    t->event = *e;
    if (e->kind == EVENT_START && o->clips != NULL) {
        clips_begin(o->clips, e);
    }
    if (e->kind == EVENT_END && o->best != NULL) {
        t->frame = best_frames_write(o->best, e);
    }
    if (e->kind == EVENT_END && o->clips != NULL) {
        t->clip = clips_end(o->clips, e, o->shown == NULL || !o->shown->live);
    }
    *o->last = t;
    o->last = &t->next;
}

/* What events.c tells. */
static void hear(void *arg, const struct event *e)
{
    struct event_output *o = arg;

    if (e->kind == EVENT_START || e->kind == EVENT_END) {
        take_event(o, e);
    } else if (e->kind == EVENT_BEST && o->best != NULL) {
        best_frames_keep(o->best, e, o->shown);
    } else if (e->kind == EVENT_NONE && o->best != NULL) {
        best_frames_forget(o->best, e);
    }
}

/* "0.3", or "60%" of the range from `low` on.  0, or CLIPC_ERROR_ARGUMENT. */
static int read_value(const char *option, const char *text, double low, const struct scores *s,
                      double *to)
{
    char *end;
    double x = strtod(text, &end);

    if (end == text || !isfinite(x) || (*end != '\0' && strcmp(end, "%") != 0)) {
        return base_fail(CLIPC_ERROR_ARGUMENT, "--%s wants a cosine or a percentage (60%%): '%s'",
                         option, text);
    }
    if (*end == '%' && !(s->low < s->high)) {
        return base_fail(CLIPC_ERROR_ARGUMENT,
                         "--%s %s: this model has no range for percentages: --range LOW,HIGH",
                         option, text);
    }
    *to = *end == '%' ? low + x / 100 * (s->high - s->low) : x;
    return CLIPC_OK;
}

int event_output_new(const struct watch *w, const struct scores *scores,
                     struct json_records *records, struct view *view, struct event_output **out)
{
    struct events_options options = w->events;
    struct event_output *o = calloc(1, sizeof *o);
    int status = o == NULL ? base_fail(CLIPC_ERROR_MEMORY, "out of memory") : CLIPC_OK;

    if (status == CLIPC_OK) {
        *o = (struct event_output){.watch = w, .records = records, .view = view, .last = &o->first};
        status = read_value("threshold", w->threshold, scores->low, scores, &options.threshold);
    }
    /* Enough that noise about the threshold is one event: a tenth of what is worth showing. */
    options.hysteresis = scores->low < scores->high ? (scores->high - scores->low) / 10 : 0.02;
    if (status == CLIPC_OK && w->hysteresis != NULL) {
        status = read_value("hysteresis", w->hysteresis, 0, scores, &options.hysteresis);
    }
    if (status == CLIPC_OK) {
        status = events_new(&options, w->n_sources, w->prompts->n, hear, o, &o->events);
    }
    if (status == CLIPC_OK && w->save_frames != NULL) {
        status = best_frames_new(w, &o->best);
    }
    if (status == CLIPC_OK && w->save_clips != NULL) {
        status = clips_new(w, &o->clips);
    }
    if (status == CLIPC_OK && w->on_event != NULL) {
        status = notify_new(w->on_event, w->cooldown, &o->notify);
    }
    if (status == CLIPC_OK && w->webhook != NULL) {
        status = webhook_new(w->webhook, w->webhook_ca, &o->webhook);
    }
    if (status != CLIPC_OK) {
        event_output_free(o);
        o = NULL;
    }
    *out = o;
    return status;
}

void event_output_frame(struct event_output *o, const struct shown *shown)
{
    o->shown = shown;
    events_frame(o->events, shown);
    if (o->best != NULL) {
        best_frames_next(o->best);
    }
    if (o->clips != NULL) {
        clips_frame(o->clips, shown);
    }
    put_events(o, false);
    o->shown = NULL;
}

void event_output_end_source(struct event_output *o, size_t source)
{
    events_end_source(o->events, source);
    put_events(o, false);
}

void event_output_end(struct event_output *o)
{
    events_end(o->events);
    put_events(o, true);
    fflush(stdout);
}

int event_output_free(struct event_output *o)
{
    bool failed = false;

    if (o == NULL) {
        return CLI_DONE;
    }
    if (o->notify != NULL) {
        failed |= notify_free(o->notify) != CLI_DONE;
    }
    if (o->webhook != NULL) {
        failed |= webhook_free(o->webhook) != CLI_DONE;
    }
    failed |= best_frames_free(o->best) != CLI_DONE;
    failed |= clips_free(o->clips) != CLI_DONE;
    events_free(o->events);
    free(o);
    return failed ? CLI_FAILED : CLI_DONE;
}
