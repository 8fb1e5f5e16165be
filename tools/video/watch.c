/* watch.c - opens, runs, counts. */
#include "watch.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "../cli/json_put.h"
#include "../cli/load.h"
#include "../../src/base/base.h"
#include "interrupt.h"
#include "pipeline.h"
#include "event_output.h"
#include "form.h"
#include "stats.h"
#include "summary.h"
#include "view.h"

enum { MOST_FORMS = 8 };

struct run {
    const struct watch *watch;
    struct pipeline *pipeline;
    struct scores scores;
    struct statistics *statistics;
    struct json_records records; /* where there is no view */
    struct view *view;           /* NULL: stdout is no terminal, or --json or --jsonl */
    struct form *forms[MOST_FORMS];
    size_t n_forms;
    struct event_output *events; /* NULL: the answers are frames, if any */
    struct summary *summary;     /* NULL: not wanted */
    bool tells_frames;           /* a record for each, and not only for those that failed */
    struct stats stats;
    bool failed;
};

static int show(void *arg, const struct pipeline_answer *a)
{
    struct run *run = arg;
    const struct address *address = &run->watch->sources[a->source].address;
    struct shown shown = {.name = address->name,
                          .name_length = address->name_length,
                          .live = address->live || run->watch->sources[a->source].realtime,
                          .answer = a,
                          .statistics = run->statistics};

    if (a->error != NULL) {
        run->failed |= !a->lost;
        if (run->view != NULL) {
            view_pause(run->view);
        }
        cli_note("%s", a->error);
    }
    if (a->embedding != NULL && run->scores.n > 0) {
        scores_compute(&run->scores, a->embedding);
        shown.scores = &run->scores;
    }
    if (a->embedding != NULL) {
        shown.result = statistics_add(run->statistics, a->source, a->embedding);
    }
    if (run->events != NULL && (a->last || a->lost)) {
        event_output_end_source(run->events, a->source);
    }
    if (a->last && a->error == NULL) {
        return fflush(stdout) != 0 || ferror(stdout);
    }
    stats_count(&run->stats, a);
    for (size_t i = 0; a->embedding != NULL && i < run->n_forms; i++) {
        run->forms[i]->class->frame(run->forms[i], &shown);
    }
    if (run->summary != NULL && a->embedding != NULL) {
        summary_frame(run->summary, &shown);
    }
    if (run->events != NULL && shown.scores != NULL) {
        event_output_frame(run->events, &shown);
    }
    if (run->view != NULL && shown.scores != NULL) {
        view_frame(run->view, &shown);
    } else if (run->view == NULL && (run->tells_frames || a->error != NULL)) {
        json_records_next(&run->records);
        record_put(stdout, &shown);
        json_records_line(&run->records);
    }
    return fflush(stdout) != 0 || ferror(stdout);
}

static void stop(void *arg)
{
    struct run *run = arg;

    pipeline_stop(run->pipeline);
}

/* The files and the view that are wanted.  0, or a negative clipc_status. */
static int open_forms(struct run *run, const clipc_model *model)
{
    const struct watch *w = run->watch;
    int status = CLIPC_OK;

    if (w->csv != NULL) {
        status = csv_new(w->csv, w->prompts, &run->forms[run->n_forms]);
        run->n_forms += status == CLIPC_OK;
    }
    if (status == CLIPC_OK && w->srt != NULL) {
        status = srt_new(w->srt, &run->forms[run->n_forms]);
        run->n_forms += status == CLIPC_OK;
    }
    if (status == CLIPC_OK && w->svg != NULL) {
        status = svg_new(w->svg, w->prompts, w->n_sources, &run->forms[run->n_forms]);
        run->n_forms += status == CLIPC_OK;
    }
    if (status == CLIPC_OK && w->embed != NULL) {
        status = embed_new(w->embed, model, &run->forms[run->n_forms]);
        run->n_forms += status == CLIPC_OK;
    }
    if (status == CLIPC_OK && w->film != NULL) {
        status =
            film_new(w->film, w->prompts, w->sources[0].video.patience, &run->forms[run->n_forms]);
        run->n_forms += status == CLIPC_OK;
    }
    if (status == CLIPC_OK && w->show) {
        bool live = false;
        for (size_t i = 0; i < w->n_sources; i++) {
            live |= w->sources[i].address.live;
        }
        status = window_new(w->prompts, w->n_sources, live, stop, run, &run->forms[run->n_forms]);
        run->n_forms += status == CLIPC_OK;
    }
    if (status == CLIPC_OK && !w->cli->json && !w->cli->jsonl && isatty(STDOUT_FILENO) &&
        w->prompts->n > 0) {
        status = view_new(w->prompts, w->n_sources, &run->view);
    }
    if (status == CLIPC_OK) {
        status = summary_new(w, (size_t)clipc_dim(model), &run->records, run->view, &run->summary);
    }
    if (status == CLIPC_OK && w->threshold != NULL) {
        status = event_output_new(w, &run->scores, &run->records, run->view, &run->events);
    }
    return status;
}

