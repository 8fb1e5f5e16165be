/* record.c - the JSON of a frame. */
#include "record.h"

#include <math.h>

#include "../cli/json_put.h"
#include "events.h"

static void put_list(FILE *f, const char *key, const double *x, size_t n)
{
    fprintf(f, ", \"%s\": ", key);
    if (x == NULL || isnan(x[0])) {
        fputs("null", f);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        fputs(i == 0 ? "[" : ", ", f);
        json_put_float(f, x[i]);
    }
    fputs("]", f);
}

void record_put(FILE *f, const struct shown *s)
{
    const struct pipeline_answer *a = s->answer;
    const struct scores *scores = s->scores;
    size_t n = scores != NULL ? scores->n : 0;

    fputs("{\"source\": ", f);
    json_put_string(f, s->name, s->name_length);
    if (a->last || a->lost) {
        fputs(", \"frame\": null, \"timestamp\": null", f);
    } else {
        fprintf(f, ", \"frame\": %llu, \"timestamp\": ", (unsigned long long)a->number);
        json_put_float(f, a->time);
    }
    if (a->path != NULL) {
        fputs(", \"path\": ", f);
        json_put_c_string(f, a->path);
    }
    put_list(f, "cosines", scores != NULL ? scores->cosines : NULL, n);
    put_list(f, "percent", scores != NULL ? scores->percents : NULL, n);
    put_list(f, scores != NULL && scores->sigmoid ? "sigmoid" : "softmax",
             scores != NULL ? scores->probabilities : NULL, n);
    fputs(", \"best\": ", f);
    if (scores != NULL) {
        const struct label *best = &scores->prompts->names[scores->best];
        json_put_string(f, best->text, best->length);
    } else {
        fputs("null", f);
    }
    if (s->live && !a->last && !a->lost) {
        fputs(", \"latency\": ", f);
        json_put_float(f, a->latency);
        fprintf(f, ", \"dropped\": %llu", (unsigned long long)a->dropped);
    }
    if (a->skipped) {
        fputs(", \"skipped\": true", f);
    }
    statistics_put(f, s->statistics, &s->result);
    fputs(", \"error\": ", f);
    json_put_c_string(f, a->error);
    fputs("}", f);
}

void record_put_event(FILE *f, const char *source, size_t source_length,
                      const struct labels *prompts, const struct event *e,
                      const struct event_files *files)
{
    const struct label *prompt = &prompts->names[e->prompt];
    bool ended = e->kind == EVENT_END;

    fprintf(f, "{\"event\": \"%s\", \"source\": ", ended ? "end" : "start");
    json_put_string(f, source, source_length);
    fputs(", \"prompt\": ", f);
    json_put_string(f, prompt->text, prompt->length);
    fputs(", \"start\": ", f);
    json_put_float(f, e->start);
    fprintf(f, ", \"start_frame\": %llu, \"end\": ", (unsigned long long)e->start_frame);
    if (ended) {
        json_put_float(f, e->end);
        fprintf(f, ", \"end_frame\": %llu", (unsigned long long)e->end_frame);
    } else {
        fputs("null, \"end_frame\": null", f);
    }
    fputs(", \"peak\": ", f);
    json_put_float(f, e->peak);
    fputs(", \"peak_timestamp\": ", f);
    json_put_float(f, e->peak_time);
    fprintf(f, ", \"best_frame\": %llu", (unsigned long long)e->peak_frame);
    if (files->frames) {
        fputs(", \"frame_file\": ", f);
        json_put_c_string(f, files->frame);
    }
    if (files->clips) {
        fputs(", \"clip_file\": ", f);
        json_put_c_string(f, files->clip);
    }
    putc('}', f);
}
