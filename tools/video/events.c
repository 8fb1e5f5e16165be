/* events.c - a small state for each prompt of each source. */
#include "events.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"

struct track {
    double *recent; /* [smooth], a ring of the last cosines */
    size_t n_recent;
    bool active, told;
    struct event event;
};

struct events {
    struct events_options options;
    size_t n_sources, n_prompts;
    struct track *tracks; /* [n_sources, n_prompts] */
    double *recent;       /* of all tracks */
    events_fn fn;
    void *arg;
};

int events_new(const struct events_options *options, size_t n_sources, size_t n_prompts,
               events_fn fn, void *arg, struct events **out)
{
    struct events *e = calloc(1, sizeof *e);
    size_t n = n_sources * n_prompts, bytes;

    *out = e;
    if (e == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    e->options = *options;
    e->options.smooth = options->smooth > 0 ? options->smooth : 1;
    e->n_sources = n_sources;
    e->n_prompts = n_prompts;
    e->fn = fn;
    e->arg = arg;
    e->tracks = calloc(n, sizeof *e->tracks);
    e->recent =
        base_mul(n, (size_t)e->options.smooth, &bytes) ? calloc(bytes, sizeof *e->recent) : NULL;
    if (e->tracks == NULL || e->recent == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    for (size_t i = 0; i < n; i++) {
        e->tracks[i].recent = e->recent + i * (size_t)e->options.smooth;
    }
    return CLIPC_OK;
}

void events_free(struct events *e)
{
    if (e != NULL) {
        free(e->tracks);
        free(e->recent);
        free(e);
    }
}

/* The mean of the last cosines, this one among them. */
static double smooth(struct track *t, size_t most, double cosine)
{
    size_t n;
    double sum = 0;

    t->recent[t->n_recent++ % most] = cosine;
    n = t->n_recent < most ? t->n_recent : most;
    for (size_t i = 0; i < n; i++) {
        sum += t->recent[i];
    }
    return sum / (double)n;
}

static void tell(struct events *e, struct track *t, enum event_kind kind)
{
    t->event.kind = kind;
    e->fn(e->arg, &t->event);
}

/* An event that is not too short is told: its begin once, then its end. */
static void judge(struct events *e, struct track *t, bool ended)
{
    bool sure = t->event.end - t->event.start >= e->options.min_duration - 1e-6;

    if (sure && !t->told) {
        t->told = true;
        tell(e, t, EVENT_START);
    }
    if (ended) {
        tell(e, t, t->told ? EVENT_END : EVENT_NONE);
        t->active = false;
    }
}

static void follow(struct events *e, struct track *t, const struct shown *s, size_t prompt)
{
    const struct pipeline_answer *a = s->answer;
    double value = smooth(t, (size_t)e->options.smooth, s->scores->cosines[prompt]);

    if (t->active && !(value >= e->options.threshold - e->options.hysteresis)) {
        judge(e, t, true);
        return;
    }
    if (!t->active && value >= e->options.threshold) {
        t->active = true;
        t->told = false;
        t->event = (struct event){.source = a->source,
                                  .prompt = prompt,
                                  .start = a->time,
                                  .start_frame = a->number,
                                  .peak = -INFINITY};
    }
    if (t->active) {
        t->event.end = a->time;
        t->event.end_frame = a->number;
        if (value > t->event.peak) {
            t->event.peak = value;
            t->event.peak_time = a->time;
            t->event.peak_frame = a->number;
            tell(e, t, EVENT_BEST);
        }
        judge(e, t, false);
    }
}

void events_frame(struct events *e, const struct shown *s)
{
    for (size_t i = 0; i < e->n_prompts; i++) {
        follow(e, &e->tracks[s->answer->source * e->n_prompts + i], s, i);
    }
}

void events_end_source(struct events *e, size_t source)
{
    for (size_t i = 0; i < e->n_prompts; i++) {
        struct track *t = &e->tracks[source * e->n_prompts + i];
        t->n_recent = 0; /* what comes later is not smoothed with what was before the gap */
        if (t->active) {
            judge(e, t, true);
        }
    }
}

void events_end(struct events *e)
{
    for (size_t i = 0; i < e->n_sources; i++) {
        events_end_source(e, i);
    }
}