/* CLI_FAILED after messages. */
static int close_forms(struct run *run)
{
    int code = CLI_DONE;

    for (size_t i = 0; i < run->n_forms; i++) {
        if (run->forms[i]->class->end(run->forms[i]) != CLIPC_OK) {
            code = cli_error("%s", clipc_errmsg());
        }
    }
    run->n_forms = 0;
    if (run->view != NULL) {
        view_pause(run->view);
    }
    return code;
}

/* Before anything was answered. */
static int abandon(struct run *run)
{
    int code = cli_error("%s", clipc_errmsg());

    for (size_t i = 0; i < run->n_forms; i++) {
        run->forms[i]->class->abandon(run->forms[i]);
    }
    summary_abandon(run->summary);
    event_output_free(run->events);
    return code;
}

/* An interrupt is how endless sources end.  Of others it leaves something undone. */
static int ending(const struct run *run, int number, bool endless)
{
    if (number != 0 && !endless) {
        fflush(stdout);
        signal(number, SIG_DFL);
        raise(number);
    }
    return run->failed || ferror(stdout) ? CLI_FAILED : CLI_DONE;
}

static int follow(struct run *run, const clipc_model *model, clipc_session *session)
{
    const struct watch *w = run->watch;
    struct clipc_session_info info = {.size = sizeof info};
    bool endless = true;

    clipc_session_info(session, &info);
    struct pipeline_options options = {.batch = {.image = load_options(w->cli, 0),
                                                 .preprocess = w->cli->session.preprocess,
                                                 .workers = info.threads - 1},
                                       .skip_similar = w->skip_similar,
                                       .keep_images = w->save_frames != NULL ||
                                                      w->save_clips != NULL || w->film != NULL ||
                                                      w->show || w->summary > 0};
    run->tells_frames = w->threshold == NULL &&
                        (w->prompts->n > 0 || w->statistics.changes || w->statistics.outliers);
    if (open_forms(run, model) != CLIPC_OK ||
        pipeline_new(model, session, &options, w->sources, w->n_sources, &run->pipeline) !=
            CLIPC_OK) {
        return abandon(run);
    }
    for (size_t i = 0; i < w->n_sources; i++) {
        endless = endless && w->sources[i].address.endless;
    }
    if (interrupt_begin(stop, run) != CLIPC_OK) {
        pipeline_free(run->pipeline);
        return abandon(run);
    }
    if (run->view == NULL) {
        json_records_begin(&run->records, stdout, w->cli->jsonl || !w->cli->json);
    }
    stats_begin(&run->stats);
    pipeline_run(run->pipeline, show, run);
    stats_end(&run->stats, pipeline_dropped(run->pipeline));
    if (run->events != NULL) {
        event_output_end(run->events);
    }
    run->failed |= summary_end(run->summary) != CLI_DONE;
    if (run->view == NULL) {
        json_records_end(&run->records);
    }
    run->failed |= close_forms(run) != CLI_DONE;
    run->failed |= event_output_free(run->events) != CLI_DONE;
    int number = interrupt_end();
    pipeline_free(run->pipeline); /* until here an interrupt may stop it */
    int code = ending(run, number, endless);
    if (w->skip_similar > 0) {
        cli_note("%llu of %llu frames were like one before, and have its vector",
                 (unsigned long long)run->stats.skipped, (unsigned long long)run->stats.frames);
    }
    if (w->stats) {
        stats_show(&run->stats, w, model, session);
    }
    return code;
}

/* What makes something of a frame's vector. */
static int judges_new(struct run *run, const clipc_model *model)
{
    const struct watch *w = run->watch;

    run->statistics = statistics_new(&w->statistics, w->n_sources, (size_t)clipc_dim(model));
    if (run->statistics == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    return w->prompts->n == 0 ? CLIPC_OK
                              : scores_new(&run->scores, model, w->prompts, w->low, w->high);
}

int watch_run(struct watch *w)
{
    clipc_model *model = cli_open_model(w->cli);
    clipc_session *session = model != NULL ? cli_open_session(w->cli, model) : NULL;
    struct run run = {.watch = w};
    int code = CLI_FAILED;

    if (session != NULL && w->prompts->n == 0) {
        code = CLI_DONE;
    } else if (session != NULL) {
        labels_note(w->prompts, w->cli, model, w->templates, w->n_templates);
        code = labels_encode(w->prompts, model, session, w->templates, w->n_templates);
    }
    if (session != NULL && code == CLI_DONE) {
        code = judges_new(&run, model) == CLIPC_OK ? follow(&run, model, session)
                                                   : cli_error("%s", clipc_errmsg());
    }
    view_free(run.view);
    scores_free(&run.scores);
    statistics_free(run.statistics);
    clipc_session_free(session);
    clipc_close(model);
    return code;
}
