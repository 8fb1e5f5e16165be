/* watch.c - opens, runs, counts. */
#include "watch.h"

#include <signal.h>
#include <stdlib.h>

#include "../cli/json_put.h"
#include "../cli/load.h"
#include "../../src/base/base.h"
#include "interrupt.h"
#include "pipeline.h"
#include "record.h"
#include "stats.h"

struct run {
    const struct watch *watch;
    struct pipeline *pipeline;
    struct scores scores;
    struct json_records records;
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
                          .answer = a};

    if (a->error != NULL) {
        run->failed |= !a->lost;
        cli_note("%s", a->error);
    }
    if (a->embedding != NULL) {
        scores_compute(&run->scores, a->embedding);
        shown.scores = &run->scores;
    }
    if (a->last && a->error == NULL) {
        return 0;
    }
    stats_count(&run->stats, a);
    json_records_next(&run->records);
    record_put(stdout, &shown);
    json_records_line(&run->records);
    return fflush(stdout) != 0 || ferror(stdout);
}

static void stop(void *arg)
{
    struct run *run = arg;

    pipeline_stop(run->pipeline);
}

/* An interrupt is how endless sources end.  Of others it leaves something undone. */
static int ending(const struct run *run, bool endless)
{
    int number = interrupt_came();

    if (number != 0 && !endless) {
        fflush(stdout);
        signal(number, SIG_DFL);
        raise(number); /* at interrupt_end, which lets it through */
    }
    return run->failed || ferror(stdout) ? CLI_FAILED : CLI_DONE;
}

static int follow(struct run *run, const clipc_model *model, clipc_session *session)
{
    const struct watch *w = run->watch;
    struct clipc_session_info info = {.size = sizeof info};
    bool endless = true;

    clipc_session_info(session, &info);
    struct pipeline_options options = {.batch = {.image = load_options(w->cli),
                                                 .preprocess = w->cli->session.preprocess,
                                                 .workers = info.threads - 1},
                                       .skip_similar = w->skip_similar};
    if (pipeline_new(model, session, &options, w->sources, w->n_sources, &run->pipeline) !=
        CLIPC_OK) {
        return cli_error("%s", clipc_errmsg());
    }
    for (size_t i = 0; i < w->n_sources; i++) {
        endless = endless && w->sources[i].address.endless;
    }
    if (interrupt_begin(stop, run) != CLIPC_OK) {
        pipeline_free(run->pipeline);
        return cli_error("%s", clipc_errmsg());
    }
    json_records_begin(&run->records, stdout, !w->cli->json);
    stats_begin(&run->stats);
    pipeline_run(run->pipeline, show, run);
    stats_end(&run->stats, pipeline_dropped(run->pipeline));
    pipeline_free(run->pipeline);
    json_records_end(&run->records);
    int code = ending(run, endless);
    interrupt_end();
    if (w->skip_similar > 0) {
        cli_note("%llu of %llu frames were like one before, and have its vector",
                 (unsigned long long)run->stats.skipped, (unsigned long long)run->stats.frames);
    }
    if (w->stats) {
        stats_show(&run->stats, w, model, session);
    }
    return code;
}

int watch_run(struct watch *w)
{
    clipc_model *model = cli_open_model(w->cli);
    clipc_session *session = model != NULL ? cli_open_session(w->cli, model) : NULL;
    struct run run = {.watch = w};
    int code = CLI_FAILED;

    if (session != NULL) {
        labels_note(w->prompts, w->cli, model, w->templates, w->n_templates);
        code = labels_encode(w->prompts, model, session, w->templates, w->n_templates);
    }
    if (session != NULL && code == CLI_DONE) {
        code = scores_new(&run.scores, model, w->prompts, w->low, w->high) == CLIPC_OK
                   ? follow(&run, model, session)
                   : cli_error("%s", clipc_errmsg());
    }
    scores_free(&run.scores);
    clipc_session_free(session);
    clipc_close(model);
    return code;
}
