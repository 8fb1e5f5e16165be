/* watch.c - opens, runs, counts. */
#include "watch.h"

#include <signal.h>
#include <stdatomic.h>
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
    struct readers *readers; /* NULL: not begun */
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
    bool interruptible, failed;
    atomic_bool answers; /* some may have come */
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

/* The window was closed. */
static void stop(void *arg)
{
    struct run *run = arg;

    readers_stop(run->readers);
}

/* Before there are answers nothing is worth waiting for. */
static bool interrupt(void *arg)
{
    struct run *run = arg;

    readers_stop(run->readers);
    return atomic_load(&run->answers);
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

static bool keeps_images(const struct watch *w)
{
    return w->save_frames != NULL || w->save_clips != NULL || w->film != NULL || w->show ||
           w->summary > 0;
}

/* Live frames that come before there is anybody to answer them would only be dropped. */
static bool is_live(const struct watch *w)
{
    bool live = false;

    for (size_t i = 0; i < w->n_sources; i++) {
        live |= w->sources[i].address.live || w->sources[i].realtime;
    }
    return live;
}

/* Decode, until somebody interrupts; once. */
static int begin(struct run *run, const clipc_session *session)
{
    const struct watch *w = run->watch;
    int status = CLIPC_OK;

    if (run->readers == NULL) {
        status = pipeline_read(session, w->sources, w->n_sources, keeps_images(w), &run->readers);
    }
    if (status == CLIPC_OK && !run->interruptible) {
        status = interrupt_begin(interrupt, run);
        run->interruptible = status == CLIPC_OK;
    }
    return status;
}

/* The signal that interrupted, or 0. */
static int end(struct run *run)
{
    int number = run->interruptible ? interrupt_end() : 0;

    run->interruptible = false;
    pipeline_free(run->pipeline); /* until here an interrupt may stop it */
    readers_free(run->readers);
    run->pipeline = NULL;
    run->readers = NULL;
    return number;
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
                                       .keep_images = keeps_images(w)};
    run->tells_frames = w->threshold == NULL &&
                        (w->prompts->n > 0 || w->statistics.changes || w->statistics.outliers);
    if (open_forms(run, model) != CLIPC_OK || begin(run, session) != CLIPC_OK ||
        pipeline_new(model, session, &options, run->readers, w->n_sources, &run->pipeline) !=
            CLIPC_OK) {
        return abandon(run);
    }
    for (size_t i = 0; i < w->n_sources; i++) {
        endless = endless && w->sources[i].address.endless;
    }
    if (run->view == NULL) {
        json_records_begin(&run->records, stdout, w->cli->jsonl || !w->cli->json);
    }
    stats_begin(&run->stats);
    atomic_store(&run->answers, true);
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
    int code = ending(run, end(run), endless);
    if (w->skip_similar > 0) {
        cli_note("%llu of %llu frames were like one before, and have its vector",
                 (unsigned long long)run->stats.skipped, (unsigned long long)run->stats.frames);
    }
    if (w->stats) {
        stats_show(&run->stats, w, model, session);
    }
    return code;
}

/* What makes something of a frame's vector: prompts, statistics. */
static int judges_new(struct run *run, const clipc_model *model, clipc_session *session)
{
    const struct watch *w = run->watch;

    if (w->prompts->n > 0) {
        labels_note(w->prompts, w->cli, model, w->templates, w->n_templates);
        int code = labels_encode(w->prompts, model, session, w->templates, w->n_templates);
        if (code != CLI_DONE) {
            return code;
        }
        if (scores_new(&run->scores, model, w->prompts, w->low, w->high) != CLIPC_OK) {
            return cli_error("%s", clipc_errmsg());
        }
    }
    run->statistics = statistics_new(&w->statistics, w->n_sources, (size_t)clipc_dim(model));
    return run->statistics != NULL ? CLI_DONE : cli_error("out of memory");
}

int watch_run(struct watch *w)
{
    clipc_model *model = cli_open_model(w->cli);
    clipc_session *session = model != NULL ? cli_open_session(w->cli, model) : NULL;
    struct run run = {.watch = w};
    int code = session != NULL ? CLI_DONE : CLI_FAILED;

    if (code == CLI_DONE && !is_live(w) && begin(&run, session) != CLIPC_OK) {
        code = cli_error("%s", clipc_errmsg());
    }
    if (code == CLI_DONE) {
        code = judges_new(&run, model, session);
    }
    if (code == CLI_DONE) {
        code = follow(&run, model, session);
    }
    end(&run);
    view_free(run.view);
    scores_free(&run.scores);
    statistics_free(run.statistics);
    clipc_session_free(session);
    clipc_close(model);
    return code;
}
